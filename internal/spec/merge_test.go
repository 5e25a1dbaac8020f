package spec_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// read reads a text that has no problems.
func read(t *testing.T, text string) (spec.Definitions, spec.Source) {
	t.Helper()
	defs, src, err := spec.ParseYAML("f.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return defs, src
}

// apply applies a text that has no problems.
func apply(t *testing.T, current spec.Current, text string, prune bool) spec.Definitions {
	t.Helper()
	file, src := read(t, text)
	defs, err := spec.Apply(current, file, src, prune)
	if err != nil {
		t.Fatal(err)
	}
	return defs
}

const shop = `
backends:
  - {name: old, endpoints: [http://127.0.0.1:1]}
  - {name: fresh, endpoints: [http://127.0.0.1:2]}
groups:
  - {name: users, keys: [{header: X-User-Id}]}
routes:
  - {name: grouped, match: {path: /grouped}, legacy: old, new: fresh, group: users}
  - {name: alone, match: {path: /alone}, legacy: old, new: fresh}
  - {name: all, match: {prefix: /}, legacy: old}
`

func TestSaltsAreMadeOnceAndKept(t *testing.T) {
	first := apply(t, spec.Current{}, shop, false)
	users, alone := first.Groups[0].Salt, first.Routes[1].Salt
	if len(users) != 32 || len(alone) != 32 || users == alone {
		t.Errorf("salts %q and %q: want 128 random bits in hex each", users, alone)
	}
	if first.Routes[0].Salt != "" || first.Routes[2].Salt != "" {
		t.Error("a route without a new side, or in a group, got a salt")
	}
	if again := apply(t, spec.Current{Definitions: first}, shop, false); again.Digest() != first.Digest() {
		t.Error("applying the same file again changed something")
	}
	if other := apply(t, spec.Current{}, shop, false); other.Groups[0].Salt == users {
		t.Error("two stores got the same salt")
	}
	exported, err := spec.FormatYAML(first)
	if err != nil {
		t.Fatal(err)
	}
	if imported := apply(t, spec.Current{}, string(exported), false); imported.Digest() != first.Digest() {
		t.Error("an exported file does not bring the salts along")
	}
}

func TestASaltThatContradictsTheStoredOneIsRefused(t *testing.T) {
	current := spec.Current{Definitions: apply(t, spec.Current{}, strings.Replace(shop, "name: users,", "name: users, salt: stored,", 1), false)}
	file, src := read(t, "groups:\n  - name: users\n    keys: [{header: X-User-Id}]\n    salt: other\n")
	_, err := spec.Apply(current, file, src, false)
	want := `f.yaml:4:11: group "users": the salt "other" is not the stored one, and a salt changes only by reshuffle: leave it out to keep "stored"`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = spec.Apply(current, file, spec.Source{}, false)
	if want = strings.Replace(want, "f.yaml:4:11", "groups[0].salt", 1); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestApplyKeepsOrPrunesWhatTheFileDoesNotName(t *testing.T) {
	current := spec.Current{Definitions: apply(t, spec.Current{}, shop, false)}
	const file = "backends:\n  - {name: old, endpoints: [http://127.0.0.1:9]}\nroutes:\n  - {name: all, match: {prefix: /}, legacy: old}\n"

	kept := apply(t, current, file, false)
	if got := changes(spec.Diff(current.Definitions, kept)); got != "changed backend old" {
		t.Errorf("kept: %s", got)
	}
	pruned := apply(t, current, file, true)
	want := "removed backend fresh, changed backend old, removed group users, removed route alone, removed route grouped"
	if got := changes(spec.Diff(current.Definitions, pruned)); got != want {
		t.Errorf("pruned: %s", got)
	}
}

// An export that failed leaves an empty file behind.
func TestAnEmptyFilePrunesNothing(t *testing.T) {
	current := spec.Current{Definitions: apply(t, spec.Current{}, shop, false)}
	for _, text := range []string{"", "# nothing\n", "routes: []\n"} {
		file, src, err := spec.ParseYAML("f.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		_, err = spec.Apply(current, file, src, true)
		want := "f.yaml:1:1: the definitions are empty, and pruning would remove every backend, group, webhook and route: is this the right file?"
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
		if got := changes(spec.Diff(current.Definitions, apply(t, current, text, false))); got != "" {
			t.Errorf("%q without prune: %s", text, got)
		}
		if got := apply(t, spec.Current{}, text, true); len(got.Backends)+len(got.Routes) != 0 {
			t.Errorf("%q into an empty store: %+v", text, got)
		}
	}
}

func TestNothingIsAppliedFromAFileWithTwoOfOneName(t *testing.T) {
	twice := spec.Definitions{Backends: []spec.Backend{{Name: "b"}, {Name: "b"}}}
	_, err := spec.Apply(spec.Current{}, twice, spec.Source{}, false)
	want := `backends[1].name: backend "b": backends[0] and backends[1] have the same name: rename one of them`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestApplyNeverMovesTraffic(t *testing.T) {
	defs := apply(t, spec.Current{}, shop, false)
	at := func(stage routing.Stage, weight routing.Weight) map[string]rollout.State {
		return map[string]rollout.State{"grouped": {Stage: stage, Weight: weight}, "alone": {Stage: stage, Weight: weight}}
	}
	canary, full, retired := at(routing.StageCanary, 2500), at(routing.StageNew, 10000), at(routing.StageRetired, 10000)
	const gone = "so removing it would move its traffic: first run stranglerctl rollback %s, or retire it"
	const moved = "so other keys or another group would move users from side to side: first run stranglerctl rollback %s"
	without := func(line string) string {
		var kept []string
		for l := range strings.Lines(shop) {
			if !strings.Contains(l, line) {
				kept = append(kept, l)
			}
		}
		return strings.Join(kept, "")
	}
	tests := []struct {
		name   string
		states map[string]rollout.State
		file   string
		want   string
	}{
		{"the same", canary, shop, ""},
		{"a route in canary is dropped", canary, without("name: alone"), `route "alone": it stands at 25%, ` + fmt.Sprintf(gone, "alone")},
		{"a route in new is dropped", full, without("name: alone"), `route "alone": it stands at 100%, ` + fmt.Sprintf(gone, "alone")},
		{"a retired route is dropped", retired, without("name: alone"), ""},
		{"a route in shadow is dropped", at(routing.StageShadow, 0), without("name: alone"), ""},
		{"a group gets other keys", canary, strings.Replace(shop, "header: X-User-Id", "cookie: session", 1), `f.yaml:8:78: route "grouped": it stands at 25%, ` + fmt.Sprintf(moved, "grouped")},
		{"other keys where keys are not asked", full, strings.Replace(shop, "header: X-User-Id", "cookie: session", 1), ""},
		{"a route enters a group", canary, strings.Replace(shop, "path: /alone}, ", "path: /alone}, group: users, ", 1), `f.yaml:9:49: route "alone": it stands at 25%, ` + fmt.Sprintf(moved, "alone")},
		{"a route writes the keys it has", canary, strings.Replace(shop, "path: /alone}, ", "path: /alone}, keys: [mint], ", 1), ""},
		{"the new side is dropped", canary, strings.Replace(shop, "/alone}, legacy: old, new: fresh", "/alone}, legacy: old", 1), `f.yaml:9:5: route "alone": the route has no new backend, and in stage canary it needs one: name it, or roll the route back first`},
		{"a retired route leaves its legacy side", retired, strings.Replace(shop, "/alone}, legacy: old,", "/alone},", 1), ""},
		{"another backend on the new side", canary, strings.Replace(shop, "127.0.0.1:2", "127.0.0.1:3", 1), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file, src := read(t, test.file)
			_, err := spec.Apply(spec.Current{Definitions: defs, States: test.states}, file, src, true)
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	current := spec.Current{
		Definitions: apply(t, spec.Current{}, shop, false),
		States:      map[string]rollout.State{"alone": {Stage: routing.StageCanary, Weight: 50}},
	}
	tests := []struct{ kind, name, want string }{
		{spec.KindRoute, "grouped", "removed route grouped"},
		{spec.KindRoute, "alone", `route "alone": it stands at 0.5%, so removing it would move its traffic: first run stranglerctl rollback alone, or retire it`},
		{spec.KindRoute, "alon", `route "alon": it is not defined; did you mean alone or all?`},
		{spec.KindBackend, "fresh", `backend "fresh": it is still named by alone, grouped: change or remove that first`},
		{spec.KindBackend, "grouped", `backend "grouped": it is not defined`},
		{spec.KindGroup, "users", `group "users": it is still named by grouped: change or remove that first`},
	}
	for _, test := range tests {
		next, err := spec.Remove(current, test.kind, test.name)
		got := changes(spec.Diff(current.Definitions, next))
		if problems, refused := errors.AsType[spec.Problems](err); refused {
			got = problems.Error()
		}
		if got != test.want {
			t.Errorf("%s %s: got %s, want %s", test.kind, test.name, got, test.want)
		}
	}
}

func TestDiffShowsBothSidesOfAChange(t *testing.T) {
	before := spec.Definitions{Groups: []spec.Group{{Name: "g", Salt: "a"}, {Name: "gone"}}}
	after := spec.Definitions{Groups: []spec.Group{{Name: "new"}, {Name: "g", Salt: "a", Keys: []spec.Key{header("X"), mint()}}}}
	want := []spec.Change{
		{Kind: "group", Name: "g", Op: spec.Changed, Before: json.RawMessage(`{"name":"g","salt":"a"}`), After: json.RawMessage(`{"name":"g","keys":[{"header":"X"},"mint"],"salt":"a"}`)},
		{Kind: "group", Name: "gone", Op: spec.Removed, Before: json.RawMessage(`{"name":"gone"}`)},
		{Kind: "group", Name: "new", Op: spec.Added, After: json.RawMessage(`{"name":"new"}`)},
	}
	if diff := cmp.Diff(want, spec.Diff(before, after)); diff != "" {
		t.Error(diff)
	}
}

func TestNormalizeLeavesTheOriginalAlone(t *testing.T) {
	defs := exampleDefinitions()
	defs.Routes[0].Match.Methods = []string{"PUT", "GET"}
	defs.Routes[0].TrailingSlash = "strict"
	normal := defs.Normalize()
	if got := strings.Join(normal.Routes[1].Match.Methods, " "); got != "GET PUT" || normal.Routes[1].TrailingSlash != "" {
		t.Errorf("normal form: %+v", normal.Routes[1])
	}
	if got := strings.Join(defs.Routes[0].Match.Methods, " "); got != "PUT GET" || defs.Routes[0].TrailingSlash != "strict" {
		t.Errorf("the original became %+v", defs.Routes[0])
	}
	empty := spec.Definitions{Routes: []spec.Route{{Name: "r", Guard: &spec.Guard{New: &spec.SideGuard{Timeouts: &spec.Timeouts{}}}, Plan: &spec.Plan{}, Keys: []spec.Key{}}}}
	if bare := (spec.Definitions{Routes: []spec.Route{{Name: "r"}}}); empty.Digest() != bare.Digest() {
		t.Error("what is written but empty changes the digest")
	}
}

func TestKeysInJSON(t *testing.T) {
	keys := []spec.Key{header("X-User"), cookie("session"), claim("sub"), clientAddress(), mint()}
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"header":"X-User"},{"cookie":"session"},{"claim":"sub"},"client_address","mint"]`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	var back []spec.Key
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keys, back); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{`"mnt"`, `"header"`, `{"mint":""}`, `{}`, `{"header":"a","cookie":"b"}`, `{"header":1}`, `["mint"]`, `7`, `null`} {
		var key spec.Key
		if err := json.Unmarshal([]byte(bad), &key); err == nil || !strings.HasSuffix(err.Error(), "client_address or mint") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
	if _, err := json.Marshal(key(99, "")); err == nil {
		t.Error("a key of no kind was written")
	}
}

// changes writes changes as "added route a, removed route b".
func changes(list []spec.Change) string {
	var words []string
	for _, c := range list {
		words = append(words, fmt.Sprintf("%s %s %s", c.Op, c.Kind, c.Name))
	}
	return strings.Join(words, ", ")
}
