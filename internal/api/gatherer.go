package api

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/stats"
)

// How often what is looked at that tells nobody when it changes.
const (
	lookEvery  = 2 * time.Second // evidence, and events that come with no new revision
	awayEvery  = 5 * time.Second // the age of what is served while the store is away
	eventsPage = 500             // events that one update tells of; the next one tells more
)

// gatherer finds out what has changed for the listeners of one feed. It is not safe
// for concurrent use.
type gatherer struct {
	server *server

	snapshot *fleet.Snapshot // by which the rest was found; nil: none
	routes   map[string]json.RawMessage
	looked   time.Time
	event    int64 // id of the newest that was told, or unknownEvent
	more     bool  // there are newer ones
	anew     bool  // ids have begun anew, and nobody was told
	store    wire.StreamStore
	told     time.Time // when the store's state was
	slot     time.Time // when the last slot of traffic began
	traffic  frame     // of that slot; nil: none was read
}

func (s *server) newGatherer() *gatherer {
	return &gatherer{server: s, event: unknownEvent, slot: lastSlot(time.Now()).Add(-stats.SlotLength)}
}

// gather returns what has changed since it was called last, and all that stands now.
func (g *gatherer) gather(ctx context.Context) (changed, picture update) {
	now := time.Now()
	served := g.server.Router.Snapshot()
	changed.since = g.event
	if served != g.snapshot || g.more || now.Sub(g.looked) >= lookEvery {
		if served != nil {
			changed.frames = append(changed.frames, g.routesOf(ctx, served)...)
		}
		g.compare(served)
		changed.history = g.events(ctx)
		g.snapshot, g.looked = served, now
	}
	changed.frames = append(changed.frames, g.storeNow(now)...)
	changed.frames = append(changed.frames, g.trafficUntil(ctx, now)...)
	changed.newest = g.event
	if g.anew && g.event != unknownEvent {
		changed.anew, g.anew = true, false
	}
	return changed, g.picture()
}

// picture is what a new listener is told.
func (g *gatherer) picture() update {
	frames := make([]frame, 0, 3)
	if g.snapshot != nil {
		names := slices.Sorted(maps.Keys(g.routes))
		all := make([]json.RawMessage, len(names))
		for i, name := range names {
			all[i] = g.routes[name]
		}
		frames = append(frames, routesFrame(g.snapshot.Revision, all, nil))
	}
	frames = append(frames, newFrame("store", g.store))
	if g.traffic != nil {
		frames = append(frames, g.traffic)
	}
	return update{frames: frames, since: g.event, newest: g.event}
}

// routesOf tells which routes stand otherwise than before; also that none does,
// when the revision is another.
func (g *gatherer) routesOf(ctx context.Context, served *fleet.Snapshot) []frame {
	faults, told := g.server.invalidRoutes(), g.server.evidence(ctx)
	routes := make(map[string]json.RawMessage, len(served.Routes))
	var changed []json.RawMessage
	for i := range served.Routes {
		status := routeStatus(served, i, faults, told)
		text, err := json.Marshal(status)
		if err != nil { // no status holds what cannot be written
			continue
		}
		routes[status.Name] = text
		if !bytes.Equal(text, g.routes[status.Name]) {
			changed = append(changed, text)
		}
	}
	var removed []string
	for name := range g.routes {
		if _, stays := routes[name]; !stays {
			removed = append(removed, name)
		}
	}
	slices.Sort(removed)
	g.routes = routes
	if len(changed) == 0 && len(removed) == 0 && g.snapshot != nil && g.snapshot.Revision == served.Revision {
		return nil
	}
	return []frame{routesFrame(served.Revision, changed, removed)}
}

// routesFrame writes wire.StreamRoutes of routes that are written already: a test
// holds the two together.
func routesFrame(revision routing.Revision, routes []json.RawMessage, removed []string) frame {
	if routes == nil {
		routes = []json.RawMessage{}
	}
	if removed == nil {
		removed = []string{}
	}
	return newFrame("routes", struct {
		Revision routing.Revision  `json:"revision"`
		Routes   []json.RawMessage `json:"routes"`
		Removed  []string          `json:"removed"`
	}{revision, routes, removed})
}

// compare notices a store that is another one, or has gone back: its events have
// other ids.
func (g *gatherer) compare(served *fleet.Snapshot) {
	known := g.snapshot
	if known != nil && served != nil && (known.StoreID != served.StoreID || served.Revision < known.Revision) {
		g.event, g.anew = unknownEvent, true
	}
}

// events tells what the history has had since. What cannot be read now is told
// later.
func (g *gatherer) events(ctx context.Context) []frame {
	g.more = false
	if !g.reachable() {
		return nil
	}
	if g.event == unknownEvent {
		if newest, err := g.server.newestEvent(ctx); err == nil {
			g.event = newest
		}
		return nil
	}
	events, err := g.server.eventsAfter(ctx, g.event)
	if err != nil || len(events) == 0 {
		return nil
	}
	g.event, g.more = events[len(events)-1].ID, len(events) == eventsPage
	return historyFrames(events)
}

// reachable reports whether it is worth asking the store.
func (g *gatherer) reachable() bool { return g.server.Router.Status().Reachable }

// newestEvent returns the id of the newest event; 0: there is none.
func (s *server) newestEvent(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	events, err := s.History.Events(ctx, rollout.EventQuery{Limit: 1})
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return events[0].ID, nil
}

// eventsAfter returns a page of the events after one, the oldest first.
func (s *server) eventsAfter(ctx context.Context, id int64) ([]rollout.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	return s.History.Events(ctx, rollout.EventQuery{After: id, Oldest: true, Limit: eventsPage})
}

func historyFrames(events []rollout.Event) []frame {
	frames := make([]frame, len(events))
	for i, event := range events {
		frames[i] = newFrame("history", wireEvent(event)).numbered(event.ID)
	}
	return frames
}

// storeNow tells how the router stands with its store, when that has changed, and
// how old what is served has become while it is away.
func (g *gatherer) storeNow(now time.Time) []frame {
	status := g.server.Router.Status()
	before := g.store
	g.store = wire.StreamStore{Reachable: status.Reachable, Since: status.Since.UTC()}
	if !status.ConfirmedAt.IsZero() {
		g.store.AgeS = max(0, now.Sub(status.ConfirmedAt).Seconds())
	}
	same := before.Reachable == g.store.Reachable && before.Since.Equal(g.store.Since)
	if !g.told.IsZero() && same && (g.store.Reachable || now.Sub(g.told) < awayEvery) {
		return nil
	}
	g.told = now
	return []frame{newFrame("store", g.store)}
}
