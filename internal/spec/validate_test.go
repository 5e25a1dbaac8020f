package spec_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// around is a file that is well but for what stands in for %s.
const (
	aroundEndpoint = "backends:\n  - name: b\n    endpoints: [%s]\n"
	aroundGroup    = "groups:\n  - name: g\n    %s\n"
	aroundRoute    = "backends:\n  - {name: old, endpoints: [http://127.0.0.1:1]}\n  - {name: fresh, endpoints: [http://127.0.0.1:2]}\n" +
		"groups:\n  - name: shop\nroutes:\n  - name: r\n    match: {path: /a}\n    legacy: old\n    new: fresh\n    %s\n"
)

// problems reads and validates a text.
func problems(t *testing.T, text string) string {
	t.Helper()
	defs, src, err := spec.ParseYAML("f.yaml", []byte(text))
	if err != nil {
		return err.Error()
	}
	return spec.Validate(defs, src).Error()
}

func TestEndpoints(t *testing.T) {
	for _, endpoint := range []string{
		"http://127.0.0.1:3000", "https://shop.example", "http://shop_legacy:80/", "http://[::1]:8080", "http://10.0.0.7",
		"https://xn--bcher-kva.example.:443", "http://localhost:65535", "HTTP://Shop.Example", "http://a1:80",
	} {
		if got := problems(t, fmt.Sprintf(aroundEndpoint, "'"+endpoint+"'")); got != "" {
			t.Errorf("%s: %s", endpoint, got)
		}
	}
	tests := map[string]string{
		"file:///etc/passwd":               `"file:///etc/passwd" is neither http nor https: write http://HOST:PORT or https://HOST:PORT`,
		"shop.example:80":                  `"shop.example:80" is neither http nor https: write http://HOST:PORT or https://HOST:PORT`,
		"127.0.0.1:80":                     `"127.0.0.1:80" is not a URL: write http://HOST:PORT or https://HOST:PORT`,
		"":                                 `"" is neither http nor https: write http://HOST:PORT or https://HOST:PORT`,
		"http://":                          `"http://" has no host: write http://HOST:PORT or https://HOST:PORT`,
		"http://:80":                       `"http://:80" has no host: write http://HOST:PORT or https://HOST:PORT`,
		"http://user:hunter2@h":            `"http://…@h" carries a user or password: definitions are shown to every viewer, so leave it out`,
		"http://user:hunter2%zz@h":         `"http://…@h" is not a URL: write http://HOST:PORT or https://HOST:PORT`,
		"user:hunter2@h":                   `"…@h" is neither http nor https: write http://HOST:PORT or https://HOST:PORT`,
		"http://h/v2":                      `"http://h/v2" has a path: requests keep their own path, so leave "/v2" out`,
		"http://h?":                        `"http://h?" has a query: requests keep their own query, so leave it out`,
		"http://h#":                        `"http://h#" has a fragment, which no server ever sees: leave it out`,
		"http://h:":                        `"http://h:" has a port that is not one: write a number from 1 to 65535`,
		"http://h:0":                       `"http://h:0" has a port that is not one: write a number from 1 to 65535`,
		"http://h:65536":                   `"http://h:65536" has a port that is not one: write a number from 1 to 65535`,
		"http://h h":                       `"http://h h" contains a space or a control character: write http://HOST:PORT or https://HOST:PORT`,
		"http://169.254.169.254":           `"http://169.254.169.254" is refused: address refused: 169.254.169.254 is link-local, where metadata services live`,
		"http://[::ffff:169.254.169.254]":  `"http://[::ffff:169.254.169.254]" is refused: address refused: 169.254.169.254 is link-local, where metadata services live`,
		"http://[fe80::1]":                 `"http://[fe80::1]" is refused: address refused: fe80::1 is link-local, where metadata services live`,
		"http://[fe80::1%25eth0]":          `"http://[fe80::1%25eth0]" is refused: address refused: fe80::1%eth0 has a zone, and zones mean another thing on every machine`,
		"http://[fd00:ec2::254]":           `"http://[fd00:ec2::254]" is refused: address refused: fd00:ec2::254 is a cloud's metadata service`,
		"http://Metadata.Google.Internal.": `"http://Metadata.Google.Internal." is refused: metadata.google.internal is a cloud's metadata service`,
		"http://2852039166":                `"http://2852039166" is refused: a host that ends in a number must be an address like 192.0.2.7`,
		"http://0xa9fea9fe":                `"http://0xa9fea9fe" is refused: a host that ends in a number must be an address like 192.0.2.7`,
		"http://169.254.43518":             `"http://169.254.43518" is refused: a host that ends in a number must be an address like 192.0.2.7`,
		"http://0.0.0.0":                   `"http://0.0.0.0" is refused: address refused: 0.0.0.0 is no address of one machine`,
		"http://a..b":                      `"http://a..b" is refused: "a..b" is not a host name: use letters, digits, '-' and '_' between single dots (xn--… for others)`,
		"http://bücher.example":            `"http://bücher.example" is refused: "bücher.example" is not a host name: use letters, digits, '-' and '_' between single dots (xn--… for others)`,
	}
	for endpoint, want := range tests {
		want = `f.yaml:3:17: backend "b": the endpoint ` + want
		if got := problems(t, fmt.Sprintf(aroundEndpoint, "'"+endpoint+"'")); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", endpoint, got, want)
		}
	}
	if got := problems(t, fmt.Sprintf(aroundEndpoint, "")); got != `f.yaml:3:16: backend "b": it has no endpoints: name at least one, like http://127.0.0.1:3000` {
		t.Errorf("no endpoints: %s", got)
	}
	if got := problems(t, fmt.Sprintf(aroundEndpoint, "http://h, http://h")); got != `f.yaml:3:27: backend "b": the endpoint http://h occurs twice: write it once` {
		t.Errorf("twice: %s", got)
	}
}

