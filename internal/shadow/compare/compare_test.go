package compare_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// answer is a 200 with a body of a media type.
func answer(mediaType, body string) compare.Answer {
	return compare.Answer{Status: 200, Header: map[string][]string{"Content-Type": {mediaType}}, Body: []byte(body)}
}

// inJSON compares two JSON bodies.
func inJSON(legacy, fresh string, o compare.Options) compare.Result {
	o.Bodies = true
	return compare.Compare(answer("application/json", legacy), answer("application/json", fresh), o)
}

// told writes a result in one line per difference: "value $.a: 1 → 2".
func told(r compare.Result) []string {
	lines := []string{[...]string{"match", "mismatch", "skipped"}[r.Outcome]}
	if r.Reason != "" {
		lines[0] += " " + r.Reason
	}
	for _, d := range r.Differences {
		lines = append(lines, fmt.Sprintf("%s %s: %s → %s", d.Kind, d.Where, side(d.Legacy), side(d.New)))
	}
	if r.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", r.More))
	}
	return lines
}

func side(v compare.Value) string {
	switch v.Type {
	case "":
		return "nothing"
	case "null", "boolean", "number", "string", "array", "object", "status":
		return v.Text
	default:
		return v.Type + " (" + v.Text + ")"
	}
}

func expect(t *testing.T, r compare.Result, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, told(r)); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func TestJSON(t *testing.T) {
	for _, c := range []struct {
		name, legacy, fresh string
		want                []string
	}{
		{"white space and the order of keys mean nothing", `{"a":1,"b":[true,null]}`, "{ \"b\": [true , null],\n\"a\": 1 }", []string{"match"}},
		{"a value", `{"a":{"b":1}}`, `{"a":{"b":2}}`, []string{"mismatch", "value $.a.b: 1 → 2"}},
		{"a type", `{"a":1}`, `{"a":"1"}`, []string{"mismatch", `type $.a: 1 → "1"`}},
		{"null is a type of its own", `{"a":null}`, `{"a":false}`, []string{"mismatch", "type $.a: null → false"}},
		{"a boolean", `{"a":true}`, `{"a":false}`, []string{"mismatch", "value $.a: true → false"}},
		{"missing and extra", `{"a":1,"b":{"c":[ 1 ]}}`, `{"a":1,"d":2}`, []string{"mismatch", `missing $.b: {"c":[1]} → nothing`, "extra $.d: nothing → 2"}},
		{"null is not missing", `{"a":null}`, `{}`, []string{"mismatch", "missing $.a: null → nothing"}},
		{"numbers beyond a float", `[9007199254740993]`, `[9007199254740992]`, []string{"mismatch", "value $[0]: 9007199254740993 → 9007199254740992"}},
		{"spellings of a number", `[1.0,1e2,-0,0.10,1E+2,120e-1]`, `[1,100,0,1e-1,100.00,12]`, []string{"match"}},
		{"signs of a number", `[1]`, `[-1]`, []string{"mismatch", "value $[0]: 1 → -1"}},
		{"an exponent beyond everything", `[1e999999999]`, `[10e999999998]`, []string{"match"}},
		{"an exponent that is no 64 bits", `[1e99999999999999999999]`, `[1e99999999999999999998]`, []string{"mismatch", "value $[0]: 1e99999999999999999999 → 1e99999999999999999998"}},
		{"escapes", `{"\u0061":"\u00e9\n\/\ud83d\ude00"}`, `{"a":"é\u000a/😀"}`, []string{"match"}},
		{"half a pair", `["\ud800"]`, `["\ud801"]`, []string{"mismatch", `value $[0]: "\ud800" → "\ud801"`}},
		{"names that need quotes", `{"a b":{"it's":1}}`, `{"a b":{"it's":2}}`, []string{"mismatch", `value $['a b']['it\'s']: 1 → 2`}},
		{"a repeated key", `{"a":1,"b":0,"a":2}`, `{"b":0,"a":2}`, []string{"mismatch", "repeat $.a: [1,2] → [2]"}},
		{"a key that both sides repeat", `{"a":1,"a":2}`, `{"a":1, "a":2}`, []string{"match"}},
		{"the last of a repeated key counts", `{"a":1,"a":2}`, `{"a":3}`, []string{"mismatch", "repeat $.a: [1,2] → [3]", "value $.a: 2 → 3"}},
		{"scalars at the top", `1`, `2`, []string{"mismatch", "value $: 1 → 2"}},
		{"an element changed", `[1,2,3]`, `[1,5,3]`, []string{"mismatch", "value $[1]: 2 → 5"}},
		{"an element put in", `[1,2,3]`, `[1,9,2,3]`, []string{"mismatch", "extra $[1]: nothing → 9"}},
		{"an element left out", `[[1],[2],[3]]`, `[[1],[3]]`, []string{"mismatch", "missing $[1]: [2] → nothing"}},
		{"a window that moved", `[1,2,3,4,5]`, `[2,3,4,5,6]`, []string{"mismatch", "missing $[0]: 1 → nothing", "extra $[4]: nothing → 6"}},
		{"another order", `["a","b","c"]`, `["c","a","b"]`, []string{"mismatch", "order $: [0,1,2] → [2,0,1]"}},
		{"elements by id", `[{"id":1,"v":1},{"id":2,"v":2}]`, `[{"id":2,"v":3},{"id":1,"v":1}]`, []string{"mismatch", "order $: [0,1] → [1,0]", "value $[1].v: 2 → 3"}},
		{"an id that is gone", `[{"sku":"a"},{"sku":"b"},{"sku":"c"}]`, `[{"sku":"a"},{"sku":"c"},{"sku":"d"}]`, []string{"mismatch", `missing $[1]: {"sku":"b"} → nothing`, `extra $[2]: nothing → {"sku":"d"}`}},
		{"ids that have nothing in common are no ids", `[{"id":"x1"},{"id":"x2"}]`, `[{"id":"y1"},{"id":"y2"}]`, []string{"mismatch", `value $[0].id: "x1" → "y1"`, `value $[1].id: "x2" → "y2"`}},
		{"no JSON on one side", `{"a":1}`, `{"a":1,}`, []string{"mismatch", "media body: json (json, 7 bytes) → text (text that is no JSON from byte 8 on, 8 bytes)"}},
		{"no JSON on both sides", "{\na}", "{\nb}", []string{"mismatch", "text line 2: a} → b}"}},
		{"nothing on one side", ``, `{}`, []string{"mismatch", "extra body: nothing → json (json, 2 bytes)"}},
	} {
		t.Run(c.name, func(t *testing.T) { expect(t, inJSON(c.legacy, c.fresh, compare.Options{}), c.want...) })
	}
}

