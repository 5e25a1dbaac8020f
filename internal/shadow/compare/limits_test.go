package compare_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// The steps of a comparison grow with the size of the bodies, however they are
// made: 8 times the size takes at most little more than 8 times the steps.
func TestNothingIsQuadratic(t *testing.T) {
	times := func(n int, one func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = one(i)
		}
		return strings.Join(parts, ",")
	}
	number := func(add int) func(int) string { return func(i int) string { return fmt.Sprint(i + add) } }
	deep := func(n int, leaf string) string { return strings.Repeat(`[0,`, n) + leaf + strings.Repeat(`]`, n) }
	for name, bodies := range map[string]func(n int) (legacy, fresh string, o compare.Options){
		"shifted by one": func(n int) (string, string, compare.Options) {
			return "[" + times(n, number(0)) + "]", "[" + times(n, number(1)) + "]", compare.Options{}
		},
		"all different": func(n int) (string, string, compare.Options) {
			return "[" + times(n, number(0)) + "]", "[" + times(n+1, number(n)) + "]", compare.Options{}
		},
		"all alike but one": func(n int) (string, string, compare.Options) {
			return "[1," + times(n, func(int) string { return "0" }) + "]", "[" + times(n, func(int) string { return "0" }) + ",1]", compare.Options{}
		},
		"backwards": func(n int) (string, string, compare.Options) {
			return "[" + times(n, number(0)) + "]", "[" + times(n, func(i int) string { return fmt.Sprint(n - i) }) + "]", compare.Options{}
		},
		"ids backwards": func(n int) (string, string, compare.Options) {
			return "[" + times(n, func(i int) string { return fmt.Sprintf(`{"id":%d}`, i) }) + "]",
				"[" + times(n, func(i int) string { return fmt.Sprintf(`{"id":%d,"a":1}`, n-i) }) + "]", compare.Options{}
		},
		"a wide object": func(n int) (string, string, compare.Options) {
			return "{" + times(n, func(i int) string { return fmt.Sprintf(`"k%d":%d`, i, i) }) + "}",
				"{" + times(n, func(i int) string { return fmt.Sprintf(`"k%d":%d`, n-i, i) }) + "}", compare.Options{}
		},
		"one key again and again": func(n int) (string, string, compare.Options) {
			return "{" + times(n, func(i int) string { return fmt.Sprintf(`"k":%d`, i) }) + "}",
				"{" + times(n+1, func(i int) string { return fmt.Sprintf(`"k":%d`, i+1) }) + "}", compare.Options{}
		},
		"a multiset": func(n int) (string, string, compare.Options) {
			return "[" + times(n, number(0)) + "]", "[" + times(n, func(i int) string { return fmt.Sprint(n - i) }) + "]",
				ruled(t, rule.Rule{Kind: rule.Unordered, Target: "$"})
		},
		"arrays in arrays": func(n int) (string, string, compare.Options) {
			return deep(400, "["+times(n, number(0))+"]"), deep(400, "["+times(n, number(1))+"]"), compare.Options{}
		},
		"arrays in arrays with rules": func(n int) (string, string, compare.Options) {
			return deep(400, "["+times(n, number(0))+"]"), deep(400, "["+times(n, number(1))+"]"),
				ruled(t, rule.Rule{Kind: rule.Ignore, Target: "$..gone"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			steps := stepsOf(bodies(500))
			legacy, fresh, o := bodies(8 * 500)
			o.Limits.Steps = 9 * steps
			if r := inJSON(legacy, fresh, o); r.Outcome == compare.Skipped {
				t.Errorf("8 times the size takes more than 9 times the %d steps", steps)
			}
		})
	}
}

// stepsOf is the least budget with which two bodies can be compared.
func stepsOf(legacy, fresh string, o compare.Options) int {
	low, high := 0, 1<<20
	for high-low > 1 {
		o.Limits.Steps = (low + high) / 2
		if inJSON(legacy, fresh, o).Outcome == compare.Skipped {
			low = o.Limits.Steps
		} else {
			high = o.Limits.Steps
		}
	}
	return high
}

