package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/store"
)

// The size of the storm.
const (
	stormRouters = 3
	stormPeople  = 2 // on each router
	stormDeeds   = 40
)

// testStorm lets everybody do everything at once, on several routers. Nobody
// may be refused for what another does meanwhile, but by the rules; and every
// reader sees whole changes only.
func testStorm(t *testing.T, backend Backend) {
	f := applied(t, backend)
	defs := shop()
	defs.Routes = append(defs.Routes, spec.Route{Name: "till", Match: spec.Match{Prefix: "/till"}, Legacy: "monolith", New: "orders", Group: "users"})
	defs.Backends[1].Endpoints = append(defs.Backends[1].Endpoints, "http://127.0.0.1:4001")
	f.apply(defs)
	var all sync.WaitGroup
	for r := range stormRouters {
		router := f.reopen()
		for p := range stormPeople {
			person := stormer{t: t, name: fmt.Sprintf("%d-%d", r, p), store: router, random: rand.New(rand.NewPCG(uint64(r), uint64(p)))}
			all.Go(person.act)
		}
	}
	all.Wait()
	if found := f.verify(); found.Broken != nil {
		t.Errorf("the chain is broken at %+v", found.Broken)
	}
	stormRevisions(f)
}

// stormRevisions holds that every revision has its events, and none is skipped.
func stormRevisions(f *fixture) {
	f.t.Helper()
	last := f.load(nil).Revision
	seen := make(map[routing.Revision]bool)
	for _, e := range f.events(rollout.EventQuery{Limit: 1 << 20}) {
		seen[e.Revision] = true
	}
	for revision := routing.Revision(1); revision <= last; revision++ {
		if !seen[revision] {
			f.t.Errorf("revision %d of %d has no event", revision, last)
		}
	}
}

// stormer is one person with a router's store.
type stormer struct {
	t      *testing.T
	name   string
	store  store.Store
	random *rand.Rand
	known  *fleet.Snapshot
	deed   int
}

func (s *stormer) act() {
	deeds := []func(context.Context) error{
		s.verb, s.verb, s.group, s.rollbackAll, s.edit, s.edit, s.fault, s.drain, s.token, s.override, s.note, s.count, s.gather, s.see, s.beat,
		s.pilot, s.conclude, s.look, s.look, s.look,
	}
	for s.deed = range stormDeeds {
		if err := deeds[s.random.IntN(len(deeds))](s.t.Context()); !allowed(err) {
			s.t.Errorf("%s, deed %d: %v", s.name, s.deed, err)
		}
	}
}

// allowed reports whether the rules may say so.
func allowed(err error) bool {
	_, refused := errors.AsType[*rollout.Refusal](err)
	_, faulty := errors.AsType[spec.Problems](err)
	return err == nil || refused || faulty
}

func (s *stormer) controller() *rollout.Controller {
	return &rollout.Controller{Ledger: s.store, History: s.store}
}

func (s *stormer) command(verb rollout.Verb) rollout.Command {
	return rollout.Command{Verb: verb, Actor: s.name, Cause: rollout.CauseOperator}
}

func (s *stormer) verb(ctx context.Context) error {
	verbs := []rollout.Verb{rollout.VerbPromote, rollout.VerbPause, rollout.VerbResume, rollout.VerbRollback, rollout.VerbUndo}
	_, err := s.controller().Do(ctx, "orders-get", s.command(verbs[s.random.IntN(len(verbs))]), nil)
	return err
}

func (s *stormer) group(ctx context.Context) error {
	cmd := s.command(rollout.VerbPromote)
	cmd.To = &rollout.Target{Stage: routing.StageCanary, Weight: routing.Weight(1 + s.random.IntN(9999))}
	_, err := s.controller().PromoteGroup(ctx, "users", cmd)
	return err
}

func (s *stormer) rollbackAll(ctx context.Context) error {
	_, err := s.controller().RollbackAll(ctx, s.command(rollout.VerbRollback))
	return err
}

// edit adds a route of its own, or removes it.
func (s *stormer) edit(ctx context.Context) error {
	mine := spec.Route{Name: "own-" + s.name, Match: spec.Match{Path: "/own/" + s.name}, Legacy: "monolith", New: "orders"}
	edit := spec.Edit{Verb: rollout.VerbApply, Actor: s.name}
	_, err := s.store.Edit(ctx, edit, func(current spec.Current) (spec.Definitions, error) {
		if _, there := current.States[mine.Name]; there {
			return spec.Remove(current, spec.KindRoute, mine.Name)
		}
		return spec.Apply(current, spec.Definitions{Routes: []spec.Route{mine}}, spec.Source{}, false)
	})
	return err
}

// fault starts a fault on the route of its own, and stops those that run there.
func (s *stormer) fault(ctx context.Context) error {
	mine := "own-" + s.name
	_, err := s.store.Control(ctx, fleet.Control{Actor: s.name, Route: mine}, func(now fleet.Controlling) (fleet.Controls, error) {
		c := now.Controls
		had := len(c.Faults)
		c.Faults = slices.DeleteFunc(c.Faults, func(f fleet.Fault) bool { return f.Route == mine })
		if now.Route != nil && len(c.Faults) == had {
			fault := guard.Fault{Route: mine, Side: "new", Percent: 1, Reset: true}
			c.Faults = append(c.Faults, fleet.Fault{Fault: fault, StartedAt: now.At, EndsAt: now.At.Add(time.Minute), Actor: s.name})
			c.Resets = []fleet.Reset{{Route: "cart", Side: "new", Generation: now.Next}}
		}
		return c, nil
	})
	return err
}

