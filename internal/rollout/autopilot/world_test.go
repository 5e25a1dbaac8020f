package autopilot_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/store"
)

// world is a real store, with autopilots on it, and what routers would write.
type world struct {
	store.Store
	t    *testing.T
	keys uint64    // that have been used
	at   time.Time // when all of it is seen: tests are not to meet the end of a minute

	parity   map[string]gate.Compared
	breakers map[string][]gate.Breaker
	moved    int
}

// newWorld defines routes. Their gates ask for little, and steps need no time.
func newWorld(t *testing.T, routes string) *world {
	t.Helper()
	kept, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "strangler.db"), store.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	w := &world{Store: kept, t: t, at: time.Now()}
	w.apply(`
backends:
  - {name: old, endpoints: ["http://127.0.0.1:3000"]}
  - {name: fresh, endpoints: ["http://127.0.0.1:4000"]}
groups:
  - {name: shop, keys: [{header: X-User-Id}]}
` + routes)
	return w
}

func (w *world) apply(definitions string) {
	w.t.Helper()
	file, src, err := spec.ParseYAML("definitions.yaml", []byte(definitions))
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.Edit(w.t.Context(), spec.Edit{Verb: rollout.VerbApply, Actor: "ana"}, func(current spec.Current) (spec.Definitions, error) {
		return spec.Apply(current, file, src, false)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// route writes one route of a file.
func route(name, more string) string {
	return fmt.Sprintf("  - {name: %[1]s, match: {path: /%[1]s}, legacy: old, new: fresh, plan: {bake: 0s}, %[2]s}\n", name, more)
}

// easy are gates that pass with five key-minutes.
const easy = "gates: {parity: off, slowness: off, fallbacks: off, errors: {min: 5}}"

func (w *world) snapshot() *fleet.Snapshot {
	w.t.Helper()
	snapshot, err := w.Load(context.WithoutCancel(w.t.Context()), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return snapshot
}

func (w *world) sources() autopilot.Sources {
	return autopilot.Sources{
		Fleet: func() autopilot.Fleet { return w.snapshot().Autopilot() },
		Parity: func(context.Context, []string) (map[string]gate.Compared, error) {
			return w.parity, nil
		},
		Breakers: func(context.Context) (map[string][]gate.Breaker, error) { return w.breakers, nil },
	}
}

// pilot is another router's autopilot.
func (w *world) pilot(instance string) *autopilot.Pilot {
	return autopilot.New(autopilot.Config{
		Instance: instance, Store: w.Store, Mover: &rollout.Controller{Ledger: w.Store, History: w.Store},
		Sources: w.sources(), Moved: func() { w.moved++ }, Logger: slog.New(slog.DiscardHandler),
	})
}

func (w *world) evaluator() *autopilot.Evaluator {
	return &autopilot.Evaluator{Dossiers: w.Store, Leases: w.Store, Sources: w.sources(), Logger: slog.New(slog.DiscardHandler)}
}

// look has an autopilot look at everything once.
func (w *world) look(p *autopilot.Pilot) {
	w.t.Helper()
	if err := p.Look(w.t.Context()); err != nil {
		w.t.Fatalf("look: %v", err)
	}
}

// person gives a command as people do.
func (w *world) person(route string, cmd rollout.Command) {
	w.t.Helper()
	cmd.Actor, cmd.Cause = "ana", rollout.CauseOperator
	if _, err := (&rollout.Controller{Ledger: w.Store, History: w.Store}).Do(w.t.Context(), route, cmd, nil); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) promote(route, to string) {
	w.t.Helper()
	target, err := rollout.ParseTarget(to)
	if err != nil {
		w.t.Fatal(err)
	}
	w.person(route, rollout.Command{Verb: rollout.VerbPromote, To: &target, AcceptSplitWrites: true})
}

// let switches what the autopilot may do.
func (w *world) let(route string, mode autopilot.Mode) {
	w.t.Helper()
	w.control(func(c *fleet.Controls, at time.Time) {
		c.SetAutopilot(fleet.Autopilot{Route: route, Mode: mode, Actor: "ana", At: at})
	})
}

func (w *world) control(change func(c *fleet.Controls, at time.Time)) {
	w.t.Helper()
	_, err := w.Control(w.t.Context(), fleet.Control{Actor: "ana"}, func(now fleet.Controlling) (fleet.Controls, error) {
		controls := now.Controls.Clone()
		change(&controls, now.At)
		return controls, nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// where says where a route stands: "25%", "shadow+rolled_back".
func (w *world) where(route string) string {
	w.t.Helper()
	for _, known := range w.snapshot().Autopilot().Routes {
		if known.Name == route {
			text := known.State.Target().String()
			if known.State.Hold.Kind != rollout.HoldNone {
				text += "+" + string(known.State.Hold.Kind)
			}
			return text
		}
	}
	w.t.Fatalf("there is no route %s", route)
	return ""
}

func (w *world) stands(route, want string) {
	w.t.Helper()
	if got := w.where(route); got != want {
		w.t.Errorf("%s stands at %s, want %s", route, got, want)
	}
}

func (w *world) step(route string) routing.Revision {
	w.t.Helper()
	for _, known := range w.snapshot().Autopilot().Routes {
		if known.Name == route {
			return known.StepRevision
		}
	}
	return 0
}

// served is what a router saw on one side.
type served struct {
	route, side string
	requests    int // each of a key of its own
	failed      int // of these
	class       guard.Class
	step        routing.Revision // 0: the present one
	build       string
	ids         []string
	instance    string // "a" when empty
	again       uint64 // first key, in place of new ones
}

// serve writes what a router saw in this moment.
func (w *world) serve(all ...served) {
	w.t.Helper()
	for _, s := range all {
		now := w.at
		recorder := stats.NewRecorder(now.Add(-time.Second))
		first := s.again
		if first == 0 {
			first = w.keys
			w.keys += uint64(s.requests)
		}
		for i := range s.requests {
			sample := stats.Sample{Key: (first + uint64(i) + 1) * 0x9e3779b97f4a7c15, At: now, Took: 5 * time.Millisecond, Drawn: true}
			if i < s.failed {
				sample.Failed, sample.Class = true, uint8(guard.Failure)
				if s.class != guard.OK {
					sample.Class = uint8(s.class)
				}
			}
			recorder.Record(sample)
		}
		window := stats.LaneWindow{Route: s.route, Side: s.side, Step: uint64(s.step), Build: s.build, Requests: s.ids, Window: recorder.Drain(now)}
		if s.step == 0 {
			window.Step = uint64(w.step(s.route))
		}
		window.From = window.To // what straddles a minute would be two windows
		instance := s.instance
		if instance == "" {
			instance = "a"
		}
		if err := w.AddWindows(w.t.Context(), instance, []stats.LaneWindow{window}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// newest is the newest event about a route.
func (w *world) newest(route string) rollout.Event {
	w.t.Helper()
	events, err := w.Events(w.t.Context(), rollout.EventQuery{Kind: "route", Subject: route, Limit: 1})
	if err != nil || len(events) != 1 {
		w.t.Fatalf("events of %s: %v, %v", route, events, err)
	}
	return events[0]
}
