package routing_test

import (
	"encoding/base64"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

// identify returns a request's identity as a stage sees it that reads no key, and
// as the canary that sampled compiles.
func identify(table *routing.Table, route *routing.Route, req *routing.Request) (staged, keyed uint64) {
	assigned := table.Assign(route, req)
	return route.Identity(req, &routing.Assignment{}), route.Identity(req, &assigned)
}

func TestAnIdentityIsTheFirstKeyOfTheChainElseTheAddress(t *testing.T) {
	table, route := sampled(t,
		routing.Key{Kind: routing.KeyHeader, Name: "X-User"}, routing.Key{Kind: routing.KeyCookie, Name: "session"}, routing.Key{Kind: routing.KeyMint})
	from := func(address string, header http.Header) uint64 {
		staged, keyed := identify(table, route, &routing.Request{
			Method: "GET", Path: "/", Header: header, Client: netip.MustParseAddr(address),
		})
		if staged != keyed {
			t.Errorf("%s %v is %x, but in canary %x", address, header, staged, keyed)
		}
		return staged
	}
	const here, there = "192.0.2.1", "2001:db8::7"
	ana := http.Header{"X-User": {"ana"}, "Cookie": {"session=1"}}
	for _, c := range []struct {
		name  string
		a, b  uint64
		alike bool
	}{
		{"one visitor at two addresses", from(here, ana), from(there, ana), true},
		{"a stronger key than the cookie", from(here, ana), from(here, http.Header{"X-User": {"ana"}}), true},
		{"two visitors at one address", from(here, ana), from(here, http.Header{"X-User": {"ben"}}), false},
		{"a cookie and no user", from(here, http.Header{"Cookie": {"session=1"}}), from(there, http.Header{"Cookie": {"session=1"}}), true},
		{"no key at one address", from(here, nil), from(here, http.Header{"X-User": {""}}), true},
		{"no key at two addresses", from(here, nil), from(there, nil), false},
		{"an address in both of its forms", from(here, nil), from("::ffff:"+here, nil), true},
	} {
		if (c.a == c.b) != c.alike {
			t.Errorf("%s: %x and %x, want alike: %t", c.name, c.a, c.b, c.alike)
		}
	}
}

func TestAnIdentityHangsOnTheSalt(t *testing.T) {
	req := routing.Request{Method: "GET", Path: "/", Header: http.Header{"X-User": {"ana"}}}
	seen := map[uint64]bool{}
	for _, salt := range []string{"s", "t"} {
		table := routing.Compile(1, []routing.Definition{{
			Name: "r", Match: routing.Match{Prefix: "/"}, Legacy: "a", New: "b",
			Group: routing.Group{Salt: salt, Keys: []routing.Key{{Kind: routing.KeyHeader, Name: "X-User"}}},
		}})
		seen[table.Route("r").Identity(&req, &routing.Assignment{})] = true
	}
	if len(seen) != 2 {
		t.Error("whoever knows the key knows its identity under every salt")
	}
}

func TestAClaimThatDecidesNothingIsKnownByItsToken(t *testing.T) {
	table, route := sampled(t, routing.Key{Kind: routing.KeyClaim, Name: "sub"})
	token := func(payload, signature string) *routing.Request {
		return &routing.Request{Method: "GET", Path: "/", Header: http.Header{
			"Authorization": {"Bearer e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + signature},
		}}
	}
	ana, renewed, ben := token(`{"sub":"ana"}`, "x"), token(`{"sub":"ana","iat":2}`, "y"), token(`{"sub":"ben"}`, "x")
	stagedAna, keyedAna := identify(table, route, ana)
	_, keyedRenewed := identify(table, route, renewed)
	stagedBen, keyedBen := identify(table, route, ben)
	if keyedAna != keyedRenewed || keyedAna == keyedBen {
		t.Error("in canary a visitor is known by the claim")
	}
	if again, _ := identify(table, route, ana); again != stagedAna || stagedAna == stagedBen {
		t.Error("elsewhere a visitor is known by the token")
	}
}

// The smallest identities are what is kept: they must be of all points, and of the
// sampled and those that are not.
func TestIdentitiesHaveNothingToDoWithPointsNorSamples(t *testing.T) {
	table, route := sampled(t, routing.Key{Kind: routing.KeyHeader, Name: "X-User"})
	const visitors, weight, share = 40_000, 500, 2000
	var small, below, taken int
	for i := range visitors {
		req := routing.Request{Method: "GET", Path: "/", Header: http.Header{"X-User": {strconv.Itoa(i)}}}
		a := table.Assign(route, &req)
		if route.Identity(&req, &a) > math.MaxUint64/10 {
			continue
		}
		small++
		if int(a.Point) < weight {
			below++
		}
		if route.SamplePoint(&req) < share {
			taken++
		}
	}
	for _, c := range []struct {
		what      string
		got, of   int
		each, dev float64
	}{
		{"of the identities are in the lowest tenth", small, visitors, 0.1, 4},
		{"of those are below the weight", below, small, 0.05, 4},
		{"of those are in the sample", taken, small, 0.2, 4},
	} {
		want := float64(c.of) * c.each
		if math.Abs(float64(c.got)-want) > c.dev*math.Sqrt(want*(1-c.each)) {
			t.Errorf("%d of %d %s, want about %.0f", c.got, c.of, c.what, want)
		}
	}
}

func TestWhatIsDrawn(t *testing.T) {
	_, route := sampled(t)
	for _, c := range []struct {
		reason routing.Reason
		stage  routing.Stage
		want   bool
	}{
		{routing.ReasonWeight, routing.StageCanary, true},
		{routing.ReasonStage, routing.StageLegacy, true},
		{routing.ReasonStage, routing.StageShadow, true},
		{routing.ReasonStage, routing.StageNew, true},
		{routing.ReasonStage, routing.StageRetired, false},
		{routing.ReasonNoKey, routing.StageCanary, false},
		{routing.ReasonPinned, routing.StageCanary, false},
		{routing.ReasonOverride, routing.StageNew, false},
		{routing.ReasonFallback, routing.StageNew, false},
		{routing.ReasonCatchAll, routing.StageLegacy, false},
	} {
		a := routing.Assignment{Route: route, Stage: c.stage, Reason: c.reason}
		if got := a.Drawn(); got != c.want {
			t.Errorf("by %s in stage %s: drawn is %t, want %t", c.reason, c.stage, got, c.want)
		}
	}
	alone := routing.Compile(1, []routing.Definition{{Name: "r", Match: routing.Match{Prefix: "/a"}, Legacy: "a"}})
	if a := alone.Assign(alone.Route("r"), &routing.Request{Method: "GET", Path: "/a"}); a.Drawn() {
		t.Error("a route without a new side has nothing to draw")
	}
}

// keyed are requests with each kind of key, and a group for each.
func keyed() map[string]struct {
	keys []routing.Key
	req  routing.Request
} {
	token := "Bearer eyJhbGciOiJSUzI1NiJ9." + strings.Repeat("e30a", 150) + "." + strings.Repeat("sig_", 86) // as RS256 makes them
	kinds := map[string]struct {
		keys []routing.Key
		req  routing.Request
	}{}
	add := func(name string, header http.Header, address string, keys ...routing.Key) {
		k := kinds[name]
		k.keys, k.req = keys, routing.Request{Method: "GET", Path: "/", Header: header, Client: netip.MustParseAddr(address)}
		kinds[name] = k
	}
	add("header", http.Header{"X-User": {"ana-4711"}}, "192.0.2.1", routing.Key{Kind: routing.KeyHeader, Name: "X-User"})
	add("cookie", http.Header{"Cookie": {"theme=dark; session=0123456789abcdef0123456789abcdef"}}, "192.0.2.1", routing.Key{Kind: routing.KeyCookie, Name: "session"})
	add("claim", http.Header{"Authorization": {token}}, "192.0.2.1", routing.Key{Kind: routing.KeyClaim, Name: "sub"})
	add("no key", http.Header{"Cookie": {"theme=dark"}}, "2001:db8:1:2:3:4:5:6", routing.Key{Kind: routing.KeyMint})
	return kinds
}

func TestAnIdentityAllocatesNothing(t *testing.T) {
	for name, k := range keyed() {
		_, route := sampled(t, k.keys...)
		if n := testing.AllocsPerRun(100, func() { route.Identity(&k.req, &routing.Assignment{}) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

func BenchmarkIdentity(b *testing.B) {
	for _, name := range []string{"header", "cookie", "claim", "no key"} {
		k := keyed()[name]
		table := routing.Compile(1, []routing.Definition{{
			Name: "r", Match: routing.Match{Prefix: "/"}, Legacy: "a", New: "b",
			Group: routing.Group{Salt: "0123456789abcdef0123456789abcdef", Keys: k.keys},
		}})
		route := table.Route("r")
		b.Run(name, func(b *testing.B) {
			var a routing.Assignment
			b.ReportAllocs()
			for b.Loop() {
				route.Identity(&k.req, &a)
			}
		})
	}
}
