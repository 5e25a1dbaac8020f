package rollout_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store"
)

const definitions = `
backends:
  - {name: old, endpoints: [http://127.0.0.1:1]}
  - {name: fresh, endpoints: [http://127.0.0.1:2]}
groups:
  - {name: tills}
routes:
  - {name: all, match: {prefix: /}, legacy: old}
  - {name: till-get, match: {path: /till, methods: [GET]}, legacy: old, new: fresh, group: tills, data: separate}
  - {name: till-put, match: {path: /till, methods: [PUT]}, legacy: old, new: fresh, group: tills, data: separate}
  - {name: till-map, match: {prefix: /till/map}, legacy: old, group: tills}
  - {name: orders-get, match: {path: /orders, methods: [GET]}, legacy: old, new: fresh}
  - {name: orders-put, match: {path: /orders, methods: [PUT]}, legacy: old, new: fresh}
  - {name: cart, match: {path: /cart}, legacy: old, new: fresh}
`

// controller opens a real store with seven routes, five of which can move.
func controller(t *testing.T) (*rollout.Controller, store.Store) {
	t.Helper()
	ctx := t.Context()
	kept, err := store.Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "strangler.db"), store.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	file, src, err := spec.ParseYAML("definitions.yaml", []byte(definitions))
	if err != nil {
		t.Fatal(err)
	}
	_, err = kept.Edit(ctx, spec.Edit{Verb: rollout.VerbApply, Actor: "ana"}, func(current spec.Current) (spec.Definitions, error) {
		return spec.Apply(current, file, src, false)
	})
	if err != nil {
		t.Fatal(err)
	}
	return &rollout.Controller{Ledger: kept, History: kept}, kept
}

func do(t *testing.T, c *rollout.Controller, route string, cmd rollout.Command) rollout.Result {
	t.Helper()
	cmd.Actor, cmd.Cause = "ana", rollout.CauseOperator
	result, err := c.Do(t.Context(), route, cmd, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestAChangeIsOneRevisionAndOneEvent(t *testing.T) {
	c, kept := controller(t)
	got := do(t, c, "orders-get", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "25%"), Reason: "looks well"})
	if !got.Changed || got.Revision != got.Previous+1 || show(got.Before) != "legacy" || show(got.After) != "25%" || got.Step != 4 || got.Steps != 6 {
		t.Errorf("got %+v", got)
	}
	events, err := kept.Events(t.Context(), rollout.EventQuery{Kind: "route", Subject: "orders-get", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	e := events[0]
	if e.Verb != rollout.VerbPromote || e.Actor != "ana" || e.Cause != rollout.CauseOperator || e.Reason != "looks well" || e.Revision != got.Revision {
		t.Errorf("event %+v", e)
	}
	var before, after rollout.State
	if err := errors.Join(json.Unmarshal(e.Before, &before), json.Unmarshal(e.After, &after)); err != nil {
		t.Fatal(err)
	}
	if show(before) != "legacy" || show(after) != "25%" {
		t.Errorf("the event leads from %s to %s", show(before), show(after))
	}
}

func TestNothingToDoSpendsNoRevision(t *testing.T) {
	c, kept := controller(t)
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbPause})
	before := history(t, kept)
	got := do(t, c, "cart", rollout.Command{Verb: rollout.VerbPause})
	if got.Changed || got.Revision != got.Previous || got.Note != "nothing to do: the route is already paused" {
		t.Errorf("got %+v", got)
	}
	if after := history(t, kept); after != before {
		t.Errorf("%d events became %d", before, after)
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	c, kept := controller(t)
	before := history(t, kept)
	got := do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, DryRun: true})
	if !got.Changed || show(got.After) != "shadow" || got.Revision != got.Previous {
		t.Errorf("got %+v", got)
	}
	if again := do(t, c, "cart", rollout.Command{Verb: rollout.VerbPause}); show(again.Before) != "legacy" {
		t.Errorf("the dry run left %s", show(again.Before))
	}
	if after := history(t, kept); after != before+1 {
		t.Errorf("%d events became %d", before, after)
	}
}

func TestARefusalLeavesEverythingAsItWas(t *testing.T) {
	c, kept := controller(t)
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbPause, Reason: "load test"})
	before := history(t, kept)
	_, err := c.Do(t.Context(), "cart", rollout.Command{Verb: rollout.VerbPromote}, nil)
	var refusal *rollout.Refusal
	if !errors.As(err, &refusal) || refusal.Code != rollout.CodePaused {
		t.Fatalf("got %v", err)
	}
	want := "promote cart: route cart stands at legacy, paused (load test): promote is refused while a route is paused; nothing was changed; run: stranglerctl resume cart"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if after := history(t, kept); after != before {
		t.Errorf("%d events became %d", before, after)
	}
}