func TestPathsAreTheSameForWhatIsAlike(t *testing.T) {
	long := strings.Repeat("x", 65)
	for _, c := range []struct{ legacy, fresh, where, path string }{
		{`{"items":[{"price":1}]}`, `{"items":[{"price":2}]}`, "$.items[0].price", "$.items[*].price"},
		{`{"users":{"42":{"n":1}}}`, `{"users":{"42":{"n":2}}}`, "$.users['42'].n", "$.users.*.n"},
		{`{"users":{"ana@shop.example":1}}`, `{"users":{"ana@shop.example":2}}`, "$.users['ana@shop.example']", "$.users.*"},
		{`{"@id":1}`, `{"@id":2}`, "$['@id']", "$['@id']"},
		{`{"2026-11-23":1}`, `{"2026-11-23":2}`, "$['2026-11-23']", "$.*"},
		{`{"2026-11-23T10:00:00Z":1}`, `{"2026-11-23T10:00:00Z":2}`, "$['2026-11-23T10:00:00Z']", "$.*"},
		{`{"f47ac10b-58cc-4372-a567-0e02b2c3d479":1}`, `{"f47ac10b-58cc-4372-a567-0e02b2c3d479":2}`, "$['f47ac10b-58cc-4372-a567-0e02b2c3d479']", "$.*"},
		{`{"507f1f77bcf86cd799439011":1}`, `{"507f1f77bcf86cd799439011":2}`, "$['507f1f77bcf86cd799439011']", "$.*"},
		{`{"address2":1}`, `{"address2":2}`, "$.address2", "$.address2"},
		{`{"decade":1}`, `{"decade":2}`, "$.decade", "$.decade"},
		{`{"` + long + `":1}`, `{"` + long + `":2}`, "$." + long, "$.*"},
	} {
		r := inJSON(c.legacy, c.fresh, compare.Options{})
		if len(r.Differences) != 1 || r.Differences[0].Where != c.where || r.Differences[0].Path != c.path {
			t.Errorf("%s against %s: %+v, want %s and %s", c.legacy, c.fresh, r.Differences, c.where, c.path)
		}
	}
}

// Walkers are used again. What one comparison leaves behind is nothing to the
// next, and nothing to one on another processor.
func TestComparisonsSideBySide(t *testing.T) {
	o := ruled(t, rule.Rule{Kind: rule.Unordered, Target: "$.list"}, rule.Rule{Kind: rule.Tolerance, Target: "$.list[*].n", Within: "0.1"})
	one := func(n int) compare.Result {
		list := strings.Repeat(`{"\u006e":1.0,"m":"x"},`, n)
		return inJSON(`{"list":[`+list+`true,null]}`, `{"list":[null,`+strings.ReplaceAll(list, "1.0", "1.05")+`false]}`, o)
	}
	const sizes = 17
	for n := range sizes {
		expect(t, one(n), "mismatch", fmt.Sprintf("value $.list[%d]: true → false", n))
	}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 200 {
				n := i * (worker + 1) % sizes
				expect(t, one(n), "mismatch", fmt.Sprintf("value $.list[%d]: true → false", n))
			}
		})
	}
	group.Wait()
}
