package spec_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
	"github.com/stranglerfig/strangler/internal/spec"
)

// drawShadow draws a section as it can be written, whether or not it makes sense.
func drawShadow(t *rapid.T) *spec.Shadow {
	if !rapid.Bool().Draw(t, "shadowed") {
		return nil
	}
	texts := func(name string) []string { return orNil(rapid.SliceOfN(text(), 0, 2).Draw(t, name)) }
	return &spec.Shadow{
		Sample: text().Draw(t, "sample"), Noise: text().Draw(t, "noise"), Writes: text().Draw(t, "writes"), Sandbox: text().Draw(t, "sandbox"),
		MaxBody: text().Draw(t, "max body"), Timeout: text().Draw(t, "timeout"), AtOnce: rapid.Ptr(rapid.Int(), true).Draw(t, "at once"),
		Queue: rapid.Ptr(rapid.Int(), true).Draw(t, "queue"), Headers: texts("headers"), Sensitive: texts("sensitive"), Reveal: texts("reveal"),
		Rules: orNil(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) spec.Rule {
			return spec.Rule{
				Ignore: text().Draw(t, "ignore"), Unordered: text().Draw(t, "unordered"), Tolerance: text().Draw(t, "tolerance"), Case: text().Draw(t, "case"),
				Replace: text().Draw(t, "replace"), By: text().Draw(t, "by"), Within: text().Draw(t, "within"), Pattern: text().Draw(t, "pattern"),
				With: text().Draw(t, "with"), Reason: text().Draw(t, "reason"), Owner: text().Draw(t, "owner"), Expires: text().Draw(t, "expires"),
			}
		}), 0, 2).Draw(t, "rules")),
	}
}

// everyShadow writes everything that a shadow section has.
const everyShadow = `shadow:
      sample: 12.5%
      noise: 10%
      writes: sandbox
      sandbox: spare
      max_body: 64KiB
      timeout: 2s
      at_once: 4
      queue: 8
      headers: [location, X-Total]
      sensitive: [iban]
      reveal: [$.token_type]
      rules:
        - {ignore: $.generated_at, reason: clock, owner: ana, expires: 2027-01-31}
        - {unordered: $.items, by: sku, reason: a set}
        - {tolerance: $.total, within: 1%, reason: rounding}
        - {case: header Vary, reason: names}
        - {replace: "$.links[*]", pattern: "https://[^/]+", with: "", reason: hosts, expires: 2027-01-31T18:00:00+01:00}`

// withSandbox is aroundRoute with one more backend.
var withSandbox = strings.Replace(aroundRoute, "groups:", "  - {name: spare, endpoints: [http://127.0.0.1:3]}\ngroups:", 1)

func shadowed(t *testing.T, line string) spec.Route {
	t.Helper()
	defs, src, err := spec.ParseYAML("f.yaml", fmt.Appendf(nil, withSandbox, line))
	if err != nil {
		t.Fatal(err)
	}
	if found := spec.Validate(defs, src); len(found) > 0 {
		t.Fatal(found)
	}
	return defs.Routes[0]
}

func TestEverythingWrittenAboutShadowingIsInForce(t *testing.T) {
	want := shadow.Policy{
		Sample: 1250, Sampled: true, Noise: 1000, Writes: shadow.WritesSandbox, Sandbox: "spare", MaxBody: 64 << 10, Timeout: 2 * time.Second,
		AtOnce: 4, Queue: 8, Headers: []string{"Location", "X-Total"}, Sensitive: []string{"iban"}, Reveal: []string{"$.token_type"},
		Rules: []rule.Rule{
			{Kind: rule.Ignore, Target: "$.generated_at", Reason: "clock", Owner: "ana", Expires: time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)},
			{Kind: rule.Unordered, Target: "$.items", By: "sku", Reason: "a set"},
			{Kind: rule.Tolerance, Target: "$.total", Within: "1%", Reason: "rounding"},
			{Kind: rule.Case, Target: "header Vary", Reason: "names"},
			{Kind: rule.Replace, Target: "$.links[*]", Pattern: "https://[^/]+", Reason: "hosts", Expires: time.Date(2027, 1, 31, 17, 0, 0, 0, time.UTC)},
		},
	}
	route := shadowed(t, everyShadow)
	if diff := cmp.Diff(want, route.ShadowPolicy()); diff != "" {
		t.Error(diff)
	}
	const settled = `shadow.sample 12.5% route, shadow.noise 10% route, shadow.writes sandbox route, shadow.max_body 64KiB route, shadow.timeout 2s route, ` +
		`shadow.at_once 4 route, shadow.queue 8 route, shadow.sandbox spare route, shadow.headers Location, X-Total route, shadow.sensitive iban route, ` +
		`shadow.reveal $.token_type route, shadow.rules 5 route`
	if got := settings(route.ShadowSettings()); got != settled {
		t.Errorf("got  %s\nwant %s", got, settled)
	}
}