func TestAnUnknownRoute(t *testing.T) {
	c, _ := controller(t)
	_, err := c.Do(t.Context(), "order-get", rollout.Command{Verb: rollout.VerbPromote}, nil)
	want := `promote order-get: unknown route "order-get": nothing was changed`
	if !errors.Is(err, rollout.ErrUnknownRoute) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// troubled is a ledger whose first changes fail: before they reach the store,
// or after, when only the answer is lost.
type troubled struct {
	rollout.Ledger
	before, after []error
	asked         int
}

func (l *troubled) Change(ctx context.Context, sel rollout.Selection, decide func(rollout.Record) (rollout.Decision, error)) (rollout.Committed, error) {
	l.asked++
	if i := l.asked - 1; i < len(l.before) {
		return rollout.Committed{}, l.before[i]
	}
	done, err := l.Ledger.Change(ctx, sel, decide)
	if i := l.asked - 1; err == nil && i < len(l.after) {
		return rollout.Committed{}, l.after[i]
	}
	return done, err
}

func TestARollbackIsTriedAgain(t *testing.T) {
	away, unsure := rollout.ErrUnavailable, rollout.ErrUncertain
	rollback := rollout.Command{Verb: rollout.VerbRollback}
	for _, test := range []struct {
		name          string
		cmd           rollout.Command
		before, after []error
		want          error
		asked         int
		left          string
	}{
		{"the store comes back", rollback, []error{away, away}, nil, nil, 3, "shadow+r"},
		{"the answer is lost", rollback, nil, []error{unsure}, nil, 2, "shadow+r"},
		{"the store stays away", rollback, []error{away, away, away}, nil, away, 3, "25%"},
		{"another verb", rollout.Command{Verb: rollout.VerbPause}, []error{away}, nil, away, 1, "25%"},
		// Somebody may have rolled it back meanwhile: a second try would raise it again.
		{"to a revision", rollout.Command{Verb: rollout.VerbRollback, ToRevision: 1}, nil, []error{unsure}, unsure, 1, "legacy+r"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, kept := controller(t)
			do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "25%")})
			l := &troubled{Ledger: kept, before: test.before, after: test.after}
			_, err := (&rollout.Controller{Ledger: l, History: kept}).Do(t.Context(), "cart", test.cmd, nil)
			if !errors.Is(err, test.want) || l.asked != test.asked {
				t.Errorf("got %v after %d tries, want %v after %d", err, l.asked, test.want, test.asked)
			}
			if stands := do(t, c, "cart", rollout.Command{Verb: rollout.VerbResume, DryRun: true}); show(stands.Before) != test.left {
				t.Errorf("it stands at %s, want %s", show(stands.Before), test.left)
			}
		})
	}
}

func TestARollbackThatNobodyWaitsForEnds(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	l := &troubled{before: []error{rollout.ErrUnavailable, nil}}
	leave()
	if _, err := (&rollout.Controller{Ledger: l}).Do(ctx, "cart", rollout.Command{Verb: rollout.VerbRollback}, nil); !errors.Is(err, rollout.ErrUnavailable) || l.asked != 1 {
		t.Errorf("got %v after %d tries", err, l.asked)
	}
}

// The clock of the machine that runs the router does not count.
func TestBakeTimeGoesByTheStoresClock(t *testing.T) {
	c, kept := controller(t)
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "new")})
	_, err := c.Do(t.Context(), "cart", rollout.Command{Verb: rollout.VerbRetire}, nil)
	if refusal, is := errors.AsType[*rollout.Refusal](err); !is || refusal.Code != rollout.CodeBaking {
		t.Errorf("got %v, want it to bake", err)
	}
	later := &ahead{Ledger: kept, by: 11 * time.Minute}
	if got, err := (&rollout.Controller{Ledger: later}).Do(t.Context(), "cart", rollout.Command{Verb: rollout.VerbRetire}, nil); err != nil || show(got.After) != "retired" {
		t.Errorf("when the store's clock is past the bake time: %+v, %v", got, err)
	}
}

// ahead is a ledger whose clock is ahead of what it was.
type ahead struct {
	rollout.Ledger
	by time.Duration
}

