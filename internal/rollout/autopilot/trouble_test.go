package autopilot_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/store"
)

var errTrouble = errors.New("the disk is on fire")

// troubled is a store of which some of the tables cannot be read or written.
type troubled struct {
	store.Store
	windows, totals, dossiers error
}

func (s *troubled) Windows(ctx context.Context, query stats.WindowQuery) ([]stats.LaneWindow, time.Time, error) {
	if s.windows != nil {
		return nil, time.Time{}, s.windows
	}
	return s.Store.Windows(ctx, query)
}

func (s *troubled) Totals(ctx context.Context, routes []string, since time.Time) (map[string]stats.Total, error) {
	if s.totals != nil {
		return nil, s.totals
	}
	return s.Store.Totals(ctx, routes, since)
}

func (s *troubled) KeepDossiers(ctx context.Context, fence rollout.Fence, dossiers []autopilot.Dossier) error {
	if s.dossiers != nil {
		return s.dossiers
	}
	return s.Store.KeepDossiers(ctx, fence, dossiers)
}

// of is a router's autopilot with a store and sources of its own.
func (w *world) of(instance string, kept autopilot.Store, sources autopilot.Sources) *autopilot.Pilot {
	return autopilot.New(autopilot.Config{
		Instance: instance, Store: kept, Mover: &rollout.Controller{Ledger: w.Store, History: w.Store},
		Sources: sources, Moved: func() { w.moved++ }, Logger: slog.New(slog.DiscardHandler),
	})
}

// What is not needed to see that new does harm keeps nobody from taking it back.
func TestARollbackWaitsForNothingElse(t *testing.T) {
	for name, arrange := range map[string]func(*troubled, *autopilot.Sources){
		"what legacy did cannot be read": func(s *troubled, _ *autopilot.Sources) { s.totals = errTrouble },
		"dossiers cannot be written":     func(s *troubled, _ *autopilot.Sources) { s.dossiers = errTrouble },
		"breakers cannot be read": func(_ *troubled, sources *autopilot.Sources) {
			sources.Breakers = func(context.Context) (map[string][]gate.Breaker, error) { return nil, errTrouble }
		},
		"comparisons take for ever": func(_ *troubled, sources *autopilot.Sources) {
			sources.Parity = func(ctx context.Context, _ []string) (map[string]gate.Compared, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "routes:\n"+route("orders", easy)+route("cart", easy))
			w.promote("orders", "25%")
			w.promote("cart", "25%")
			w.let("cart", autopilot.On)
			kept, sources := &troubled{Store: w.Store}, w.sources()
			arrange(kept, &sources)
			pilot := w.of("a", kept, sources)
			w.failing("orders")
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			_ = pilot.Look(ctx) // it may complain
			w.stands("orders", "shadow+rolled_back")
			w.stands("cart", "25%")
		})
	}
}

// Whoever cannot do his work lets another try.
func TestWhoFailsAgainAndAgainGivesTheLeaseAway(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	w.promote("orders", "25%")
	kept := &troubled{Store: w.Store, windows: errTrouble}
	first, second := w.of("a", kept, w.sources()), w.pilot("b")
	for look := range 3 {
		if err := first.Look(t.Context()); !errors.Is(err, errTrouble) {
			t.Fatalf("look %d: %v", look, err)
		}
		if _, leads := first.Leads(); leads != (look < 2) {
			t.Errorf("after %d looks it leads: %v", look+1, leads)
		}
	}
	w.failing("orders")
	w.look(second)
	w.stands("orders", "shadow+rolled_back")
}

// A router that is not sure how routes stand does not move them.
func TestWhoIsInDoubtDoesNotAct(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy))
	w.promote("orders", "25%")
	var doubt error
	sources := w.sources()
	sources.Doubt = func() error { return doubt }
	first, second := w.of("a", w.Store, sources), w.pilot("b")
	w.look(first)
	doubt = errTrouble
	if err := first.Look(t.Context()); !errors.Is(err, errTrouble) {
		t.Errorf("it says %v", err)
	}
	w.failing("orders")
	w.look(second) // and need not wait for the lease to expire
	w.stands("orders", "shadow+rolled_back")
}

// What was frozen, switched off or defined anew a moment ago holds, though this router has
// not heard of it.
func TestNobodyIsPromotedByAnOldTable(t *testing.T) {
	for name, change := range map[string]func(*world){
		"frozen": func(w *world) {
			w.control(func(c *fleet.Controls, at time.Time) { c.Freeze = &fleet.Freeze{Actor: "ana", At: at} })
		},
		"switched off": func(w *world) { w.let("orders", autopilot.Off) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "routes:\n"+route("orders", easy))
			w.promote("orders", "25%")
			w.let("orders", autopilot.On)
			sources, old := w.sources(), w.snapshot().Autopilot()
			sources.Fleet = func() autopilot.Fleet { return old }
			pilot := w.of("a", w.Store, sources)
			w.serve(served{route: "orders", side: "new", requests: 50}, served{route: "orders", side: "legacy", requests: 500})
			change(w)
			w.look(pilot)
			w.stands("orders", "25%")
		})
	}
}

// Several may take their steps in one look.
func TestSeveralAreMovedInOneLook(t *testing.T) {
	w := newWorld(t, "routes:\n"+route("orders", easy)+route("cart", easy)+route("login", easy))
	for _, name := range []string{"orders", "cart", "login"} {
		w.let(name, autopilot.On)
		w.promote(name, "25%")
	}
	pilot := w.pilot("a")
	w.look(pilot)
	for _, name := range []string{"orders", "cart"} {
		w.serve(served{route: name, side: "new", requests: 50}, served{route: name, side: "legacy", requests: 500})
	}
	w.failing("login")
	w.look(pilot)
	w.stands("orders", "50%")
	w.stands("cart", "50%")
	w.stands("login", "shadow+rolled_back")
}