func TestShadowingWithoutAWord(t *testing.T) {
	route := shadowed(t, "")
	if diff := cmp.Diff(shadow.DefaultPolicy(), route.ShadowPolicy()); diff != "" {
		t.Error(diff)
	}
	const settled = `shadow.sample 100% in stage shadow, else off default, shadow.noise off default, shadow.writes off default, shadow.max_body 1MiB default, ` +
		`shadow.timeout 15s default, shadow.at_once 16 default, shadow.queue 256 default`
	if got := settings(route.ShadowSettings()); got != settled {
		t.Errorf("got  %s\nwant %s", got, settled)
	}
	if got := (spec.Route{Name: "r", Legacy: "old"}).ShadowSettings(); got != nil {
		t.Errorf("without a new side: %v", got)
	}
	off := shadowed(t, "shadow: {sample: off}").ShadowPolicy()
	if !off.Sampled || off.Share(routing.StageShadow) != 0 {
		t.Errorf("off: %+v", off)
	}
}

func TestWhatIsWrongWithShadowing(t *testing.T) {
	const percentage = `write a percentage from 0.01% to 100%, with at most two decimals, or off`
	tests := map[string]string{
		"{sample: 0%}":                                   `22: route "r": shadow sample is 0%: write off for none`,
		"{sample: 101%}":                                 `22: route "r": shadow sample is "101%": ` + percentage,
		"{sample: 10}":                                   `22: route "r": shadow sample is "10": ` + percentage,
		"{sample: -1%}":                                  `22: route "r": shadow sample is "-1%": ` + percentage,
		"{noise: 1.234%}":                                `21: route "r": shadow noise is "1.234%": ` + percentage,
		"{writes: on}":                                   `22: route "r": shadow writes is "on": write off or dry_run or sandbox`,
		"{writes: sandbox}":                              `22: route "r": writes is sandbox, and no sandbox is named: write sandbox: BACKEND as well`,
		"{writes: dry_run, sandbox: spare}":              `40: route "r": sandbox is asked with writes: sandbox alone, and writes is dry_run: write sandbox there, or leave sandbox out`,
		"{sandbox: spare}":                               `23: route "r": sandbox is asked with writes: sandbox alone, and writes is off: write sandbox there, or leave sandbox out`,
		"{writes: sandbox, sandbox: spar}":               `40: route "r": the backend "spar" is not defined; did you mean spare?`,
		"{writes: sandbox, sandbox: fresh}":              `40: route "r": the backend "fresh" serves the users of r, so copies of writes would change what they have: name one that no route has as a side`,
		"{max_body: 17MiB}":                              `24: route "r": shadow max_body is 17MiB: at most 16MiB is kept of a body`,
		"{timeout: 6m}":                                  `23: route "r": shadow timeout is 6m: at most 5m0s are allowed, because copies stay in memory so long`,
		"{at_once: 0}":                                   `23: route "r": shadow at_once is 0: it must be positive; leave it out for the default`,
		"{queue: 10001}":                                 `21: route "r": shadow queue is 10001: at most 10000 are allowed`,
		"{headers: []}":                                  `23: route "r": shadow.headers is empty: leave it out for the default`,
		"{headers: [a b]}":                               `24: route "r": "a b" is no name of a header field`,
		"{headers: [Vary, vary]}":                        `30: route "r": the header field Vary occurs twice: write it once`,
		"{sensitive: [' ']}":                             `26: route "r": " " is no name: write one as it stands in a body, a query or a header, like iban`,
		"{reveal: [$]}":                                  `23: route "r": not a place to reveal: "$" is no single value: name one, like "$.token_type" or "header X-Session-Hint"`,
		"{reveal: [header cookie]}":                      `23: route "r": not a place to reveal: "header cookie": credentials and cookies are never kept; leave it out`,
		"{reveal: [token]}":                              `23: route "r": not a place to reveal: no place of an answer: "token" is neither a path like $.items[*].price nor "header Vary", "status" or "body"`,
		"{rules: [{reason: clock}]}":                     `22: route "r": rule 1 does nothing: write what it does to which place, like {ignore: $.generated_at, reason: clock}`,
		"{rules: [{ignore: $.a, case: $.b, reason: r}]}": `22: route "r": rule 1 is written to do ignore and case at once: write one rule for each`,
		"{rules: [{ignore: $.a}]}":                       `22: route "r": rule 1: a rule needs a reason: whoever finds it in a year wants to know why the difference is right`,
		"{rules: [{ignore: $.a, reason: r}, {ignore: '$.b[', reason: r}]}":     `57: route "r": rule 2: no place of an answer: "$.b[", character 5: a bracket takes [3], [*] or ['a name']; filters, slices and places counted from the end are not known`,
		"{rules: [{tolerance: $.a, within: much, reason: r}]}":                 `47: route "r": rule 1: within is "much": write a number like 0.01, or a share of the larger number like 1%`,
		"{rules: [{ignore: $.a, reason: r, expires: soon}]}":                   `56: route "r": rule 1: expires is "soon": write a day like 2027-01-31, or a moment like 2027-01-31T18:00:00Z`,
		"{rules: [{ignore: $.a, reason: r}, {ignore: \"$['a']\", reason: x}]}": `48: route "r": rule 2: it does the same as rule 1: leave one of them out`,
		"{rules: [{ignores: $.a, reason: r}]}":                                 `23: unknown key "ignores" in routes[0].shadow.rules[0]; did you mean ignore?`,
		"{rules: [{ignore: $.a, reason: r, expires: 2020-01-01}]}":             "",
		"{rules: [{ignore: $, reason: loud}], noise: off}":                     "",
		"{sample: off, noise: 10%}":                                            "", // shadow stop leaves the rest as it is
		"{}":                                                                   "",
	}
	for line, want := range tests {
		if want != "" {
			want = "f.yaml:12:" + want
		}
		if got := problems(t, fmt.Sprintf(withSandbox, "shadow: "+line)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", line, got, want)
		}
	}
}

