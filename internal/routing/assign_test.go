package routing_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

const salt = "q7Zr1mXbT0yJwVu2"

// canary is a route for every path in stage canary.
func canary(weight routing.Weight, keys ...routing.Key) routing.Definition {
	def := define("r", routing.Match{Prefix: "/"})
	def.Group = routing.Group{Salt: salt, Keys: keys}
	def.Assigned = routing.Assigned{Stage: routing.StageCanary, Weight: weight}
	return def
}

func assign(t testing.TB, def routing.Definition, req *routing.Request) routing.Assignment {
	t.Helper()
	table := compile(t, def)
	route := table.Match(req)
	if route == nil {
		t.Fatal("nothing matches")
	}
	return table.Assign(route, req)
}

func TestAssignByStage(t *testing.T) {
	user := get(t, "/", "X-User-Id: 1")
	for _, c := range []struct {
		stage  routing.Stage
		weight routing.Weight
		want   routing.Side
	}{
		{routing.StageLegacy, 0, routing.Legacy},
		{routing.StageShadow, 0, routing.Legacy},
		{routing.StageNew, 10000, routing.New},
		{routing.StageRetired, 10000, routing.New},
	} {
		def := canary(0, routing.Key{Kind: routing.KeyHeader, Name: "X-User-Id"})
		def.Assigned = routing.Assigned{Stage: c.stage, Weight: c.weight}
		a := assign(t, def, user)
		want := routing.Assignment{Route: a.Route, Revision: 1, Side: c.want, Reason: routing.ReasonStage, Stage: c.stage, Weight: c.weight, Point: -1}
		if a != want {
			t.Errorf("stage %s: got %+v, want %+v", c.stage, a, want)
		}
	}
	retired := canary(0)
	retired.Legacy, retired.Assigned = "", routing.Assigned{Stage: routing.StageRetired, Weight: 10000}
	if a := assign(t, retired, user); a.Side != routing.New {
		t.Errorf("retired without legacy: got %s", a.Side)
	}
}

func TestAssignWithoutNewSide(t *testing.T) {
	for _, c := range []struct {
		match routing.Match
		want  routing.Reason
		all   bool
	}{
		{routing.Match{Prefix: "/"}, routing.ReasonCatchAll, true},
		{routing.Match{Prefix: "/a"}, routing.ReasonStage, false},
		{routing.Match{Prefix: "/", Methods: []string{"GET"}}, routing.ReasonStage, false},
		{routing.Match{Prefix: "/", Host: "shop.example"}, routing.ReasonStage, false},
	} {
		def := define("r", c.match)
		def.New = ""
		a := assign(t, def, get(t, "shop.example/a"))
		if a.Side != routing.Legacy || a.Reason != c.want || a.Route.CatchAll() != c.all || a.Mint {
			t.Errorf("%+v: got %+v", c.match, a)
		}
	}
	if a := assign(t, define("r", routing.Match{Prefix: "/"}), get(t, "/")); a.Reason != routing.ReasonStage || a.Route.CatchAll() {
		t.Errorf("a route with a new side is no catch-all: %+v", a)
	}
}

func bearer(payload string) string {
	return "Authorization: Bearer e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
}

