package routing_test

import (
	"net/netip"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

// pinned is a canary that pins acme to new and staff to legacy.
func pinned(weight routing.Weight, keys ...routing.Key) routing.Definition {
	def := canary(weight, keys...)
	def.Pins = []routing.Pin{{Key: "acme", Side: routing.New}, {Key: "staff", Side: routing.Legacy}}
	return def
}

func TestPinsCountInCanaryAlone(t *testing.T) {
	tenant := routing.Key{Kind: routing.KeyHeader, Name: "X-Tenant"}
	for _, c := range []struct {
		stage  routing.Stage
		weight routing.Weight
		tenant string
		side   routing.Side
		reason routing.Reason
	}{
		{routing.StageCanary, 0, "acme", routing.New, routing.ReasonPinned},
		{routing.StageCanary, 10000, "acme", routing.New, routing.ReasonPinned},
		{routing.StageCanary, 0, "staff", routing.Legacy, routing.ReasonPinned},
		{routing.StageCanary, 10000, "staff", routing.Legacy, routing.ReasonPinned},
		{routing.StageCanary, 0, "Acme", routing.Legacy, routing.ReasonWeight},
		{routing.StageCanary, 10000, "other", routing.New, routing.ReasonWeight},
		{routing.StageCanary, 10000, "", routing.Legacy, routing.ReasonNoKey},
		{routing.StageLegacy, 0, "acme", routing.Legacy, routing.ReasonStage},
		{routing.StageShadow, 0, "acme", routing.Legacy, routing.ReasonStage},
		{routing.StageNew, 10000, "staff", routing.New, routing.ReasonStage},
		{routing.StageRetired, 10000, "staff", routing.New, routing.ReasonStage},
	} {
		def := pinned(c.weight, tenant)
		def.Assigned.Stage = c.stage
		a := assign(t, def, get(t, "/", "X-Tenant: "+c.tenant))
		if a.Side != c.side || a.Reason != c.reason {
			t.Errorf("%s at %s, tenant %q: %s by %s, want %s by %s", c.stage, c.weight, c.tenant, a.Side, a.Reason, c.side, c.reason)
		}
		if a.Keyed && int(a.Point) != routing.Point(salt, c.tenant) {
			t.Errorf("tenant %q has the point %d, want that of its key", c.tenant, a.Point)
		}
	}
}

// A route that was rolled back to a smaller weight is still in canary.
func TestPinsAreSuspendedByARollback(t *testing.T) {
	tenant := routing.Key{Kind: routing.KeyHeader, Name: "X-Tenant"}
	for _, c := range []struct {
		weight routing.Weight
		tenant string
		side   routing.Side
	}{
		{0, "acme", routing.Legacy},
		{10000, "acme", routing.New},
		{0, "staff", routing.Legacy},
		{10000, "staff", routing.New},
	} {
		def := pinned(c.weight, tenant)
		def.Assigned.RolledBack = true
		a := assign(t, def, get(t, "/", "X-Tenant: "+c.tenant))
		if a.Side != c.side || a.Reason != routing.ReasonWeight {
			t.Errorf("tenant %q at %s: %s by %s, want %s by weight", c.tenant, c.weight, a.Side, a.Reason, c.side)
		}
	}
}

func TestPinsOfEveryKindOfKey(t *testing.T) {
	def := canary(0, routing.Key{Kind: routing.KeyCookie, Name: "tenant"}, routing.Key{Kind: routing.KeyClaim, Name: "org"}, routing.Key{Kind: routing.KeyClientAddress})
	def.Pins = []routing.Pin{{Key: "acme", Side: routing.New}, {Key: "203.0.113.0/24", Side: routing.New}}
	office := get(t, "/")
	office.Client = netip.MustParseAddr("203.0.113.77")
	for name, req := range map[string]*routing.Request{
		"cookie": get(t, "/", "Cookie: a=b; tenant=acme"), "claim": get(t, "/", bearer(`{"org":"acme"}`)), "network": office,
	} {
		if a := assign(t, def, req); a.Side != routing.New || a.Reason != routing.ReasonPinned {
			t.Errorf("%s: %s by %s, want new by pinned", name, a.Side, a.Reason)
		}
	}
}

// One of the two users is below the weight, and one is not.
func TestKeyChanged(t *testing.T) {
	user := routing.Key{Kind: routing.KeyHeader, Name: "X-User-Id"}
	cookie := routing.Key{Kind: routing.KeyCookie, Name: "session"}
	claim := routing.Key{Kind: routing.KeyClaim, Name: "sub"}
	mint := routing.Key{Kind: routing.KeyMint}
	low, high := "1", "7"
	if routing.Point(salt, low) > routing.Point(salt, high) {
		low, high = high, low
	}
	between := routing.Weight(routing.Point(salt, low) + 1)
	for _, c := range []struct {
		name    string
		keys    []routing.Key
		headers []string
		want    bool
	}{
		{"logged in, other side", []routing.Key{user, mint}, []string{"X-User-Id: " + low, "Cookie: strangler_cohort=" + high}, true},
		{"logged in, other side back", []routing.Key{user, mint}, []string{"X-User-Id: " + high, "Cookie: strangler_cohort=" + low}, true},
		{"logged in, same side", []routing.Key{user, mint}, []string{"X-User-Id: " + low, "Cookie: strangler_cohort=" + low}, false},
		{"never anonymous", []routing.Key{user, mint}, []string{"X-User-Id: " + low}, false},
		{"anonymous", []routing.Key{user, mint}, []string{"Cookie: strangler_cohort=" + high}, false},
		{"the next key that is present", []routing.Key{user, cookie, mint}, []string{"X-User-Id: " + low, "Cookie: strangler_cohort=" + high}, true},
		{"only the next one", []routing.Key{user, cookie, mint}, []string{"X-User-Id: " + low, "Cookie: session=" + low + "; strangler_cohort=" + high}, false},
		{"not by a claim", []routing.Key{user, claim}, []string{"X-User-Id: " + low, bearer(`{"sub":"` + high + `"}`)}, false},
		{"pinned to the other side", []routing.Key{user, cookie}, []string{"X-User-Id: " + low, "Cookie: session=staff"}, true},
		{"one key", []routing.Key{user}, []string{"X-User-Id: " + low, "Cookie: strangler_cohort=" + high}, false},
	} {
		if a := assign(t, pinned(between, c.keys...), get(t, "/", c.headers...)); a.KeyChanged != c.want {
			t.Errorf("%s: %+v, want KeyChanged %v", c.name, a, c.want)
		}
	}
	full := pinned(between, user, mint)
	full.Assigned = routing.Assigned{Stage: routing.StageNew, Weight: 10000}
	if a := assign(t, full, get(t, "/", "X-User-Id: "+low, "Cookie: strangler_cohort="+high)); a.KeyChanged {
		t.Errorf("in stage new no key is looked at: %+v", a)
	}
}

func TestPinsAllocateNothing(t *testing.T) {
	table := compile(t, pinned(5000, routing.Key{Kind: routing.KeyCookie, Name: "tenant"}, routing.Key{Kind: routing.KeyClientAddress}))
	req := get(t, "/", "Cookie: a=b; tenant=acme")
	req.Client = netip.MustParseAddr("2001:db8:0:1ff::7")
	if allocs := testing.AllocsPerRun(100, func() {
		if a := table.Assign(table.Match(req), req); a.Reason != routing.ReasonPinned {
			t.Fatalf("reason %s", a.Reason)
		}
	}); allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func TestInvalidPins(t *testing.T) {
	def := pinned(5000)
	def.Pins = append(def.Pins, routing.Pin{Side: routing.New}, routing.Pin{Key: "acme", Side: routing.New}, routing.Pin{Key: "staff", Side: routing.New})
	table := routing.Compile(1, []routing.Definition{def})
	if table.Len() != 0 || len(table.Invalid()) != 3 {
		t.Fatalf("%d routes, invalid %+v", table.Len(), table.Invalid())
	}
	for i, field := range []string{"pin[2].key", "pin[3].key", "pin[4].key"} {
		if got := table.Invalid()[i]; got.Code != routing.InvalidPin || got.Field != field {
			t.Errorf("invalid %+v, want field %s", got, field)
		}
	}
}