func TestWhichRoutesCanBeShadowed(t *testing.T) {
	const around = "backends:\n  - {name: old, endpoints: [http://127.0.0.1:1]}\n  - {name: fresh, endpoints: [http://127.0.0.1:2]}\nroutes:\n" +
		"  - name: r\n    match: {path: /a, methods: [%s]}\n    legacy: old\n    %s\n    shadow: %s\n"
	for _, tt := range []struct {
		methods, new, shadow string
		shadowable           bool
		want                 string
	}{
		{"GET", "new: fresh", "{noise: 10%}", true, ""},
		{"POST, GET", "new: fresh", "{sample: 10%}", true, ""},
		{"HEAD", "", "{sample: 10%}", false, `9:13: route "r": it has no new backend, so there is no other side to ask: name new, or leave shadow out`},
		{"POST", "new: fresh", "{sample: off}", false, ""},
		{"POST", "new: fresh", "{writes: dry_run}", true, ""},
		{"POST, PUT", "new: fresh", "{sample: 10%}", false, `9:13: route "r": its methods (POST, PUT) may change something, so copies are sent only to where that does no harm: ` +
			`write writes: dry_run where new honours the header Strangler-Shadow, or writes: sandbox with a backend of its own, or sample: off`},
		{"DELETE", "new: fresh", "{writes: dry_run, noise: 1%}", true, `9:38: route "r": noise is found by asking legacy twice, which only GET and HEAD allow, and its methods are DELETE: leave noise out`},
		{"GET", "new: fresh", "{writes: dry_run}", true, `9:22: route "r": writes is dry_run, and its methods (GET) have none of POST, PUT, PATCH and DELETE: leave writes out`},
		{"OPTIONS", "new: fresh", "{sample: 10%}", false, `9:13: route "r": requests with its methods (OPTIONS) are never shadowed: leave shadow out`},
		{"OPTIONS", "new: fresh", "{writes: off}", false, `9:13: route "r": requests with its methods (OPTIONS) are never shadowed: leave shadow out`},
	} {
		text := fmt.Sprintf(around, tt.methods, tt.new, tt.shadow)
		if tt.want != "" {
			tt.want = "f.yaml:" + tt.want
		}
		if got := problems(t, text); got != tt.want {
			t.Errorf("%s %s: got\n%s\nwant\n%s", tt.methods, tt.shadow, got, tt.want)
		}
		defs, _, err := spec.ParseYAML("f.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := defs.Routes[0].Facts().Shadowable; got != tt.shadowable {
			t.Errorf("%s %s: shadowable is %v", tt.methods, tt.shadow, got)
		}
	}
}