// drain drains one of two endpoints where both serve, else it makes them ready.
func (s *stormer) drain(ctx context.Context) error {
	_, err := s.store.Control(ctx, fleet.Control{Actor: s.name, Backend: "orders"}, func(now fleet.Controlling) (fleet.Controls, error) {
		if len(now.Controls.Drained) > 0 {
			now.Controls.Drained = nil
			return now.Controls, nil
		}
		endpoint := now.Backend.Endpoints[s.random.IntN(2)]
		now.Controls.Drained = []fleet.Drain{{Backend: "orders", Endpoint: endpoint, Actor: s.name, At: now.At}}
		return now.Controls, nil
	})
	return err
}

func (s *stormer) token(ctx context.Context) error {
	token, _, err := auth.Mint(s.name, auth.Viewer, time.Hour)
	if err != nil {
		return err
	}
	if err := s.store.CreateToken(ctx, token, s.name); err != nil {
		return err
	}
	return s.store.RevokeToken(ctx, token.ID, s.name)
}

func (s *stormer) override(ctx context.Context) error {
	id := fmt.Sprintf("o-%s-%d", s.name, s.deed)
	return s.store.RevokeOverride(ctx, fleet.RevokedOverride{ID: id, Expires: time.Now().Add(time.Hour)}, s.name)
}

func (s *stormer) note(ctx context.Context) error {
	return s.store.Note(ctx, rollout.Event{Verb: rollout.VerbLoginDenied, Kind: "login", Subject: "192.0.2.1", Actor: s.name})
}

func (s *stormer) count(ctx context.Context) error {
	counts := []stats.Count{{Route: "till", Side: "new", Requests: 1}, {Route: "cart", Side: "legacy", Requests: 1}}
	s.random.Shuffle(len(counts), func(i, j int) { counts[i], counts[j] = counts[j], counts[i] })
	return errors.Join(s.store.AddCounts(ctx, "shared", counts), s.store.FoldCounts(ctx))
}

func (s *stormer) gather(ctx context.Context) error {
	at := recently()
	batch := found("till", at, exemplar("till", "e1", fmt.Sprint(s.name, s.deed), at, "s1"))
	return errors.Join(s.store.AddEvidence(ctx, batch), s.store.FoldEvidence(ctx))
}

func (s *stormer) see(ctx context.Context) error {
	w := slot("new", minutesAgo(3), visit{key: uint64(s.deed)})
	w.Route = "till"
	return errors.Join(s.store.AddWindows(ctx, s.name, []stats.LaneWindow{w}), s.store.FoldWindows(ctx))
}

func (s *stormer) beat(ctx context.Context) error {
	return s.store.Heartbeat(ctx, fleet.Instance{Name: "router-" + s.name[:1], StartedAt: time.Now()})
}

// pilot switches the autopilot of the route of its own, and freezes or thaws all.
func (s *stormer) pilot(ctx context.Context) error {
	mine := "own-" + s.name
	_, err := s.store.Control(ctx, fleet.Control{Actor: s.name, Route: mine}, func(now fleet.Controlling) (fleet.Controls, error) {
		c := now.Controls
		if now.Route != nil {
			mode := []autopilot.Mode{autopilot.Off, autopilot.On, autopilot.Disarmed}[s.random.IntN(3)]
			c.SetAutopilot(fleet.Autopilot{Route: mine, Mode: mode, Actor: s.name, At: now.At})
		}
		if c.Freeze != nil {
			c.Freeze = nil
		} else {
			c.Freeze = &fleet.Freeze{Actor: s.name, At: now.At}
		}
		return c, nil
	})
	return err
}

// conclude does what an autopilot does, if the lease can be had.
func (s *stormer) conclude(ctx context.Context) error {
	lease, err := s.store.Lease(ctx, s.name, time.Minute)
	if err != nil || lease.Holder != s.name {
		return err
	}
	sel := rollout.Selection{Group: "users", Fence: &lease.Fence}
	_, changed := s.store.Change(ctx, sel, moveTo(at(routing.Weight(1+s.random.IntN(9999)))))
	dossiers := []autopilot.Dossier{{Route: "own-" + s.name}, {Route: "cart"}, {Route: "till"}}
	return errors.Join(changed, s.store.KeepDossiers(ctx, lease.Fence, dossiers), s.store.Release(ctx, lease.Fence))
}

// look follows the store as a router does, and holds what it sees to a reader
// who knows nothing.
func (s *stormer) look(ctx context.Context) error {
	next, err := s.store.Load(ctx, s.known)
	if err != nil {
		return err
	}
	s.known = next
	weights := make(map[string]routing.Weight)
	for i, route := range next.Definitions.Routes {
		weights[route.Name] = next.Routes[i].Weight
	}
	if weights["cart"] != weights["till"] {
		s.t.Errorf("revision %d: cart at %s and till at %s, a change of their group was seen in parts", next.Revision, weights["cart"], weights["till"])
	}
	fit := next.Controls.Fit(next.Definitions)
	if len(fit.Faults) != len(next.Controls.Faults) || len(fit.Autopilots) != len(next.Controls.Autopilots) || len(next.Controls.Drained) > 1 {
		s.t.Errorf("revision %d: %+v, want faults and autopilots of routes that are there, and an endpoint that serves", next.Revision, next.Controls)
	}
	fresh, err := s.store.Load(ctx, nil)
	if err == nil && fresh.Revision == next.Revision && fresh.Digest != next.Digest {
		s.t.Errorf("revision %d: who followed has another table than who began", next.Revision)
	}
	return err
}