// key is the text that must have been hashed; "" means that no key was present.
func TestKeys(t *testing.T) {
	header := routing.Key{Kind: routing.KeyHeader, Name: "x-user-id"}
	cookie := routing.Key{Kind: routing.KeyCookie, Name: "session"}
	claim := routing.Key{Kind: routing.KeyClaim, Name: "sub"}
	address := routing.Key{Kind: routing.KeyClientAddress}
	mint := routing.Key{Kind: routing.KeyMint}
	for _, c := range []struct {
		name    string
		keys    []routing.Key
		headers []string
		client  string
		kind    routing.KeyKind
		key     string
		mint    bool
	}{
		{name: "header", keys: []routing.Key{header}, headers: []string{"X-User-Id: 7"}, key: "7"},
		{name: "first of two header values", keys: []routing.Key{header}, headers: []string{"X-User-Id: 7", "X-User-Id: 8"}, key: "7"},
		{name: "empty header", keys: []routing.Key{header}, headers: []string{"X-User-Id: "}},
		{name: "no header", keys: []routing.Key{header}},
		{name: "the first key wins", keys: []routing.Key{cookie, header}, headers: []string{"X-User-Id: 7", "Cookie: session=s"}, kind: routing.KeyCookie, key: "s"},
		{name: "the next key when the first is absent", keys: []routing.Key{cookie, header, mint}, headers: []string{"X-User-Id: 7", "Cookie: session="}, kind: routing.KeyHeader, key: "7"},
		{name: "cookie among others", keys: []routing.Key{cookie}, headers: []string{"Cookie: a=b; xsession=1; session=s=1 ;c"}, kind: routing.KeyCookie, key: "s=1"},
		{name: "cookie in a second line", keys: []routing.Key{cookie}, headers: []string{"Cookie: a=b", "Cookie: session=s"}, kind: routing.KeyCookie, key: "s"},
		{name: "quoted cookie", keys: []routing.Key{cookie}, headers: []string{`Cookie: session="s"`}, kind: routing.KeyCookie, key: "s"},
		{name: "cookie names have a case", keys: []routing.Key{cookie}, headers: []string{"Cookie: Session=s"}},
		{name: "the second of two cookies when the first is empty", keys: []routing.Key{cookie}, headers: []string{`Cookie: session=""; session=s`}, kind: routing.KeyCookie, key: "s"},
		{name: "claim", keys: []routing.Key{claim}, headers: []string{bearer(`{"sub":"u\u0041","x":1}`)}, kind: routing.KeyClaim, key: "uA"},
		{name: "claim that is a number", keys: []routing.Key{claim}, headers: []string{bearer(`{"sub": 9007199254740993}`)}, kind: routing.KeyClaim, key: "9007199254740993"},
		{name: "scheme in lower case", keys: []routing.Key{claim}, headers: []string{strings.Replace(bearer(`{"sub":"u"}`), "Bearer", "bearer", 1)}, kind: routing.KeyClaim, key: "u"},
		{name: "no claim", keys: []routing.Key{claim}, headers: []string{bearer(`{"SUB":"u"}`)}},
		{name: "claim that is null", keys: []routing.Key{claim}, headers: []string{bearer(`{"sub":null}`)}},
		{name: "claim that is an object", keys: []routing.Key{claim}, headers: []string{bearer(`{"sub":{}}`)}},
		{name: "claim that is true", keys: []routing.Key{claim}, headers: []string{bearer(`{"sub":true}`)}},
		{name: "no JSON", keys: []routing.Key{claim}, headers: []string{bearer(`{"sub":"u"`)}},
		{name: "no object", keys: []routing.Key{claim}, headers: []string{bearer(`["sub"]`)}},
		{name: "other scheme", keys: []routing.Key{claim}, headers: []string{"Authorization: Basic a.b.c"}},
		{name: "no base64", keys: []routing.Key{claim}, headers: []string{"Authorization: Bearer a.!!.c"}},
		{name: "two parts", keys: []routing.Key{claim}, headers: []string{"Authorization: Bearer a.e30"}},
		{name: "claims of 9 KiB", keys: []routing.Key{claim}, headers: []string{bearer(`{"sub":"u","pad":"` + strings.Repeat("x", 9<<10) + `"}`)}},
		{name: "IPv4", keys: []routing.Key{address}, client: "203.0.113.77", kind: routing.KeyClientAddress, key: "203.0.113.0/24"},
		{name: "IPv4 in IPv6", keys: []routing.Key{address}, client: "::ffff:203.0.113.9", kind: routing.KeyClientAddress, key: "203.0.113.0/24"},
		{name: "IPv6", keys: []routing.Key{address}, client: "2001:db8:0:1ff::7", kind: routing.KeyClientAddress, key: "2001:db8:0:100::/56"},
		{name: "IPv6 with zone", keys: []routing.Key{address}, client: "fe80::1%eth0", kind: routing.KeyClientAddress, key: "fe80::/56"},
		{name: "address unknown", keys: []routing.Key{address}},
		{name: "minted before", keys: nil, headers: []string{"Cookie: strangler_cohort=5f2c9a0de4b81733c06e9af1d27b8840"}, kind: routing.KeyMint, key: "5f2c9a0de4b81733c06e9af1d27b8840"},
		{name: "to be minted", keys: nil, mint: true},
		{name: "to be minted after others", keys: []routing.Key{header, mint}, mint: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := get(t, "/", c.headers...)
			if c.client != "" {
				req.Client = netip.MustParseAddr(c.client)
			}
			a := assign(t, canary(routing.FullWeight-1, c.keys...), req)
			want := routing.Assignment{Route: a.Route, Revision: 1, Reason: routing.ReasonNoKey, Stage: routing.StageCanary, Weight: 9999, Point: -1, Mint: c.mint}
			if c.key != "" {
				want.Reason, want.Side, want.Point = routing.ReasonWeight, routing.New, int16(routing.Point(salt, c.key))
				want.Key, want.Keyed, want.Mint = c.kind, true, false
				want.Identity = a.Identity // tested by itself
			}
			if a != want {
				t.Errorf("got %+v, want %+v", a, want)
			}
		})
	}
	req := get(t, "/")
	req.Header = nil
	if a := assign(t, canary(9999, header, cookie, claim, address, mint), req); a.Keyed || !a.Mint {
		t.Errorf("without header fields: %+v", a)
	}
}

