package storetest

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

func testEdit(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"applies definitions and writes one event each": editApplies,
		"spends no revision on what is there already":   editSame,
		"a dry run commits nothing":                     editDryRun,
		"an error leaves all as it was":                 editError,
		"routes that stay keep their state":             editKeepsStates,
		"a removed route loses its state":               editRemoves,
		"gives decide the present":                      editCurrent,
		"refuses a stale precondition":                  editPrecondition,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

func editApplies(t *testing.T, backend Backend) {
	f := open(t, backend)
	edited, err := f.Edit(t.Context(), spec.Edit{Verb: rollout.VerbSeed, Actor: "ana", Reason: "first"}, to(shop()))
	if err != nil {
		t.Fatal(err)
	}
	if edited.Previous != 0 || edited.Revision != 1 || edited.At.IsZero() || len(edited.Changes) != 6 {
		t.Errorf("edited %+v, want revision 0 → 1 with 6 changes", edited)
	}
	snapshot := f.load(nil)
	equal(t, "definitions", snapshot.Definitions, shop().Normalize())
	equal(t, "revisions of backends", snapshot.BackendRevisions, []routing.Revision{1, 1})
	equal(t, "revisions of groups", snapshot.GroupRevisions, []routing.Revision{1})
	if got := f.state("cart"); got.Stage != routing.StageLegacy || got.Weight != 0 || got.Hold.Kind != rollout.HoldNone ||
		got.Revision != 1 || got.ChangedBy != "ana" || !got.ChangedAt.Equal(edited.At) {
		t.Errorf("a new route is %+v, want stage legacy without a hold, revision 1 by ana", got)
	}

	events := f.events(rollout.EventQuery{})
	if len(events) != 6 {
		t.Fatalf("%d events, want 6", len(events))
	}
	last := events[0]
	want, _ := json.Marshal(shop().Routes[2])
	equal(t, "the newest event", last, rollout.Event{
		ID: 6, Revision: 1, Verb: rollout.VerbSeed, Kind: "route", Subject: "rest", Actor: "ana",
		Cause: rollout.CauseOperator, Reason: "first", After: want, At: edited.At,
	})
}

func editSame(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	edited := f.apply(shop())
	if edited.Previous != 1 || edited.Revision != 1 || len(edited.Changes) != 0 {
		t.Errorf("edited %+v, want revision 1 to stay", edited)
	}
	if f.load(before) != before {
		t.Error("an edit without changes made a new snapshot")
	}
}

func editDryRun(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	edited, err := f.Edit(t.Context(), spec.Edit{Verb: rollout.VerbApply, Actor: "ana", DryRun: true}, to(spec.Definitions{}))
	if err != nil {
		t.Fatal(err)
	}
	if edited.Revision != 1 || edited.Previous != 1 || len(edited.Changes) != 6 || edited.Changes[0].Op != spec.Removed {
		t.Errorf("a dry run gave %+v, want 6 removals and no revision", edited)
	}
	f.unchanged(before)
}

func editError(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	_, err := f.Edit(t.Context(), spec.Edit{Verb: rollout.VerbApply}, func(spec.Current) (spec.Definitions, error) {
		return spec.Definitions{}, errDecide
	})
	if !errors.Is(err, errDecide) || errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("error %v, want what decide returned", err)
	}
	f.unchanged(before)
}

func editKeepsStates(t *testing.T, backend Backend) {
	f := applied(t, backend)
	held := at(2500)
	held.Hold = rollout.Hold{Kind: rollout.HoldPaused, Reason: "lunch", Evidence: json.RawMessage(`{"a":1}`)}
	f.move("cart", held)

	defs := shop()
	defs.Routes[0].Priority = 7
	edited := f.apply(defs)

	if edited.Revision != 3 || len(edited.Changes) != 1 || edited.Changes[0].Op != spec.Changed {
		t.Errorf("edited %+v, want one change at revision 3", edited)
	}
	got := f.state("cart")
	equal(t, "state", got.State, held)
	if got.Revision != 3 || got.ChangedBy != "ana" {
		t.Errorf("cart is at revision %d by %s, want 3 by ana", got.Revision, got.ChangedBy)
	}
	if other := f.state("orders-get"); other.Revision != 1 {
		t.Errorf("a route that was not edited is at revision %d, want 1", other.Revision)
	}
	done, err := f.Change(t.Context(), only("cart"), stay)
	if err != nil {
		t.Fatal(err)
	}
	if last := done.Routes[0].Last; last == nil || last.Verb != rollout.VerbPromote || last.Revision != 2 {
		t.Errorf("the newest lifecycle event is %+v, want the promotion of revision 2", last)
	}
}

func editRemoves(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("cart", at(100))
	without := shop()
	without.Routes = without.Routes[1:]
	f.apply(without)
	equal(t, "definitions", f.load(nil).Definitions, without.Normalize())

	f.apply(shop())
	equal(t, "state of the route that came back", f.state("cart").State, rollout.State{})
	done, err := f.Change(t.Context(), only("cart"), stay)
	if err != nil {
		t.Fatal(err)
	}
	if done.Routes[0].Last != nil {
		t.Errorf("the route that came back can undo %+v", done.Routes[0].Last)
	}
}

func editCurrent(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("cart", at(100))
	var seen spec.Current
	_, err := f.Edit(t.Context(), spec.Edit{Verb: rollout.VerbApply, Actor: "ana"}, func(current spec.Current) (spec.Definitions, error) {
		seen = current
		return current.Definitions, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "current", seen, spec.Current{
		Definitions: shop().Normalize(),
		States:      map[string]rollout.State{"cart": at(100), "orders-get": {}, "rest": {}},
	})
}

func editPrecondition(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("cart", at(100))
	before := f.load(nil)
	for _, test := range []struct {
		kind, name string
		want, have routing.Revision
		by         string
	}{
		{"route", "cart", 1, 2, "ben"},
		{"backend", "orders", 7, 1, "ana"},
		{"group", "users", 0, 1, "ana"},
		{"backend", "nowhere", 3, 0, "nobody"},
	} {
		_, err := f.Edit(t.Context(), spec.Edit{
			Verb: rollout.VerbApply, Actor: "eve",
			Precondition: &spec.Precondition{Kind: test.kind, Name: test.name, Revision: test.want},
		}, to(spec.Definitions{}))
		got := conflict(t, err)
		if got.Kind != test.kind || got.Name != test.name || got.Want != test.want || got.Have != test.have || got.By != test.by {
			t.Errorf("conflict %+v, want %+v", got, test)
		}
	}
	f.unchanged(before)

	grown := shop()
	grown.Backends = append(grown.Backends, spec.Backend{Name: "carts", Endpoints: []string{"http://127.0.0.1:5000"}})
	create := spec.Edit{Verb: rollout.VerbApply, Actor: "ana", Precondition: &spec.Precondition{Kind: "backend", Name: "carts"}}
	if _, err := f.Edit(t.Context(), create, to(grown)); err != nil {
		t.Errorf("an object that must not exist, and does not: %v", err)
	}
}
