package rule_test

import (
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// only compiles one rule.
func only(t testing.TB, r rule.Rule) *rule.Compiled {
	t.Helper()
	r.Target, r.Reason = "$.a", "test"
	return compile(t, r).Rules()[0]
}

func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		within, legacy, fresh string
		want                  bool
	}{
		{"0.01", "1.00", "1.01", true},
		{"0.01", "1.00", "1.0100000000000000000001", false},
		{"0.01", "1.00", "0.99", true},
		{"0.01", "-1", "-1.01", true},
		{"1", "9007199254740993", "9007199254740992", true},
		{"0.5", "9007199254740993", "9007199254740992", false},
		{"1%", "100", "99", true},
		{"1%", "99", "100", true},
		{"1%", "100", "98.99", false},
		{"1%", "-100", "-99", true},
		{"1%", "0", "0.0", true},
		{"1%", "0", "0.0001", false},
		{"200%", "1", "-1", true},
		{"1e-3", "1e2", "100.001", true},
		{"1e400", "1e400", "0", true},
		{"1", "1e513", "1e513", false},
		{"1", "1E+999999999", "1", false},
		{"1", "1", "1e-999999999", false},
		{"1", strings.Repeat("1", 513), "1", false},
		{"1", "1", "null", false},
		{"1", "1/2", "1", false},
		{"1", "0x1", "1", false},
		{"1", "", "1", false},
		{"1", "1e", "1", false},
	} {
		if got := only(t, rule.Rule{Kind: rule.Tolerance, Within: tt.within}).Within(tt.legacy, tt.fresh); got != tt.want {
			t.Errorf("%s and %s within %s: %v", tt.legacy, tt.fresh, tt.within, got)
		}
	}
	if only(t, rule.Rule{Kind: rule.Ignore}).Within("1", "1") {
		t.Error("a rule without a tolerance has one")
	}
}

func TestWithinIsExactAndTheSameBothWays(t *testing.T) {
	number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?`)
	rapid.Check(t, func(t *rapid.T) {
		legacy, fresh := number.Draw(t, "legacy"), number.Draw(t, "new")
		within := rapid.SampledFrom([]string{"0.01", "1", "1000", "1e30"}).Draw(t, "within")
		c, faults := rule.Compile([]rule.Rule{{Kind: rule.Tolerance, Target: "$", Within: within, Reason: "test"}})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		exact := func(text string) *big.Rat {
			r, _ := new(big.Rat).SetString(text)
			return r
		}
		gap := new(big.Rat).Sub(exact(legacy), exact(fresh))
		want := gap.Abs(gap).Cmp(exact(within)) <= 0
		if there, back := c.Rules()[0].Within(legacy, fresh), c.Rules()[0].Within(fresh, legacy); there != want || back != want {
			t.Fatalf("%s and %s within %s: %v and %v, want %v", legacy, fresh, within, there, back, want)
		}
	})
}

func TestText(t *testing.T) {
	host := rule.Rule{Kind: rule.Replace, Pattern: `https://([a-z]+)\.[^/]+`, With: "$1:"}
	for _, tt := range []struct {
		rule          rule.Rule
		written, want string
	}{
		{host, "https://shop.example/a https://api.example/b", "shop:/a api:/b"},
		{host, "http://shop.example", "http://shop.example"},
		{rule.Rule{Kind: rule.Replace, Pattern: `\d+`}, "a1b22c", "abc"},
		{rule.Rule{Kind: rule.Ignore}, "As It Is", "As It Is"},
	} {
		if got := only(t, tt.rule).Text(tt.written); got != tt.want {
			t.Errorf("%s of %q is %q, want %q", tt.rule.Kind, tt.written, got, tt.want)
		}
	}
}

func TestCaseIsThatOfEqualFold(t *testing.T) {
	c := only(t, rule.Rule{Kind: rule.Case})
	letter := rapid.SampledFrom([]rune("aAbBkK\u212asSſσΣςßẞéÉiIıİ1 "))
	rapid.Check(t, func(t *rapid.T) {
		a, b := string(rapid.SliceOfN(letter, 0, 4).Draw(t, "a")), string(rapid.SliceOfN(letter, 0, 4).Draw(t, "b"))
		if got, want := c.Text(a) == c.Text(b), strings.EqualFold(a, b); got != want {
			t.Fatalf("%q and %q: %v, want %v", a, b, got, want)
		}
	})
}

func TestAReplacementCannotGrowATextWithoutBound(t *testing.T) {
	wide := only(t, rule.Rule{Kind: rule.Replace, Pattern: "a", With: strings.Repeat("b", 64)})
	huge := strings.Repeat("a", 1<<20)
	if got := wide.Text(huge); got != huge {
		t.Errorf("1 MiB became %d bytes", len(got))
	}
	few := strings.Repeat("-", 1<<20) + "aa"
	if got := len(wide.Text(few)); got != len(few)+2*63 {
		t.Errorf("a long text with two places became %d bytes", got)
	}
	if got := len(wide.Text("aaaa")); got != 256 {
		t.Errorf("a short text became %d bytes", got)
	}
	marked := only(t, rule.Rule{Kind: rule.Replace, Pattern: "(a)", With: "$1:"})
	if got := len(marked.Text(huge)); got != 2<<20 {
		t.Errorf("a text that is doubled became %d bytes", got)
	}
	doubled := only(t, rule.Rule{Kind: rule.Replace, Pattern: "(a+)", With: "$1$1$1$1"})
	if got := doubled.Text(huge); got != huge {
		t.Errorf("by its groups, 1 MiB became %d bytes", len(got))
	}
}