func TestGroups(t *testing.T) {
	tests := map[string]string{
		"keys: [{header: X-User-Id}, mint]":            "",
		"keys: [{header: 'X User'}]":                   `f.yaml:3:12: group "g": header name "X User" is not valid: write a name like X-User-Id`,
		"keys: [{cookie: ''}]":                         `f.yaml:3:12: group "g": cookie name "" is not valid: write a name like session`,
		"keys: [{claim: ''}]":                          `f.yaml:3:12: group "g": the claim has no name: write one like sub`,
		`keys: [{claim: "a\nb"}]`:                      `f.yaml:3:12: group "g": the claim "a\nb" contains a control character`,
		"keys: [mint, {cookie: a}]":                    `f.yaml:3:12: group "g": mint hands a key to everyone, so no key after it is ever read: put it last`,
		"keys: [{header: X-User}, {header: x-user}]":   `f.yaml:3:30: group "g": the key {header: x-user} occurs twice: the second is never reached`,
		"salt: " + strings.Repeat("s", 65):             `f.yaml:3:11: group "g": the salt has 65 bytes: at most 64 are allowed`,
		`salt: "a\tb"`:                                 `f.yaml:3:11: group "g": the salt "a\tb" contains a control character or what is no UTF-8`,
		"salt: " + strings.Repeat("s", 64):             "",
		"keys: [{cookie: a}, {header: a}, {claim: a}]": "",
	}
	for line, want := range tests {
		if got := problems(t, fmt.Sprintf(aroundGroup, line)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", line, got, want)
		}
	}
}