func (l *ahead) Change(ctx context.Context, sel rollout.Selection, decide func(rollout.Record) (rollout.Decision, error)) (rollout.Committed, error) {
	return l.Ledger.Change(ctx, sel, func(rec rollout.Record) (rollout.Decision, error) {
		rec.ReadAt = rec.ReadAt.Add(l.by)
		return decide(rec)
	})
}

func TestAStaleRevisionStopsEveryVerbButRollback(t *testing.T) {
	c, _ := controller(t)
	first := do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "5%")})
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "25%")})

	_, err := c.Do(t.Context(), "cart", rollout.Command{Verb: rollout.VerbPromote}, &first.Revision)
	var conflict *rollout.Conflict
	if !errors.As(err, &conflict) || conflict.Want != first.Revision || conflict.Have != first.Revision+1 || conflict.By != "ana" {
		t.Errorf("got %v", err)
	}
	// Going back to a revision may let new serve more: it asks like a promotion.
	_, err = c.Do(t.Context(), "cart", rollout.Command{Verb: rollout.VerbRollback, ToRevision: first.Revision}, &first.Revision)
	if !errors.As(err, &conflict) {
		t.Errorf("to a revision: %v, want a conflict", err)
	}
	got, err := c.Do(t.Context(), "cart", rollout.Command{Verb: rollout.VerbRollback}, &first.Revision)
	if err != nil || show(got.After) != "shadow+r" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestRollbackAll(t *testing.T) {
	c, _ := controller(t)
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "new")})
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbRetire, Force: true, Reason: "the old cart is off"})
	do(t, c, "orders-get", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "25%")})
	do(t, c, "orders-get", rollout.Command{Verb: rollout.VerbPause})
	put := do(t, c, "orders-put", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "5%")})

	results, err := c.RollbackAll(t.Context(), rollout.Command{Reason: "outage", Actor: "ana", Cause: rollout.CauseOperator})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, r := range results {
		got[r.Route] = show(r.After)
		if r.Revision != put.Revision+1 {
			t.Errorf("%s: revision %d, want %d for all", r.Route, r.Revision, put.Revision+1)
		}
		if r.Changed == (r.Route == "cart") {
			t.Errorf("%s: changed %t", r.Route, r.Changed)
		}
	}
	want := map[string]string{"cart": "retired", "orders-get": "shadow+r", "orders-put": "legacy+r", "till-get": "legacy+r", "till-put": "legacy+r"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUndoGoesBackAndForth(t *testing.T) {
	c, _ := controller(t)
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "25%")})
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbPause, Reason: "lunch"})
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbRollback, Reason: "5xx"})

	undo := rollout.Command{Verb: rollout.VerbUndo}
	if got := do(t, c, "cart", undo); show(got.After) != "25%+p" || got.After.Hold.Reason != "lunch" {
		t.Errorf("undo: %+v", got.After)
	}
	if got := do(t, c, "cart", undo); show(got.After) != "shadow+r" || got.After.Hold.Reason != "5xx" {
		t.Errorf("undo of the undo: %+v", got.After)
	}
}

func TestACancelledContextChangesNothing(t *testing.T) {
	c, kept := controller(t)
	before := history(t, kept)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Do(ctx, "cart", rollout.Command{Verb: rollout.VerbPromote}, nil); err == nil {
		t.Error("it was done")
	}
	if _, err := c.RollbackAll(ctx, rollout.Command{}); err == nil {
		t.Error("it was done")
	}
	if after := history(t, kept); after != before {
		t.Errorf("%d events became %d", before, after)
	}
}

func TestTwoWritersOnOneRoute(t *testing.T) {
	c, _ := controller(t)
	first := do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "1%")})
	errs := make(chan error, 2)
	for _, text := range []string{"5%", "25%"} {
		cmd := rollout.Command{Verb: rollout.VerbPromote, To: to(t, text), Actor: text, Cause: rollout.CauseOperator}
		go func() {
			_, err := c.Do(t.Context(), "cart", cmd, &first.Revision)
			errs <- err
		}()
	}
	var conflict *rollout.Conflict
	a, b := <-errs, <-errs
	if (a == nil) == (b == nil) || !errors.As(errors.Join(a, b), &conflict) {
		t.Errorf("one writer wins and the other gets a conflict: got %v and %v", a, b)
	}
}

func history(t *testing.T, kept store.Store) int {
	t.Helper()
	events, err := kept.Events(t.Context(), rollout.EventQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return len(events)
}