func TestPointBelowWeightGoesToNew(t *testing.T) {
	key := routing.Key{Kind: routing.KeyHeader, Name: "X-User-Id"}
	user := get(t, "/", "X-User-Id: user-4711")
	point := routing.Weight(routing.Point(salt, "user-4711"))
	for weight, want := range map[routing.Weight]routing.Side{
		0: routing.Legacy, point - 1: routing.Legacy, point: routing.Legacy, point + 1: routing.New, routing.FullWeight: routing.New,
	} {
		if a := assign(t, canary(weight, key), user); a.Side != want {
			t.Errorf("weight %s, point %d: %s, want %s", weight, a.Point, a.Side, want)
		}
	}
}

func TestReassign(t *testing.T) {
	orders, users := define("orders", routing.Match{Path: "/orders"}), define("users", routing.Match{Path: "/users"})
	legacyOnly := define("old", routing.Match{Path: "/old"})
	legacyOnly.New = ""
	first := compile(t, users, orders, legacyOnly)
	moved := []routing.Assigned{{}, {Stage: routing.StageNew, Weight: 10000}, {}}
	second := first.Reassign(2, moved)
	moved[1] = routing.Assigned{} // the table keeps no hold of it

	route := second.Route("orders")
	if route != first.Route("orders") {
		t.Error("the routes are not shared")
	}
	if a := second.Assign(route, get(t, "/orders")); a.Side != routing.New || a.Revision != 2 {
		t.Errorf("after the move: %+v", a)
	}
	if a := first.Assign(route, get(t, "/orders")); a.Side != routing.Legacy || a.Revision != 1 {
		t.Errorf("the first table changed: %+v", a)
	}
	if got := second.Assigned(route); got != (routing.Assigned{Stage: routing.StageNew, Weight: 10000}) {
		t.Errorf("it stands at %+v", got)
	}
	if got := second.Assigned(second.Route("users")); got != (routing.Assigned{}) {
		t.Errorf("users stands at %+v", got)
	}
}

func TestReassignToWhereARouteCannotStand(t *testing.T) {
	def := define("old", routing.Match{Path: "/old"})
	def.New = ""
	first := compile(t, define("all", routing.Match{Prefix: "/"}), def)
	second := first.Reassign(2, []routing.Assigned{{}, {Stage: routing.StageCanary, Weight: 1}})
	if got := second.Invalid(); len(got) != 1 || got[0].Code != routing.InvalidNewMissing || got[0].Index != 1 {
		t.Errorf("got %+v", got)
	}
	if got := nameOf(second.Match(get(t, "/old"))); got != "all" {
		t.Errorf("%q wins, want all", got)
	}
	third := second.Reassign(3, []routing.Assigned{{}, {}})
	if len(third.Invalid()) != 0 || nameOf(third.Match(get(t, "/old"))) != "old" {
		t.Errorf("the route does not come back: %+v", third.Invalid())
	}
	if len(first.Invalid()) != 0 || first.Route("old") == nil {
		t.Error("the first table changed")
	}
}

func TestReassignOfAnotherLengthPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	routing.Compile(1, nil).Reassign(2, make([]routing.Assigned, 1))
}

func TestMatchAndAssignAllocateNothing(t *testing.T) {
	table := compile(t,
		define("all", routing.Match{Prefix: "/"}),
		define("post", routing.Match{Path: "/orders/{id:[0-9]+}", Methods: []string{"POST"}}),
		canaryAt("/orders/{id:[0-9]+}", routing.Match{Host: "*.shop.example", Headers: []routing.Condition{{Name: "X-Beta"}}, Query: []routing.Condition{{Name: "q", Op: routing.Equals, Value: "1"}}}),
	)
	for name, header := range map[string]http.Header{
		"header":  {"X-Beta": {""}, "X-User-Id": {"u"}},
		"cookie":  {"X-Beta": {""}, "Cookie": {"a=b; session=s"}},
		"long":    {"X-Beta": {""}, "X-User-Id": {strings.Repeat("u", 500)}},
		"address": {"X-Beta": {""}},
		"no key":  {"X-Beta": {""}},
	} {
		req := &routing.Request{Method: "GET", Host: "www.shop.example", Path: "/orders/4711", RawQuery: "a=b&q=1", Header: header}
		if name == "address" {
			req.Client = netip.MustParseAddr("2001:db8::1")
		}
		var a routing.Assignment
		n := testing.AllocsPerRun(200, func() { a = table.Assign(table.Match(req), req) })
		if n != 0 || a.Keyed != (name != "no key") || a.Route.Name != "canary" {
			t.Errorf("%s: %v allocations, %+v", name, n, a)
		}
	}
}

func canaryAt(path string, match routing.Match) routing.Definition {
	def := canary(2500,
		routing.Key{Kind: routing.KeyHeader, Name: "X-User-Id"},
		routing.Key{Kind: routing.KeyCookie, Name: "session"},
		routing.Key{Kind: routing.KeyClientAddress},
		routing.Key{Kind: routing.KeyMint})
	match.Path = path
	def.Name, def.Match = "canary", match
	return def
}

func ExamplePoint() {
	fmt.Println(routing.Point("shop", "42"))
	// Output: 1475
}