func TestRoutes(t *testing.T) {
	const step = `write legacy, shadow, new, or a percentage above 0% with at most two decimals, like 25%`
	tests := map[string]string{
		"priority: 7":                              "",
		"group: shop":                              "",
		"group: shopp":                             `f.yaml:11:12: route "r": the group "shopp" is not defined; did you mean shop?`,
		"group: shop\n    keys: [mint]":            `f.yaml:12:11: route "r": it has keys and is in group "shop": the group's keys count, so write them there`,
		"group: shop\n    salt: a":                 `f.yaml:12:11: route "r": it has a salt and is in group "shop": the group's salt counts, so leave this one out`,
		"keys: [{cookie: a b}]":                    `f.yaml:11:12: route "r": cookie name "a b" is not valid: write a name like session`,
		"trailing_slash: maybe":                    `f.yaml:11:21: route "r": trailing_slash is "maybe": write strict or either`,
		"plan: {steps: [1%, 150, -5, 12.345, 0%]}": `f.yaml:11:24: route "r": step 2: not a target: "150": ` + step + "\n" + `f.yaml:11:29: route "r": step 3: not a target: "-5": ` + step + "\n" + `f.yaml:11:33: route "r": step 4: not a target: "12.345": ` + step + "\n" + `f.yaml:11:41: route "r": step 5: not a target: "0%": to take all traffic from new, use rollback`,
		"plan: {steps: [5%, 1%]}":                  `f.yaml:11:24: route "r": not a plan: step 2 (1%) does not come after 5%: steps must ascend`,
		"plan: {steps: [1%, shadow, 5%]}":          `f.yaml:11:24: route "r": not a plan: step 2 (shadow) does not come after 1%: steps must ascend`,
		"plan: {steps: [1%, 1.00%]}":               `f.yaml:11:24: route "r": not a plan: step 2 (1%) does not come after 1%: steps must ascend`,
		"plan: {steps: []}":                        `f.yaml:11:19: route "r": the plan has no steps: write some, like [shadow, 5%, 100%], or leave steps out for the default`,
		"plan: {steps: [1%, '']}":                  `f.yaml:11:24: route "r": step 2: not a target: "": ` + step,
		"plan: {bake: soon}":                       `f.yaml:11:18: route "r": the bake time is "soon": write a duration like 10m, or 0s for none`,
		"plan: {bake: -1s}":                        `f.yaml:11:18: route "r": the bake time is "-1s": write a duration like 10m, or 0s for none`,
		"plan: {bake: 0s}":                         "",
	}
	for line, want := range tests {
		if got := problems(t, fmt.Sprintf(aroundRoute, line)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", line, got, want)
		}
	}
}

func TestPins(t *testing.T) {
	tests := map[string]string{
		"pin: [{key: acme, side: new}, {key: staff, side: legacy}]":    "",
		"pin: [{key: acme, side: nwe}]":                                `f.yaml:11:29: route "r": the key "acme" is pinned to side "nwe": a side is legacy or new`,
		"pin: [{key: acme}]":                                           `f.yaml:11:11: route "r": the key "acme" is pinned to side "": a side is legacy or new`,
		"pin: [{key: a, side: new}, {key: '', side: new}]":             `f.yaml:11:38: route "r": the pin has no key, and a request without a key is on no side of its own: write the key's value, like acme`,
		"pin: [{key: a, side: new}, {key: a, side: new}]":              `f.yaml:11:38: route "r": the key "a" is pinned twice: remove one of them`,
		"pin: [{key: a, side: new}, {key: a, side: legacy}]":           `f.yaml:11:38: route "r": the key "a" is pinned to both sides: remove one of the pins`,
		`pin: [{key: "a\tb", side: new}]`:                              `f.yaml:11:17: route "r": the pinned key "a\tb" contains a control character or what is no UTF-8`,
		"pin: [{key: " + strings.Repeat("k", 257) + ", side: new}]":    `f.yaml:11:17: route "r": the pinned key has 257 bytes: at most 256 are allowed`,
		"pin: [" + strings.Repeat("{key: k, side: new}, ", 1001) + "]": `f.yaml:11:10: route "r": pin has 1001 entries: at most 1000 are allowed`,
	}
	for line, want := range tests {
		if got := problems(t, fmt.Sprintf(aroundRoute, line)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", line, got, want)
		}
	}
}

