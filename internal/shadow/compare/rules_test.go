package compare_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// ruled are options with rules in force.
func ruled(t testing.TB, rules ...rule.Rule) compare.Options {
	t.Helper()
	for i := range rules {
		rules[i].Reason = "a test"
	}
	set, faults := rule.Compile(rules)
	if len(faults) > 0 {
		t.Fatalf("rules: %+v", faults)
	}
	return compare.Options{Rules: set.At(time.Now()), Bodies: true}
}

func TestRulesInJSON(t *testing.T) {
	ignore := func(target string) rule.Rule { return rule.Rule{Kind: rule.Ignore, Target: target} }
	unordered := func(target, by string) rule.Rule {
		return rule.Rule{Kind: rule.Unordered, Target: target, By: by}
	}
	tolerance := func(target, within string) rule.Rule {
		return rule.Rule{Kind: rule.Tolerance, Target: target, Within: within}
	}
	for _, c := range []struct {
		name, legacy, fresh string
		rules               []rule.Rule
		hits                uint64 // of all rules
		want                []string
	}{
		{"ignore a value", `{"at":1,"b":2}`, `{"at":9,"b":3}`, []rule.Rule{ignore("$.at")}, 1, []string{"mismatch", "value $.b: 2 → 3"}},
		{"ignore a type and all below", `{"at":{"x":1}}`, `{"at":[2]}`, []rule.Rule{ignore("$.at")}, 1, []string{"match"}},
		{"ignore what one side has", `{"at":1}`, `{"by":1}`, []rule.Rule{ignore("$.at"), ignore("$.by")}, 2, []string{"match"}},
		{"ignore what is equal", `{"at":[1, 2],"b":1}`, `{"at":[1,2],"b":2}`, []rule.Rule{ignore("$.at")}, 0, []string{"mismatch", "value $.b: 1 → 2"}},
		{"ignore in all elements", `[{"at":1},{"at":2}]`, `[{"at":3},{"at":4}]`, []rule.Rule{ignore("$[*].at")}, 2, []string{"match"}},
		{"ignore at any depth", `{"a":{"b":[{"at":1}]},"at":2}`, `{"a":{"b":[{"at":3}]},"at":4}`, []rule.Rule{ignore("$..at")}, 2, []string{"match"}},
		{"ignore everything", `{"a":1}`, `[]`, []rule.Rule{ignore("$")}, 1, []string{"match"}},
		{"ignore the body", `{"a":1}`, `<html>`, []rule.Rule{ignore("body")}, 1, []string{"match"}},
		{
			"an ignored member does not hide what was put in", `[{"at":1,"v":1},{"at":2,"v":2}]`, `[{"at":3,"v":0},{"at":4,"v":1},{"at":5,"v":2}]`,
			[]rule.Rule{ignore("$[*].at")},
			2,
			[]string{"mismatch", `extra $[0]: nothing → {"at":3,"v":0}`},
		},
		{"an ignored id is no id", `[{"id":1,"v":1},{"id":2,"v":2}]`, `[{"id":2,"v":1},{"id":1,"v":3}]`, []rule.Rule{ignore("$[*].id")}, 2, []string{"mismatch", "value $[1].v: 2 → 3"}},
		{"a multiset", `[1,2,2,3]`, `[3,2,1,2]`, []rule.Rule{unordered("$", "")}, 1, []string{"match"}},
		{"a multiset counts", `[1,1,2]`, `[2,2,1]`, []rule.Rule{unordered("$", "")}, 1, []string{"mismatch", "value $[1]: 1 → 2"}},
		{"a multiset of objects", `[{"a":1,"b":[1]},{"a":2,"b":[2]}]`, `[{"b":[2],"a":2},{"b":[9],"a":1}]`, []rule.Rule{unordered("$", "")}, 0, []string{"mismatch", "value $[0].b[0]: 1 → 9"}},
		{"unordered in its order is no hit", `[1, 2]`, `[1,2]`, []rule.Rule{unordered("$", "")}, 0, []string{"match"}},
		{"by a member", `[{"k":"a","v":1},{"k":"b","v":2}]`, `[{"k":"b","v":2},{"k":"a","v":3}]`, []rule.Rule{unordered("$", "k")}, 1, []string{"mismatch", "value $[0].v: 1 → 3"}},
		{"by a member that is not there", `[{"k":"a"},{"v":2}]`, `[{"v":2},{"k":"a"}]`, []rule.Rule{unordered("$", "k")}, 1, []string{"match"}},
		{
			"unordered by nothing, but they have ids", `[{"id":1,"v":1},{"id":2,"v":2},{"id":3,"v":3}]`, `[{"id":3,"v":9},{"id":2,"v":8}]`,
			[]rule.Rule{unordered("$", "")},
			1,
			[]string{"mismatch", `missing $[0]: {"id":1,"v":1} → nothing`, "value $[1].v: 2 → 8", "value $[2].v: 3 → 9"},
		},
		{"by a member in another case", `[{"k":"A"},{"k":"b"}]`, `[{"k":"B"},{"k":"a"}]`, []rule.Rule{unordered("$", "k"), {Kind: rule.Case, Target: "$[*].k"}}, 3, []string{"match"}},
		{"unordered in unordered", `[[1,2],[3,4]]`, `[[4,3],[2,1]]`, []rule.Rule{unordered("$", ""), unordered("$[*]", "")}, 3, []string{"match"}},
		{"a tolerance", `{"a":1.000,"b":1}`, `{"a":1.01,"b":1.02}`, []rule.Rule{tolerance("$.*", "0.01")}, 1, []string{"mismatch", "value $.b: 1 → 1.02"}},
		{"a tolerance by share", `{"a":100}`, `{"a":101}`, []rule.Rule{tolerance("$.a", "1%")}, 1, []string{"match"}},
		{"a tolerance is for numbers", `{"a":1}`, `{"a":"1"}`, []rule.Rule{tolerance("$.a", "1%")}, 0, []string{"mismatch", `type $.a: 1 → "1"`}},
		{"a tolerance in a multiset", `[1.0,5.0]`, `[5,1.001]`, []rule.Rule{unordered("$", ""), tolerance("$[*]", "0.01")}, 2, []string{"match"}},
		{"a tolerance in an array", `[1.0,5.0]`, `[1.001,6]`, []rule.Rule{tolerance("$[*]", "0.01")}, 1, []string{"mismatch", "value $[1]: 5.0 → 6"}},
		{"case", `{"a":"É","b":"x"}`, `{"a":"é","b":"y"}`, []rule.Rule{{Kind: rule.Case, Target: "$.*"}}, 1, []string{"mismatch", `value $.b: "x" → "y"`}},
		{"replace", `{"u":"https://old/a"}`, `{"u":"https://new/a"}`, []rule.Rule{{Kind: rule.Replace, Target: "$.u", Pattern: "https://[^/]+"}}, 1, []string{"match"}},
		{"replace on one side", `{"u":"a b"}`, `{"u":"a  b"}`, []rule.Rule{{Kind: rule.Replace, Target: "$.u", Pattern: " +", With: " "}}, 1, []string{"match"}},
		{"replace and case", `{"u":"OLD/a"}`, `{"u":"new/A"}`, []rule.Rule{{Kind: rule.Replace, Target: "$.u", Pattern: "OLD|new"}, {Kind: rule.Case, Target: "$.u"}}, 2, []string{"match"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := inJSON(c.legacy, c.fresh, ruled(t, c.rules...))
			expect(t, r, c.want...)
			var hits uint64
			for n := range maps.Values(r.Hits) {
				hits += n
			}
			if hits != c.hits {
				t.Errorf("%d hits, want %d: %v", hits, c.hits, r.Hits)
			}
		})
	}
}

