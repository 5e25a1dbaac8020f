package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

func testChange(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"commits state and event together":           changeCommits,
		"an error of one route leaves all":           changeError,
		"without a decision no revision is spent":    changeNothing,
		"an unknown route is refused":                changeUnknown,
		"a stale revision is refused with its name":  changeConflict,
		"all means every route with a new side":      changeAll,
		"all means also what new serves regardless":  changeAllServed,
		"routes come in the order of the selection":  changeOrder,
		"fifty writers make fifty gapless revisions": changeConcurrently,
		"the database refuses an impossible state":   changeImpossible,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// stay decides to do nothing.
func stay(rollout.Record) (rollout.Decision, error) { return rollout.Decision{}, nil }

func changeCommits(t *testing.T, backend Backend) {
	f := applied(t, backend)
	next := rollout.State{Stage: routing.StageShadow, Hold: rollout.Hold{
		Kind: rollout.HoldRolledBack, Reason: "5xx", Evidence: json.RawMessage(`{"n": 9007199254740993}`),
	}}
	var given rollout.Record
	done, err := f.Change(t.Context(), only("orders-get"), func(r rollout.Record) (rollout.Decision, error) {
		given = r
		return rollout.Decision{Changed: true, Next: next, Event: rollout.Event{
			Verb: rollout.VerbRollback, Actor: "guard", Cause: rollout.CauseGuard, Reason: "5xx",
			Before: json.RawMessage(`{"stage":"legacy"}`), After: json.RawMessage(`{"stage":"shadow"}`), Evidence: json.RawMessage(`[1]`),
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the record that decide saw", given.State, rollout.State{})
	if given.Route != "orders-get" || given.Revision != 1 || given.ChangedBy != "ana" || !given.ReadAt.Equal(done.At) || given.Last != nil || !given.Facts.HasNew {
		t.Errorf("decide saw %+v", given)
	}
	stored := next
	stored.Hold.Evidence = json.RawMessage(`{"n":9007199254740993}`)
	want := rollout.Event{
		ID: 7, Revision: 2, Verb: rollout.VerbRollback, Kind: "route", Subject: "orders-get", Actor: "guard",
		Cause: rollout.CauseGuard, Reason: "5xx", Before: json.RawMessage(`{"stage":"legacy"}`),
		After: json.RawMessage(`{"stage":"shadow"}`), Evidence: json.RawMessage(`[1]`), At: done.At,
	}
	record := done.Routes[0]
	equal(t, "the record after", record.State, stored)
	equal(t, "its newest event", record.Last, &want)
	equal(t, "the event", f.events(rollout.EventQuery{Limit: 1})[0], want)
	if done.Previous != 1 || done.Revision != 2 || record.Revision != 2 || record.ChangedBy != "guard" || !record.ChangedAt.Equal(done.At) {
		t.Errorf("committed %+v, want revision 1 → 2 by guard", done)
	}
	got := f.state("orders-get")
	equal(t, "the stored state", got.State, stored)
	if got.Revision != 2 || got.ChangedBy != "guard" || !got.ChangedAt.Equal(done.At) {
		t.Errorf("stored %+v, want revision 2 by guard at %s", got, done.At)
	}
}

func changeError(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	asked := 0
	_, err := f.Change(t.Context(), only("cart", "orders-get"), func(r rollout.Record) (rollout.Decision, error) {
		asked++
		if asked == 2 {
			return rollout.Decision{}, errDecide
		}
		return moveTo(at(100))(r)
	})
	if !errors.Is(err, errDecide) || errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("error %v, want what decide returned", err)
	}
	f.unchanged(before)
	if events := f.events(rollout.EventQuery{}); len(events) != 6 {
		t.Errorf("%d events, want the 6 of before", len(events))
	}
}

func changeNothing(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	done, err := f.Change(t.Context(), only("cart"), stay)
	if err != nil {
		t.Fatal(err)
	}
	if done.Previous != 1 || done.Revision != 1 || len(done.Routes) != 1 || done.Routes[0].Route != "cart" {
		t.Errorf("committed %+v, want revision 1 to stay, and the record of cart", done)
	}
	f.unchanged(before)
}

func changeUnknown(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	_, err := f.Change(t.Context(), only("cart", "cort"), moveTo(at(100)))
	if !errors.Is(err, rollout.ErrUnknownRoute) || !strings.Contains(err.Error(), `"cort"`) {
		t.Errorf("error %v, want unknown route \"cort\"", err)
	}
	f.unchanged(before)
}

func changeConflict(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("orders-get", at(100)) // another route: no conflict
	stale := routing.Revision(1)
	sel := rollout.Selection{Routes: []string{"cart"}, IfRevision: &stale}
	first, err := f.Change(t.Context(), sel, moveTo(at(500)))
	if err != nil {
		t.Fatalf("a change of another route made this one fail: %v", err)
	}
	_, err = f.Change(t.Context(), sel, moveTo(at(900)))
	equal(t, "conflict", conflict(t, err), &rollout.Conflict{Kind: "route", Name: "cart", Want: 1, Have: 3, By: "ben", At: first.At})
	if got := f.state("cart").Weight; got != 500 {
		t.Errorf("weight %d, want the 500 of the first writer", got)
	}
	if _, err := f.Change(t.Context(), rollout.Selection{Routes: []string{"cart", "rest"}, IfRevision: &stale}, stay); err == nil {
		t.Error("one expected revision for two routes was accepted")
	}
}

func changeAll(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("orders-get", at(500))
	done, err := f.Change(t.Context(), rollout.Selection{All: true}, moveTo(at(100)))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "routes", names(done.Routes), []string{"cart", "orders-get"})
	if done.Revision != 3 || f.state("cart").Revision != 3 || f.state("orders-get").Revision != 3 || f.state("rest").Revision != 1 {
		t.Errorf("all routes must change in one revision: %+v", done)
	}
	if last := done.Routes[1].Last; last == nil || last.Revision != 3 || last.Subject != "orders-get" {
		t.Errorf("newest event of orders-get %+v, want that of revision 3", last)
	}
	events := f.events(rollout.EventQuery{Limit: 2})
	equal(t, "subjects", []string{events[1].Subject, events[0].Subject}, []string{"cart", "orders-get"})
}

// Whatever became of its definition, a route that new serves must be found by a
// rollback of all.
func changeAllServed(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("rest", at(500)) // which names no new backend
	done, err := f.Change(t.Context(), rollout.Selection{All: true}, moveTo(rollout.State{}))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "routes", names(done.Routes), []string{"cart", "orders-get", "rest"})
	equal(t, "state", f.state("rest").State, rollout.State{})
}

func changeOrder(t *testing.T, backend Backend) {
	f := applied(t, backend)
	done, err := f.Change(t.Context(), only("rest", "cart", "rest", "orders-get"), stay)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "routes", names(done.Routes), []string{"rest", "cart", "orders-get"})
	none, err := f.Change(t.Context(), only(), moveTo(at(1)))
	if err != nil || len(none.Routes) != 0 || none.Revision != 1 {
		t.Errorf("an empty selection gave %+v, %v; want nothing done", none, err)
	}
}

func names(records []rollout.Record) []string {
	var out []string
	for _, r := range records {
		out = append(out, r.Route)
	}
	return out
}

func changeConcurrently(t *testing.T, backend Backend) {
	const writers = 50
	f := applied(t, backend)
	other := f.reopen()
	stores := []rollout.Ledger{f.Store, other}
	revisions := make([]routing.Revision, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			route := []string{"cart", "orders-get"}[i%2]
			done, err := stores[i/2%2].Change(t.Context(), only(route), moveTo(at(routing.Weight(i+1))))
			if err != nil || done.Revision != done.Previous+1 {
				t.Errorf("writer %d: %+v, %v", i, done, err)
			}
			revisions[i] = done.Revision
		})
	}
	all.Wait()
	seen := map[routing.Revision]bool{}
	for _, r := range revisions {
		seen[r] = true
	}
	for r := routing.Revision(2); r <= writers+1; r++ {
		if !seen[r] {
			t.Errorf("nobody committed revision %d", r)
		}
	}
	if got := f.load(nil).Revision; got != writers+1 {
		t.Errorf("revision %d, want %d", got, writers+1)
	}
	for i, e := range f.events(rollout.EventQuery{Limit: writers}) {
		if want := int64(6 + writers - i); e.ID != want || e.Revision != routing.Revision(writers+1-i) {
			t.Errorf("event %d at revision %d, want id %d", e.ID, e.Revision, want)
		}
	}
}

func changeImpossible(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	for _, state := range []rollout.State{
		{Stage: routing.StageLegacy, Weight: 1},
		{Stage: routing.StageCanary, Weight: 0},
		{Stage: routing.StageCanary, Weight: 10000},
		{Stage: routing.StageNew, Weight: 9999},
		{Stage: routing.StageRetired, Weight: 10001},
		{Stage: 9},
		{Hold: rollout.Hold{Kind: "frozen"}},
		{Hold: rollout.Hold{Kind: rollout.HoldPaused, Evidence: json.RawMessage(`{`)}},
	} {
		if _, err := f.Change(t.Context(), only("cart"), moveTo(state)); err == nil || errors.Is(err, rollout.ErrUnavailable) {
			t.Errorf("%s was answered with %v", fmt.Sprint(state), err)
		}
	}
	f.unchanged(before)
}