func TestWhatCannotBeServedIsFoundWhereItIsWritten(t *testing.T) {
	const text = `backends:
  - {name: old, endpoints: [http://127.0.0.1:1]}
routes:
  - name: b
    match: {path: "/orders/{id}"}
    legacy: old
  - name: a
    match:
      path: /orders/{order:[0-9]+}/{x:.*}
      headers: [{name: X, equals: a, matches: b}]
    legacy: lod
  - name: c
    match: {path: "/orders/{other}"}
    legacy: old
  - name: d
    match: {methods: [GET, get]}
`
	defs, src, err := spec.ParseYAML("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range spec.Validate(defs, src) {
		if p.Code == "tie" && !strings.HasPrefix(p.Message, `route "c": it is a tie with route "b": `) {
			t.Errorf("the tie says %s", p.Message)
		}
		got = append(got, fmt.Sprintf("%d:%d %s %s", p.Line, p.Column, p.Code, p.Path))
	}
	want := []string{
		"9:13 pattern routes[1].match.path",
		"10:17 condition routes[1].match.headers[0]",
		"11:13 reference routes[1].legacy",
		"13:12 tie routes[2].match",
		"15:5 legacy_missing routes[3].legacy",
		"16:12 path routes[3].match.path",
		"16:28 method routes[3].match.methods[1]",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestFacts(t *testing.T) {
	methods := func(m ...string) spec.Match { return spec.Match{Methods: m} }
	tests := []struct {
		route              spec.Route
		hasNew, shadowable bool
	}{
		{spec.Route{}, false, false},
		{spec.Route{New: "b"}, true, true},
		{spec.Route{New: "b", Match: methods("POST", "HEAD")}, true, true},
		{spec.Route{New: "b", Match: methods("GET")}, true, true},
		{spec.Route{New: "b", Match: methods("POST", "OPTIONS")}, true, false},
		{spec.Route{Match: methods("GET")}, false, false},
	}
	for _, test := range tests {
		facts := test.route.Facts()
		if facts.HasNew != test.hasNew || facts.Shadowable != test.shadowable || len(facts.Plan.Steps) != 6 {
			t.Errorf("%+v: %+v", test.route, facts)
		}
	}
	planned := spec.Route{New: "b", Plan: &spec.Plan{Steps: []string{"10%", "100%"}, Bake: "1h"}}.Facts().Plan
	if len(planned.Steps) != 2 || planned.Steps[0].Weight != 1000 || planned.Bake != time.Hour {
		t.Errorf("plan %+v", planned)
	}
	if baked := (spec.Route{Plan: &spec.Plan{Bake: "0s"}}).Facts().Plan; baked.Bake != 0 || len(baked.Steps) != 6 {
		t.Errorf("a plan of a bake time alone is %+v", baked)
	}
	if broken := (spec.Route{Plan: &spec.Plan{Steps: []string{"150"}}}).Facts().Plan; len(broken.Steps) != 6 {
		t.Errorf("a plan that cannot be read is %+v", broken)
	}
}

func TestRouting(t *testing.T) {
	defs := exampleDefinitions()
	defs.Routes[1].Keys, defs.Routes[1].Salt = []spec.Key{cookie("own")}, "own salt"
	defs.Routes[0].Pin = []spec.Pin{{Key: "acme", Side: "new"}, {Key: "staff", Side: "legacy"}}
	states := map[string]rollout.State{"orders-get": {Stage: routing.StageCanary, Weight: 2500}}
	got := spec.Routing(defs, states)
	orders, all := got[0], got[1]
	if !orders.Match.TrailingSlash || orders.Group.Name != "shop" || orders.Group.Salt != "0123456789abcdef" || len(orders.Group.Keys) != 5 {
		t.Errorf("orders-get: %+v", orders)
	}
	if orders.Assigned != (routing.Assigned{Stage: routing.StageCanary, Weight: 2500}) || all.Assigned != (routing.Assigned{}) {
		t.Errorf("assigned %+v and %+v", orders.Assigned, all.Assigned)
	}
	if want := []routing.Pin{{Key: "acme", Side: routing.New}, {Key: "staff", Side: routing.Legacy}}; !slices.Equal(orders.Pins, want) || len(all.Pins) != 0 {
		t.Errorf("pins %+v and %+v, want %+v and none", orders.Pins, all.Pins, want)
	}
	wantHeaders := []routing.Condition{{Name: "X-Beta", Op: routing.Equals, Value: "1"}, {Name: "X-Any", Op: routing.Present}}
	if len(orders.Match.Headers) != 2 || orders.Match.Headers[0] != wantHeaders[0] || orders.Match.Headers[1] != wantHeaders[1] {
		t.Errorf("headers %+v", orders.Match.Headers)
	}
	if q := orders.Match.Query; len(q) != 1 || q[0] != (routing.Condition{Name: "q", Op: routing.Matches, Value: "[0-9]+"}) {
		t.Errorf("query %+v", q)
	}
	if all.Group.Name != "all" || all.Group.Salt != "own salt" || len(all.Group.Keys) != 1 {
		t.Errorf("a route without a group is its own: %+v", all.Group)
	}
	if table := routing.Compile(1, got); len(table.Invalid()) != 0 {
		t.Errorf("invalid: %+v", table.Invalid())
	}
}
