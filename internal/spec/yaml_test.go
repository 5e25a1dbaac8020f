package spec_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

const example = `# the whole of it
backends:
  - name: monolith
    endpoints: [http://127.0.0.1:3000]
  - name: orders
    endpoints:
      - http://127.0.0.1:4000
      - http://[::1]:4001
groups:
  - name: shop
    keys: [{header: X-User-Id}, {cookie: session}, {claim: sub}, client_address, mint]
    salt: 0123456789abcdef
routes:
  - name: orders-get
    match: {host: shop.example, path: "/orders/{id:[0-9]+}", methods: [GET], headers: [{name: X-Beta, equals: 1}, {name: X-Any}], query: [{name: q, matches: "[0-9]+"}]}
    priority: -3
    legacy: monolith
    new: orders
    group: shop
    guard:                      # per side; what is not written keeps its default
      new: {timeouts: {read: 2s, write: 5s}}
    plan: {steps: [shadow, 1%, 5, 100%], bake: 10m}
    trailing_slash: either
  - {name: all, match: {prefix: /}, legacy: monolith}
`

func exampleDefinitions() spec.Definitions {
	one, digits := "1", "[0-9]+"
	return spec.Definitions{
		Backends: []spec.Backend{
			{Name: "monolith", Endpoints: []string{"http://127.0.0.1:3000"}},
			{Name: "orders", Endpoints: []string{"http://127.0.0.1:4000", "http://[::1]:4001"}},
		},
		Groups: []spec.Group{{Name: "shop", Salt: "0123456789abcdef", Keys: []spec.Key{
			header("X-User-Id"), cookie("session"), claim("sub"), clientAddress(), mint(),
		}}},
		Routes: []spec.Route{
			{
				Name: "orders-get", Priority: -3, TrailingSlash: "either", Legacy: "monolith", New: "orders", Group: "shop",
				Match: spec.Match{
					Host: "shop.example", Path: "/orders/{id:[0-9]+}", Methods: []string{"GET"},
					Headers: []spec.Condition{{Name: "X-Beta", Equals: &one}, {Name: "X-Any"}},
					Query:   []spec.Condition{{Name: "q", Matches: &digits}},
				},
				Guard: &spec.Guard{New: &spec.SideGuard{Timeouts: &spec.Timeouts{Read: "2s", Write: "5s"}}},
				Plan:  &spec.Plan{Steps: []string{"shadow", "1%", "5", "100%"}, Bake: "10m"},
			},
			{Name: "all", Match: spec.Match{Prefix: "/"}, Legacy: "monolith"},
		},
	}
}

