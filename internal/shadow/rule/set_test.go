package rule_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// ignoring returns a rule for each target.
func ignoring(targets ...string) []rule.Rule {
	var rules []rule.Rule
	for _, target := range targets {
		rules = append(rules, rule.Rule{Kind: rule.Ignore, Target: target, Reason: "test"})
	}
	return rules
}

func compile(t testing.TB, rules ...rule.Rule) *rule.Set {
	t.Helper()
	set, faults := rule.Compile(rules)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return set
}

// targets names what rules aim at, in their order.
func targets(rules []*rule.Compiled) string {
	var list []string
	for _, c := range rules {
		list = append(list, c.Rule().Target)
	}
	return strings.Join(list, " ")
}

func TestRulesHoldExactlyWhereTheyAim(t *testing.T) {
	top := compile(t, ignoring("status", "body", "header Vary", "$.a", "$.items[*].price", "$.items[0].price", "$..id", "$['a b'].*", "$")...).At(now)
	items := top.JSON().Key("items")
	for _, tt := range []struct {
		name string
		at   rule.Cursors
		want string
	}{
		{"status", top.Status(), "status"},
		{"body", top.Body(), "body"},
		{"header Vary", top.Header("Vary"), "header Vary"},
		{"header Date", top.Header("Date"), ""},
		{"$", top.JSON(), "$"},
		{"$.a", top.JSON().Key("a"), "$.a"},
		{"$.b", top.JSON().Key("b"), ""},
		{"$.items", items, ""},
		{"$.items[0].price", items.Index(0).Key("price"), "$.items[*].price $.items[0].price"},
		{"$.items[7].price", items.Index(7).Key("price"), "$.items[*].price"},
		{"$.items.x.price", items.Key("x").Key("price"), "$.items[*].price"},
		{"$.items[*].price", items.Every().Key("price"), "$.items[*].price"},
		{"$.id", top.JSON().Key("id"), "$..id"},
		{"$.x[3].y.id", top.JSON().Key("x").Index(3).Key("y").Key("id"), "$..id"},
		{"$.id.id", top.JSON().Key("id").Key("id"), "$..id"},
		{"$['a b'].c", top.JSON().Key("a b").Key("c"), "$['a b'].*"},
		{"$['a b'].id", top.JSON().Key("a b").Key("id"), "$..id $['a b'].*"},
	} {
		if got := targets(tt.at.Here()); got != tt.want {
			t.Errorf("at %s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if at := top.Header("Date"); !at.Empty() {
		t.Error("a rule is to follow below header Date")
	}
	if top.JSON().Key("x").Empty() {
		t.Error("$..id holds below $.x, and its place is empty")
	}
}

// reaches is the plain definition of what a path stands for, to hold the walk to.
func reaches(steps []string, places []place) bool {
	if len(steps) == 0 {
		return len(places) == 0
	}
	if len(places) == 0 {
		return false
	}
	step, deep := strings.CutPrefix(steps[0], "..")
	if deep && reaches(steps, places[1:]) {
		return true
	}
	p := places[0]
	fits := step == "*" || p.array && step == fmt.Sprintf("[%d]", p.at) || !p.array && step == "."+p.name
	return fits && reaches(steps[1:], places[1:])
}

func TestAWalkFindsWhatAPathStandsFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rules []rule.Rule
		var paths [][]string
		for range rapid.IntRange(1, 6).Draw(t, "rules") {
			steps := rapid.SliceOfN(rapid.SampledFrom([]string{".a", ".b", "[0]", "[1]", "*", "...a", "...b", "..*", "..[0]"}), 0, 4).Draw(t, "steps")
			text := "$"
			for _, s := range steps {
				s = strings.Replace(s, "...", "..", 1)
				if s == "*" {
					s = "[*]"
				}
				text += s
			}
			rules, paths = append(rules, ignoring(text)...), append(paths, steps)
		}
		set, _ := rule.Compile(rules) // of two alike the second is left out
		at := set.At(now).JSON()
		var places []place
		for range rapid.IntRange(0, 6).Draw(t, "depth") {
			p := place{array: rapid.Bool().Draw(t, "array"), at: rapid.IntRange(0, 2).Draw(t, "at"), name: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name")}
			if places = append(places, p); p.array {
				at = at.Index(p.at)
			} else {
				at = at.Key(p.name)
			}
		}
		var want []string
		for i, steps := range paths {
			if id := rules[i].ID(); reaches(steps, places) && !slices.Contains(want, id) {
				want = append(want, id)
			}
		}
		var got []string
		for _, c := range at.Here() {
			got = append(got, c.ID())
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v at %+v: %v, want %v", rules, places, got, want)
		}
		if len(want) > 0 && at.Empty() {
			t.Fatal("there are rules at an empty place")
		}
	})
}