func TestRulesOutsideOfJSON(t *testing.T) {
	at := func(status int, location, body string) compare.Answer {
		return compare.Answer{Status: status, Header: header{"Location": {location}, "Content-Type": {"text/plain"}}, Body: []byte(body)}
	}
	rules := []rule.Rule{
		{Kind: rule.Ignore, Target: "status"},
		{Kind: rule.Replace, Target: "header Location", Pattern: "https?://[^/]+"},
		{Kind: rule.Replace, Target: "body", Pattern: "at [0-9:]+"},
	}
	r := compare.Compare(at(200, "http://old/a", "a\nmade at 10:00\nb\nc"), at(404, "https://new/a", "a\nmade at 11:00\nx\nb\nd"), ruled(t, rules...))
	expect(t, r, "mismatch", "text line 4: c → d", "extra line 3: nothing → x")
	want := map[string]uint64{}
	for _, written := range rules {
		want[written.ID()] = 1
	}
	if diff := cmp.Diff(want, r.Hits); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
	r = compare.Compare(
		compare.Answer{Status: 200, Header: header{"Vary": {"Origin"}, "Set-Cookie": {"a=1"}}},
		compare.Answer{Status: 200},
		withHeaders(ruled(t, rule.Rule{Kind: rule.Ignore, Target: "header Vary"}, rule.Rule{Kind: rule.Ignore, Target: "header Set-Cookie"}), "Set-Cookie", "Vary"))
	expect(t, r, "match")
	if got := slices.Collect(maps.Values(r.Hits)); !slices.Equal(got, []uint64{1, 1}) {
		t.Errorf("hits: %v, want one of each rule", r.Hits)
	}
}

func withHeaders(o compare.Options, names ...string) compare.Options {
	o.Headers = names
	return o
}

// allRules are one of each kind, for everything.
func allRules() []rule.Rule {
	return []rule.Rule{
		{Kind: rule.Unordered, Target: "$..*"},
		{Kind: rule.Unordered, Target: "$", By: "id"},
		{Kind: rule.Tolerance, Target: "$..*", Within: "1%"},
		{Kind: rule.Case, Target: "$..*"},
		{Kind: rule.Replace, Target: "$..*", Pattern: "[0-9]+", With: "n"},
		{Kind: rule.Ignore, Target: "$..a"},
		{Kind: rule.Replace, Target: "body", Pattern: "[0-9]+", With: "n"},
	}
}