func TestParseYAMLReadsEveryField(t *testing.T) {
	defs, src, err := spec.ParseYAML("example.yaml", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(exampleDefinitions(), defs); diff != "" {
		t.Error(diff)
	}
	if problems := spec.Validate(defs, src); problems != nil {
		t.Error(problems)
	}
}

func TestParseYAMLReadsOtherWaysOfWriting(t *testing.T) {
	one := spec.Definitions{Backends: []spec.Backend{{Name: "b", Endpoints: []string{"http://h"}}}}
	twice := spec.Definitions{Backends: []spec.Backend{
		{Name: "b", Endpoints: []string{"http://h"}}, {Name: "c", Endpoints: []string{"http://h"}},
	}}
	ports := spec.Definitions{Backends: []spec.Backend{
		{Name: "b", Endpoints: []string{"http://h"}}, {Name: "c", Endpoints: []string{"http://h:1", "http://h:2"}},
	}}
	tests := map[string]struct {
		text string
		want spec.Definitions
	}{
		"nothing":        {"", spec.Definitions{}},
		"a comment":      {"# nothing yet\n", spec.Definitions{}},
		"an empty map":   {"{}", spec.Definitions{}},
		"empty sections": {"backends:\ngroups: []\nroutes: ~\n", spec.Definitions{}},
		"JSON":           {`{"backends": [{"name": "b", "endpoints": ["http://h"]}]}`, one},
		"CRLF":           {"backends:\r\n  - name: b\r\n    endpoints: [http://h]\r\n", one},
		"a BOM":          {"\ufeffbackends: [{name: b, endpoints: [http://h]}]", one},
		"braces":         {"backends: [{name: b, endpoints: [http://h]}, {name: c, endpoints: [http://h:1, http://h:2]}]", ports},
		"a header":       {"---\nbackends: [{name: b, endpoints: [http://h]}]\n...\n", one},
		"no indentation": {"backends:\n- name: b\n  endpoints:\n  - http://h\n", one},
		"block scalars":  {"backends:\n  - name: >-\n      b\n    endpoints:\n      - |-\n        http://h\n", one},
		"aliases":        {"backends:\n  - name: b\n    endpoints: &at [http://h]\n  - {name: c, endpoints: *at}\n", twice},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			defs, _, err := spec.ParseYAML("f.yaml", []byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, defs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestScalarsAreTakenAsWritten(t *testing.T) {
	for _, written := range []string{"1", "1.50", "0x10", "010", "true", "yes", "1e3", ".inf", "2001-01-01", "1_000"} {
		text := "routes: [{name: r, salt: " + written + "}]"
		defs, _, err := spec.ParseYAML("f.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		if got := defs.Routes[0].Salt; got != written {
			t.Errorf("%s was read as %q", written, got)
		}
	}
}

// TestProblemsOfTheText names, for each faulty text, every line that is
// reported about it.
func TestProblemsOfTheText(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"no YAML":            {"backends: [\n", "f.yaml:1:11: sequence end token ']' not found"},
		"tabs":               {"backends:\n\t- name: b\n", "f.yaml:2:1: found character '\t' that cannot start any token"},
		"not a map":          {"- a\n", "f.yaml:1:1: the file is a list: want a map with the keys backends, groups, webhooks, routes"},
		"an unknown section": {"backend: []\n", `f.yaml:1:1: unknown key "backend" in the file; did you mean backends?`},
		"an unknown key":     {"routes:\n  - name: r\n    zone: 1\n", `f.yaml:3:5: unknown key "zone" in routes[0]; the keys are name, match, priority, trailing_slash, legacy, new, group, keys, salt, pin, rewrite, guard, shadow, gates, plan, notify, data`},
		"a slip": {
			"routes:\n  - name: r\n    match: {pathh: /a}\n    guard: {new: {timeouts: {raed: 1s}}}\n",
			`f.yaml:3:13: unknown key "pathh" in routes[0].match; did you mean path?` + "\n" +
				`f.yaml:4:30: unknown key "raed" in routes[0].guard.new.timeouts; did you mean read?`,
		},
		"a key of a later version": {"routes:\n  - name: r\n    stage: canary\n", `f.yaml:3:5: unknown key "stage" in routes[0]; the keys are name, match, priority, trailing_slash, legacy, new, group, keys, salt, pin, rewrite, guard, shadow, gates, plan, notify, data`},
		"a key twice":              {"routes:\n  - name: r\n    new: a\n    new: b\n", `f.yaml:4:5: the key "new" occurs twice in routes[0]: first in line 3`},
		"a word for a list":        {"routes:\n  - name: r\n    match: {methods: GET}\n", `f.yaml:3:22: routes[0].match.methods is the value "GET": want a list, like [a, b]`},
		"a list for a word":        {"backends:\n  - name: [b]\n", "f.yaml:2:11: backends[0].name is a list: want a single value"},
		"a map for a word":         {"backends:\n  - name: b\n    endpoints: [{url: http://h}]\n", "f.yaml:3:17: backends[0].endpoints[0] is a map: want a single value"},
		"a priority":               {"routes:\n  - name: r\n    priority: 1.5\n", `f.yaml:3:15: routes[0].priority is "1.5": want a whole number`},
		"an empty word":            {"routes:\n  - name: r\n    match: {headers: [{name: X, equals: }]}\n", "f.yaml:3:40: routes[0].match.headers[0].equals has no value: write one, or leave the key out"},
		"keys": {
			"groups:\n  - name: g\n    keys: [mnt, {haeder: a}, {header: a, cookie: b}, {mint: x}, [a]]\n",
			`f.yaml:3:12: unknown key "mnt": write {header: NAME}, {cookie: NAME}, {claim: NAME}, client_address or mint` + "\n" +
				`f.yaml:3:17: unknown key "haeder": write {header: NAME}, {cookie: NAME}, {claim: NAME}, client_address or mint` + "\n" +
				`f.yaml:3:30: groups[0].keys[2] has 2 parts, a key has one: write {header: NAME}, {cookie: NAME}, {claim: NAME}, client_address or mint` + "\n" +
				`f.yaml:3:54: unknown key "mint": write {header: NAME}, {cookie: NAME}, {claim: NAME}, client_address or mint` + "\n" +
				`f.yaml:3:65: groups[0].keys[4] is a list: want a single value`,
		},
		"names": {
			"backends:\n  - name: <img onerror>\n  - {endpoints: [http://h]}\n  - name: \"a\\r\\nb\"\n  - name: a\n  - name: a\n  - name: -rf\n",
			`f.yaml:2:11: backend "<img onerror>": character 1 of the name is '<': a name has letters, digits, '-', '_' and '.', and begins with a letter or digit` + "\n" +
				`f.yaml:3:5: backend "": the name is missing: a name has letters, digits, '-', '_' and '.', and begins with a letter or digit` + "\n" +
				`f.yaml:4:11: backend "a\r\nb": character 2 of the name is '\r': a name has letters, digits, '-', '_' and '.', and begins with a letter or digit` + "\n" +
				`f.yaml:6:11: backend "a": backends[3] and backends[4] have the same name: rename one of them` + "\n" +
				`f.yaml:7:11: backend "-rf": character 1 of the name is '-': a name has letters, digits, '-', '_' and '.', and begins with a letter or digit`,
		},
		"a second document": {"backends: []\n---\nroutes: []\n", "f.yaml:3:1: a second document begins here: definitions are one document"},
		"a tag":             {"backends: !!seq []\n", "f.yaml:1:11: backends has the tag !!seq: definitions need no tags, leave it out"},
		"a merge key":       {"backends:\n  - name: b\n    <<: {}\n", `f.yaml:3:5: unknown key "<<" in backends[0]; the keys are name, endpoints, protocol, tls, bulkhead, health, fallback, trust, build_header`},
		"no anchor":         {"backends: *none\n", "f.yaml:1:11: the alias *none has no anchor before it"},
		"not UTF-8":         {"backends:\n  # caf\xe9\n", "f.yaml:2:8: the byte 0xe9 is no UTF-8: save the file as UTF-8"},
		"a NUL":             {"routes: [{name: r, salt: \"a\\0b\"}]\n", "f.yaml:1:26: routes[0].salt contains a NUL byte, which no store keeps"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, _, err := spec.ParseYAML("f.yaml", []byte(test.text))
			if _, listed := errors.AsType[spec.Problems](err); !listed {
				t.Fatalf("got %v", err)
			}
			if err.Error() != test.want {
				t.Errorf("got\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}

func TestHostileTextsAreRefused(t *testing.T) {
	bomb := "routes:\n  - name: a\n    match: {headers: &c [" + strings.Repeat("{name: X},", 1000) + "]}\n"
	for i := range 200 {
		bomb += fmt.Sprintf("  - {name: a%d, match: {headers: *c}}\n", i)
	}
	const deep = "more than 32 lists or maps lie in each other"
	for name, test := range map[string]struct{ text, want string }{
		"open lists":     {strings.Repeat("[", 100_000), "f.yaml:1:33: " + deep},
		"open maps":      {strings.Repeat("{a: ", 100_000), "f.yaml:1:129: " + deep},
		"dashes":         {strings.Repeat("- ", 100_000), "f.yaml:1:65: " + deep},
		"question marks": {strings.Repeat("? ", 100_000), "f.yaml:1:65: " + deep},
		"anchors":        {strings.Repeat("&a ", 100_000), "f.yaml:1:97: " + deep},
		"aliases":        {bomb, "f.yaml:53:34: aliases repeat more than 100000 values: write them out"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := spec.ParseYAML("f.yaml", []byte(test.text))
			if err == nil || err.Error() != test.want {
				t.Fatalf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestTheOrderOfWritingDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		defs := drawDefinitions(t)
		other := shuffled(t, defs)
		if defs.Digest() != other.Digest() {
			t.Fatal("another order of writing, another digest")
		}
		if changes := spec.Diff(defs, other); changes != nil {
			t.Fatalf("another order of writing is a change: %+v", changes)
		}
	})
}

func FuzzParseYAML(f *testing.F) {
	f.Add(example)
	f.Add("routes: [{name: r, match: &m {prefix: /}}, {name: s, match: *m}]")
	f.Add("? a\n: b\n!!x &y *z |\n")
	f.Fuzz(func(t *testing.T, text string) {
		defs, src, err := spec.ParseYAML("f.yaml", []byte(text))
		var problems spec.Problems
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
			t.Fatalf("an error that is no problem: %v", err)
		}
		problems = append(problems, spec.Validate(defs, src)...)
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Message == "" || p.Code == "" {
				t.Fatalf("a problem without a place or message: %+v", p)
			}
		}
		if err != nil {
			return
		}
		again, err := spec.FormatYAML(defs)
		if err != nil {
			t.Fatal(err)
		}
		back, _, err := spec.ParseYAML("again.yaml", again)
		if err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
		if back.Digest() != defs.Digest() {
			t.Fatalf("another digest after\n%s", again)
		}
	})
}

func key(kind routing.KeyKind, name string) spec.Key {
	return spec.Key{Key: routing.Key{Kind: kind, Name: name}}
}
func header(name string) spec.Key { return key(routing.KeyHeader, name) }
func cookie(name string) spec.Key { return key(routing.KeyCookie, name) }
func claim(name string) spec.Key  { return key(routing.KeyClaim, name) }
func clientAddress() spec.Key     { return key(routing.KeyClientAddress, "") }
func mint() spec.Key              { return key(routing.KeyMint, "") }
