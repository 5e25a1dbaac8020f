package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

func testLoad(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"an empty store is empty, not unreadable":       loadEmpty,
		"a state shares the definitions":                loadDelta,
		"an edit is read whole":                         loadEdit,
		"parts add up to the whole":                     loadAddsUp,
		"another history of the same number is noticed": loadOtherHistory,
		"a later revision of another history is whole":  loadOtherPast,
		"an older revision is returned as it is":        loadOlder,
		"another store is read whole":                   loadOtherStore,
		"what cannot be decoded keeps its name":         loadUndecodable,
		"survives a restart":                            loadReopened,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

func loadEmpty(t *testing.T, backend Backend) {
	f := open(t, backend)
	first := f.load(nil)
	if first.Revision != 0 || len(first.StoreID) != 36 || len(first.Routes) != 0 || first.Digest == "" || first.ReadAt.IsZero() {
		t.Errorf("an empty store is %+v, want a sealed snapshot at revision 0 with a UUID", first)
	}
	if f.load(first) != first {
		t.Error("nothing changed, and yet another snapshot was made")
	}
	if err := f.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
}

func loadDelta(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	f.move("cart", at(100))
	f.move("orders-get", at(200))
	f.createToken("t1")
	f.move("cart", at(300))

	middle := f.load(before)
	if middle.Revision != 4 || middle.DefinitionsRevision != 1 {
		t.Fatalf("loaded revision %d, definitions %d; want 4 and 1", middle.Revision, middle.DefinitionsRevision)
	}
	if &middle.Definitions.Routes[0] != &before.Definitions.Routes[0] || middle.DefinitionsDigest != before.DefinitionsDigest {
		t.Error("the definitions were read again")
	}
	if before.Routes[0].Weight != 0 {
		t.Error("the older snapshot was changed")
	}
	f.createToken("t2")
	if f.load(middle) != middle {
		t.Error("a token made a new snapshot")
	}
	f.move("orders-get", at(400))
	after := f.load(middle)
	if &after.Definitions.Routes[0] != &before.Definitions.Routes[0] {
		t.Error("the definitions were read again behind a token")
	}
	f.equalToWhole(after)
}

// equalToWhole compares a snapshot made of parts with one read at once.
func (f *fixture) equalToWhole(got *fleet.Snapshot) {
	f.t.Helper()
	if diff := cmp.Diff(f.load(nil), got, cmpopts.IgnoreFields(fleet.Snapshot{}, "ReadAt")); diff != "" {
		f.t.Errorf("the snapshot differs from one read at once (-whole +parts):\n%s", diff)
	}
}

func loadEdit(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	defs := shop()
	defs.Backends[0].Endpoints[0] = "http://127.0.0.1:3001"
	f.apply(defs)
	after := f.load(before)
	equal(t, "definitions", after.Definitions, defs.Normalize())
	equal(t, "revisions of backends", after.BackendRevisions, []routing.Revision{2, 1})
	if after.DefinitionsRevision != 2 || after.DefinitionsDigest == before.DefinitionsDigest {
		t.Error("the definitions' revision or digest stayed")
	}
}

func loadAddsUp(t *testing.T, backend Backend) {
	f := applied(t, backend)
	known := f.load(nil)
	for i := range 12 {
		switch i % 4 {
		case 0:
			f.move("cart", at(routing.Weight(i+1)))
		case 1:
			f.move("orders-get", at(routing.Weight(i+1)))
		case 2:
			defs := shop()
			defs.Routes[i%3].Priority = i
			f.apply(defs)
		}
		known = f.load(known)
		f.equalToWhole(known)
	}
}

func loadOtherHistory(t *testing.T, backend Backend) {
	f := applied(t, backend)
	known := f.load(nil)
	f.mustBehind("UPDATE routes SET stage = 'new', weight_bp = 10000 WHERE name = 'cart'")
	f.mustBehind("UPDATE store SET revision_hash = event_hash || event_hash")
	got := f.load(known)
	if got == known || got.Revision != known.Revision || got.Digest == known.Digest {
		t.Error("another history with the same revision was taken for the known one")
	}
}

func loadOtherPast(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("cart", at(100))
	lost := *f.load(nil)
	lost.Head = "00ff" // what this instance saw at revision 2 was lost in a failover
	lost.Routes = append([]fleet.RouteState(nil), lost.Routes...)
	lost.Routes[0].Weight = 9000
	f.move("orders-get", at(200))
	f.equalToWhole(f.load(&lost))
}

func loadOlder(t *testing.T, backend Backend) {
	f := applied(t, backend)
	ahead := *f.load(nil)
	ahead.Revision = 9
	if got := f.load(&ahead); got == &ahead || got.Revision != 1 {
		t.Errorf("loaded revision %d, want the store's own 1", got.Revision)
	}
}

func loadOtherStore(t *testing.T, backend Backend) {
	f, other := applied(t, backend), applied(t, backend)
	known := f.load(nil)
	got := other.load(known)
	if got == known || got.StoreID == known.StoreID || got.Head == known.Head {
		t.Error("two stores must differ in id and history")
	}
}

func loadUndecodable(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.mustBehind(`UPDATE routes SET definition = '{"name": "cart", "priority": "high"}' WHERE name = 'cart'`)
	got := f.load(nil)
	equal(t, "the route", got.Definitions.Routes[0], spec.Route{Name: "cart"})
	equal(t, "the others", got.Definitions.Routes[1:], shop().Normalize().Routes[1:])
}

func loadReopened(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("cart", at(100))
	before := f.load(nil)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(t.Context(), nil); err == nil {
		t.Error("a closed store could be read")
	}
	f.Store = f.reopen()
	f.unchanged(before)
	if f.load(before) != before {
		t.Error("a restart made a new snapshot of the same revision")
	}
}