func TestOverBudgetIsNeverAMatch(t *testing.T) {
	body := "[" + strings.Repeat(`{"a":[1,2,3]},`, 100) + "0]"
	equal := strings.ReplaceAll(body, ",", " ,")
	lines := strings.Repeat("a\nb\n", 1000)
	for name, c := range map[string]struct {
		legacy, fresh string
		limits        compare.Limits
	}{
		"nodes":                 {body, equal, compare.Limits{Nodes: 600}},
		"depth":                 {body, equal, compare.Limits{Depth: 2}},
		"steps":                 {body, equal, compare.Limits{Steps: 200}},
		"steps, and it differs": {"[1," + body[1:], equal, compare.Limits{Steps: 200}},
		"size":                  {body, equal, compare.Limits{Decoded: int64(len(body)) - 1}},
		"lines":                 {"x\n" + lines, lines + "y\n", compare.Limits{Steps: 2000}},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, inJSON(c.legacy, c.fresh, compare.Options{Limits: c.limits}), "skipped over_budget")
		})
	}
	expect(t, inJSON(body, equal, compare.Options{Limits: compare.Limits{Nodes: 1100, Depth: 3, Steps: 20_000, Decoded: int64(len(equal))}}), "match")
}

func TestDifferencesBeyondTheLimitAreCounted(t *testing.T) {
	legacy, fresh := make([]string, 300), make([]string, 300)
	for i := range legacy {
		legacy[i], fresh[i] = fmt.Sprintf(`"k%03d":1`, i), fmt.Sprintf(`"k%03d":2`, i)
	}
	r := inJSON("{"+strings.Join(legacy, ",")+"}", "{"+strings.Join(fresh, ",")+"}", compare.Options{})
	if len(r.Differences) != 200 || r.More != 100 || r.Differences[0].Where != "$.k000" {
		t.Errorf("%d differences and %d more, want 200 and 100, the first ones first", len(r.Differences), r.More)
	}
}

func TestTextsAreShownInABoundedWay(t *testing.T) {
	for _, character := range []string{"a", "é", "€", "😀", "\xff", "\x00"} {
		long := strings.Repeat(character, 5000)
		r := compare.Compare(answer("text/plain", long), answer("text/plain", "b"), compare.Options{Bodies: true})
		text := r.Differences[0].Legacy.Text
		if len(text) > compare.MaxText || len(text) < compare.MaxText-12 && character != "\xff" || !utf8.ValidString(text) || !strings.HasSuffix(text, "…") || strings.Contains(text, "\x00") {
			t.Errorf("%q: %d bytes that end in %q", character, len(text), text[max(0, len(text)-8):])
		}
	}
}

func TestLongLinesAreShownWhereTheyDiffer(t *testing.T) {
	same := strings.Repeat("a", 10_000)
	r := compare.Compare(answer("text/html", same+"bc"), answer("text/html", same+"xc"), compare.Options{Bodies: true})
	expect(t, r, "mismatch", "text line 1: …"+same[:64]+"bc → …"+same[:64]+"xc")
}

// Memory is taken for what differs, and next to none for what is equal.
func TestComparingTakesLittleMemory(t *testing.T) {
	for _, c := range []struct {
		name, legacy, fresh string
		outcome             compare.Outcome
		most                uint64 // bytes
	}{
		{"10 KB that are equal", orders(0, 100, false), orders(0, 100, true), compare.Match, 60_000},
		{"10 KB that are equal, without ids", withoutIDs(orders(0, 100, false)), withoutIDs(orders(0, 100, true)), compare.Match, 60_000},
		{"1 MB, shifted by one", withoutIDs(orders(0, 5000, false)), withoutIDs(orders(1, 5001, true)), compare.Mismatch, 64 << 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			const times = 5
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range times {
				if r := inJSON(c.legacy, c.fresh, compare.Options{}); r.Outcome != c.outcome {
					t.Fatalf("result: %v", told(r))
				}
			}
			runtime.ReadMemStats(&after)
			if each := (after.TotalAlloc - before.TotalAlloc) / times; each > c.most {
				t.Errorf("%d bytes each time, want at most %d", each, c.most)
			}
		})
	}
}