func TestWhatShadowingMustKnowOfABackend(t *testing.T) {
	for line, want := range map[string]string{
		"{trust: inside, build_header: X-Build}": "",
		"{trust: a b}":                           `47: backend "b": trust is "a b": character 2 of the name is ' ': a name has letters, digits, '-', '_' and '.', and begins with a letter or digit`,
		"{build_header: 'X Build'}":              `54: backend "b": build_header is "X Build", which is no name of a header field: write one like X-Build`,
		"{build_header: set-cookie}":             `54: backend "b": build_header is Set-Cookie, and whoever may look sees what a build is: name a field that signs nobody in, like X-Build`,
	} {
		if want != "" {
			want = "f.yaml:2:" + want
		}
		text := "backends:\n  - {name: b, endpoints: [http://b:1], " + strings.TrimPrefix(line, "{") + "\n"
		if got := problems(t, text); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", line, got, want)
		}
	}
}

func TestASandboxCannotBeRemoved(t *testing.T) {
	defs, _, err := spec.ParseYAML("f.yaml", fmt.Appendf(nil, withSandbox, "shadow: {writes: sandbox, sandbox: spare}"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = spec.Remove(spec.Current{Definitions: defs}, spec.KindBackend, "spare")
	if want := `backend "spare": it is still named by r: change or remove that first`; fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestWhatIsWrittenOfRulesIsReadBack(t *testing.T) {
	for _, one := range shadowed(t, everyShadow).ShadowPolicy().Rules {
		if got := spec.RuleOf(one).Rule(); got != one {
			t.Errorf("%+v became %+v", one, got)
		}
	}
}

func TestDigestsOfShadowing(t *testing.T) {
	digest := func(written string) string {
		defs, _, err := spec.ParseYAML("f.yaml", fmt.Appendf(nil, withSandbox, written))
		if err != nil {
			t.Fatal(err)
		}
		return defs.Digest()
	}
	for a, b := range map[string]string{
		"":                                  "shadow: {rules: [], noise: off, writes: off}",
		"shadow: {headers: [Vary, Allow]}":  "shadow: {headers: [Allow, Vary]}",
		"shadow: {sensitive: [a, b]}":       "shadow: {sensitive: [b, a]}",
		"shadow: {reveal: [$.a, $.b]}":      "shadow: {reveal: [$.b, $.a]}",
		"shadow: {sample: off, noise: off}": "shadow: {sample: off}",
	} {
		if digest(a) != digest(b) {
			t.Errorf("%s and %s differ", a, b)
		}
	}
	for a, b := range map[string]string{
		"": "shadow: {sample: off}",
		"shadow: {rules: [{ignore: $.a, reason: r}]}":                           "shadow: {rules: [{ignore: $.a, reason: s}]}",
		"shadow: {rules: [{ignore: $.a, reason: r}, {ignore: $.b, reason: r}]}": "shadow: {rules: [{ignore: $.b, reason: r}, {ignore: $.a, reason: r}]}",
	} {
		if digest(a) == digest(b) {
			t.Errorf("%s and %s are alike", a, b)
		}
	}
}
