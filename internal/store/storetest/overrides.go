package storetest

import (
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
)

func testOverrides(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"are revoked once, by a revision": overridesRevoked,
		"are forgotten when they expired": overridesExpired,
		"are noted without a revision":    overridesNoted,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

func (f *fixture) revoke(id string, expires time.Time) fleet.RevokedOverride {
	f.t.Helper()
	revoked := fleet.RevokedOverride{ID: id, Expires: expires.UTC().Truncate(time.Microsecond)}
	if err := f.RevokeOverride(f.t.Context(), revoked, "olga"); err != nil {
		f.t.Fatalf("revoke override %s: %v", id, err)
	}
	return revoked
}

func overridesRevoked(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	later := time.Now().Add(time.Hour)
	b, a := f.revoke("b", later), f.revoke("a", later)
	f.revoke("b", later)

	after := f.load(before)
	equal(t, "revoked", after.RevokedOverrides, []fleet.RevokedOverride{a, b})
	equal(t, "revoked, read anew", f.load(nil).RevokedOverrides, after.RevokedOverrides)
	if after.Revision != 3 || after.Digest == before.Digest || after.Digest != f.load(nil).Digest {
		t.Errorf("revision %d, digest %s; want revision 3 and another digest than %s", after.Revision, after.Digest, before.Digest)
	}
	f.move("cart", at(100))
	equal(t, "revoked, after a move", f.load(after).RevokedOverrides, after.RevokedOverrides)
	events := f.events(rollout.EventQuery{Kind: "override"})
	if len(events) != 2 || events[1].Verb != rollout.VerbOverrideRevoke || events[1].Subject != "b" || events[1].Actor != "olga" || events[1].Revision != 2 {
		t.Errorf("events %+v, want one for each revocation", events)
	}
}

func overridesExpired(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.revoke("old", time.Now().Add(-time.Minute))
	if got := f.load(nil).RevokedOverrides; len(got) != 1 {
		t.Errorf("%+v: what a revision holds must not depend on when it is read", got)
	}
	young := f.revoke("young", time.Now().Add(time.Hour))
	equal(t, "revoked", f.load(nil).RevokedOverrides, []fleet.RevokedOverride{young})
}

func overridesNoted(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("cart", at(100))
	before := f.load(nil)
	for _, verb := range []rollout.Verb{rollout.VerbOverrideCreate, rollout.VerbOverrideRotate, rollout.VerbStoreAccept, rollout.VerbLoginDenied} {
		if err := f.Note(t.Context(), rollout.Event{Verb: verb, Kind: "override", Subject: "x", Actor: "olga", Cause: rollout.CauseOperator}); err != nil {
			t.Fatal(err)
		}
	}
	if f.load(before) != before {
		t.Error("a noted event made a new snapshot")
	}
	f.move("cart", at(200))
	if after := f.load(before); &after.Definitions.Routes[0] != &before.Definitions.Routes[0] {
		t.Error("a noted event kept the next snapshot from sharing the definitions")
	}
	if found := f.verify(); found.Broken != nil || found.Events != 12 {
		t.Errorf("%+v, want a chain of 12 events", found)
	}
}