func TestRulesWorkInOneOrder(t *testing.T) {
	set := compile(
		t,
		rule.Rule{Kind: rule.Unordered, Target: "$.a", Reason: "r"},
		rule.Rule{Kind: rule.Case, Target: "$.a", Reason: "r"},
		rule.Rule{Kind: rule.Replace, Target: "$..a", Pattern: "y", Reason: "r"},
		rule.Rule{Kind: rule.Replace, Target: "$.a", Pattern: "x", Reason: "r"},
		rule.Rule{Kind: rule.Tolerance, Target: "$[*]", Within: "1", Reason: "r"},
		rule.Rule{Kind: rule.Ignore, Target: "$.a", Reason: "r"},
	)
	var got []string
	for _, c := range set.At(now).JSON().Key("a").Here() {
		got = append(got, string(c.Kind())+c.Rule().Pattern)
	}
	if want := []string{"ignore", "replacey", "replacex", "case", "tolerance", "unordered"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestAnExpiredRuleDoesNothing(t *testing.T) {
	rules := ignoring("$.a", "$.b", "$.c")
	rules[0].Expires, rules[1].Expires = now, now.Add(time.Hour)
	set := compile(t, rules...)
	at := func(moment time.Time) string {
		top := set.At(moment).JSON()
		return targets(top.Key("a").Here()) + targets(top.Key("b").Here()) + targets(top.Key("c").Here())
	}
	for _, tt := range []struct {
		moment time.Time
		want   string
	}{
		{now.Add(-1), "$.a$.b$.c"},
		{now, "$.b$.c"},
		{now.Add(time.Hour - 1), "$.b$.c"},
		{now.Add(time.Hour), "$.c"},
		{now.Add(-time.Hour), "$.a$.b$.c"}, // a clock that is set back
		{now.Add(time.Minute), "$.b$.c"},
	} {
		if got := at(tt.moment); got != tt.want {
			t.Errorf("at %s: %s, want %s", tt.moment, got, tt.want)
		}
	}
	if before, after := set.Digest(now.Add(-1)), set.Digest(now); before == after {
		t.Error("an expiry leaves the digest as it was")
	}
	if got := len(set.Rules()); got != 3 {
		t.Errorf("%d rules", got)
	}
}

func TestADigestSaysWhatRulesDo(t *testing.T) {
	one := rule.Rule{Kind: rule.Ignore, Target: "$.a", Reason: "clock"}
	same := rule.Rule{Kind: rule.Ignore, Target: "$['a']", Reason: "another", Owner: "ana", Expires: now.Add(time.Hour)}
	other := rule.Rule{Kind: rule.Ignore, Target: "$.b", Reason: "clock"}
	first := rule.Rule{Kind: rule.Replace, Target: "$.a", Pattern: "x", With: "y", Reason: "r"}
	second := rule.Rule{Kind: rule.Replace, Target: "$.a", Pattern: "y", With: "x", Reason: "r"}
	digest := func(rules ...rule.Rule) string { return compile(t, rules...).Digest(now) }
	if digest(one, other) != digest(other, same) {
		t.Error("owner, reason, spelling or order count")
	}
	if digest(one) == digest(other) || digest(one) == digest() || digest(first, second) == digest(second, first) {
		t.Error("what rules do does not count")
	}
	if (*rule.Set)(nil).Digest(now) != digest() || len(digest()) != 12 {
		t.Errorf("no rules: %s", digest())
	}
}

func TestIDs(t *testing.T) {
	one := rule.Rule{Kind: rule.Tolerance, Target: "$['total']", Within: "1%", Reason: "rounding"}
	if got, want := one.ID(), "29658e44"; got != want {
		t.Errorf("%s, want %s: ids are in stores, in scripts and in evidence", got, want)
	}
	alike := rule.Rule{Kind: rule.Tolerance, Target: "$.total", Within: "1.00%", Owner: "ana"}
	if alike.ID() != one.ID() {
		t.Error("another spelling has another id")
	}
	for _, other := range []rule.Rule{
		{Kind: rule.Tolerance, Target: "$.total", Within: "0.01"},
		{Kind: rule.Tolerance, Target: "$.tota", Within: "1%"},
		{Kind: rule.Ignore, Target: "$.total"},
	} {
		if other.ID() == one.ID() {
			t.Errorf("%+v has the same id", other)
		}
	}
	if a, b := (rule.Rule{Kind: rule.Replace, Target: "$", Pattern: "a", With: "b"}), (rule.Rule{Kind: rule.Replace, Target: "$", Pattern: "ab"}); a.ID() == b.ID() {
		t.Error("pattern and with run into each other")
	}
}

func TestCovers(t *testing.T) {
	rules := append(
		ignoring("$.items[*].price", "$.items[3].price", "$.meta", "$..id", "header Vary", "status", "body"),
		rule.Rule{Kind: rule.Unordered, Target: "$.items", By: "sku", Reason: "r"},
		rule.Rule{Kind: rule.Case, Target: "$.items", Reason: "r"},
		rule.Rule{Kind: rule.Case, Target: "body", Reason: "r"},
	)
	rules[4].Expires = now.Add(time.Minute)
	set := compile(t, rules...)
	for path, want := range map[string]string{
		"$.items[*].price":     "body $.items $.items[*].price",
		"$.items[3].price":     "body $.items $.items[*].price $.items[3].price",
		"$.items":              "body $.items $.items",
		"$.meta.etag[*]":       "body $.meta",
		"$.meta.id":            "body $.meta $..id",
		"$.x":                  "body",
		"header Vary":          "header Vary",
		"header Date":          "",
		"status":               "status",
		"line":                 "body body",
		"line 14":              "body body",
		"body":                 "body body",
		"what is not a path":   "",
		"$.unit[*]['a b'].id":  "body $..id",
		"$.items[*].price.net": "body $.items $.items[*].price",
	} {
		if got := targets(set.Covers(path, now)); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := set.Covers("header Vary", now.Add(time.Minute)); len(got) > 0 {
		t.Errorf("an expired rule covers: %s", targets(got))
	}
}

func TestTheEmptySet(t *testing.T) {
	var none *rule.Set
	empty, faults := rule.Compile(nil)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, set := range []*rule.Set{none, empty} {
		if top := set.At(now); !top.Empty() || !top.JSON().Key("a").Empty() || len(top.Status().Here()) > 0 || len(set.Covers("status", now)) > 0 || len(set.Rules()) > 0 {
			t.Error("there is something in an empty set")
		}
	}
}

func TestManyWalkOneSetAtOnce(t *testing.T) {
	rules := ignoring("$.a", "$..b")
	rules[0].Expires = now
	set := compile(t, rules...)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 200 {
				moment := now.Add(time.Duration((n+i)%2) - 1)
				got := len(set.At(moment).JSON().Key("a").Here())
				if want := (n + i + 1) % 2; got != want {
					t.Errorf("%d rules at %s, want %d", got, moment, want)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestAWalkAllocatesNothing(t *testing.T) {
	far := compile(t, ignoring("$.elsewhere.a", "$..b", "$.items[*].b", "header Vary")...)
	for name, set := range map[string]*rule.Set{"no rules": nil, "rules": far} {
		if n := testing.AllocsPerRun(100, func() {
			top := set.At(now)
			for i := range 4 {
				_ = top.JSON().Key("items").Index(i).Key("a").Here()
			}
			_ = top.Header("Vary").Here()
		}); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkWalk(b *testing.B) {
	deep := compile(b, ignoring("$..b")...)
	for name, set := range map[string]*rule.Set{"no rules": nil, "one anywhere": deep} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				at := set.At(now).JSON()
				for range 10 {
					at = at.Key("items").Index(3)
					_ = at.Here()
				}
			}
		})
	}
}
