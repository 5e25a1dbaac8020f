package rule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

func TestWhatIsNoRule(t *testing.T) {
	for _, tt := range []struct {
		rule  rule.Rule
		field string
		want  string
	}{
		{rule.Rule{Kind: "hide", Target: "$.a"}, "kind", `"hide" is no kind of rule; write ignore, unordered, tolerance, case or replace`},
		{rule.Rule{Kind: rule.Ignore, Target: "$.a["}, "target", `no place of an answer: "$.a[", character 5: a bracket takes [3], [*] or ['a name']; filters, slices and places counted from the end are not known`},
		{rule.Rule{Kind: rule.Unordered, Target: "header vary"}, "target", `header Vary has no unordered: it applies to JSON, so write a path like $.items`},
		{rule.Rule{Kind: rule.Tolerance, Target: "status", Within: "1"}, "target", `status has no tolerance: it applies to JSON, so write a path like $.items`},
		{rule.Rule{Kind: rule.Case, Target: "status"}, "target", `status is a number: it can be ignored, and nothing else`},
		{rule.Rule{Kind: rule.Ignore, Target: "$.a", By: "id"}, "by", `by ("id") belongs to unordered, and this rule is of the kind ignore`},
		{rule.Rule{Kind: rule.Ignore, Target: "$.a", With: "x"}, "with", `with ("x") belongs to replace, and this rule is of the kind ignore`},
		{rule.Rule{Kind: rule.Tolerance, Target: "$.a"}, "within", `a tolerance needs within: how much two numbers may differ, like 0.01 or 1%`},
		{rule.Rule{Kind: rule.Tolerance, Target: "$.a", Within: "a bit"}, "within", `within is "a bit": write a number like 0.01, or a share of the larger number like 1%`},
		{rule.Rule{Kind: rule.Tolerance, Target: "$.a", Within: "1/3"}, "within", `within is "1/3": write a number like 0.01, or a share of the larger number like 1%`},
		{rule.Rule{Kind: rule.Tolerance, Target: "$.a", Within: "1e999999999"}, "within", `within is "1e999999999": write a number like 0.01, or a share of the larger number like 1%`},
		{rule.Rule{Kind: rule.Tolerance, Target: "$.a", Within: "-1%"}, "within", `within is -1%: only more than 0 allows anything`},
		{rule.Rule{Kind: rule.Tolerance, Target: "$.a", Within: "0"}, "within", `within is 0: only more than 0 allows anything`},
		{rule.Rule{Kind: rule.Replace, Target: "$.a"}, "pattern", `replace needs pattern: a regular expression, like https://[^/]+`},
		{rule.Rule{Kind: rule.Replace, Target: "$.a", Pattern: "a(b"}, "pattern", `pattern "a(b" is no regular expression: missing closing ): "a(b"`},
		{rule.Rule{Kind: rule.Replace, Target: "$.a", Pattern: "[0-9]*"}, "pattern", `pattern "[0-9]*" finds the empty text, and so everything everywhere: write + for *, or what it has to contain at least`},
		{rule.Rule{Kind: rule.Replace, Target: "$.a", Pattern: strings.Repeat("a", 257)}, "pattern", `pattern has 257 bytes, and at most 256 are allowed`},
		{rule.Rule{Kind: rule.Replace, Target: "$.a", Pattern: "a", With: strings.Repeat("a", 65)}, "with", `with has 65 bytes, and at most 64 are allowed`},
		{rule.Rule{Kind: rule.Ignore, Target: "$.a", Reason: " "}, "reason", `a rule needs a reason: whoever finds it in a year wants to know why the difference is right`},
		{rule.Rule{Kind: rule.Ignore, Target: "$.a", Reason: strings.Repeat("a", 501)}, "reason", `reason has 501 bytes, and at most 500 are allowed`},
		{rule.Rule{Kind: rule.Ignore, Target: "$.a", Owner: "\xff"}, "owner", `owner is no UTF-8: "\xff"`},
	} {
		if tt.field != "reason" {
			tt.rule.Reason = "test"
		}
		set, faults := rule.Compile([]rule.Rule{tt.rule})
		if len(faults) != 1 || faults[0] != (rule.Fault{Index: 0, Field: tt.field, Message: tt.want}) {
			t.Errorf("%+v: got\n%+v\nwant\n%s: %s", tt.rule, faults, tt.field, tt.want)
		}
		if len(set.Rules()) > 0 {
			t.Errorf("%+v is in force", tt.rule)
		}
	}
}

func TestAFaultLeavesTheOtherRulesInForce(t *testing.T) {
	set, faults := rule.Compile(ignoring("$.a", "$.b[", "$['a']", "$.c"))
	const twice = "it does the same as rule 1: leave one of them out"
	if len(faults) != 2 || faults[0].Index != 1 || faults[1] != (rule.Fault{Index: 2, Message: twice}) {
		t.Errorf("%+v", faults)
	}
	if got := targets(set.Rules()); got != "$.a $.c" {
		t.Errorf("in force: %s", got)
	}
}

func TestRulesAreBounded(t *testing.T) {
	var many []string
	for i := range rule.MaxRules + 5 {
		many = append(many, fmt.Sprintf("$.a%d", i))
	}
	set, faults := rule.Compile(ignoring(many...))
	want := rule.Fault{Index: 200, Message: "these are 205 rules, and at most 200 are allowed for one route"}
	if len(faults) != 1 || faults[0] != want || len(set.Rules()) != 200 {
		t.Errorf("%d rules, %+v", len(set.Rules()), faults)
	}
}

func TestWhatHidesAll(t *testing.T) {
	for target, want := range map[string]bool{"$": true, "body": true, "$.*": true, "$..*": true, "$.a": false, "status": false, "header Vary": false, "$[": false, "$.*.*": false} {
		if got := (rule.Rule{Kind: rule.Ignore, Target: target}).HidesAll(); got != want {
			t.Errorf("ignore %s: %v", target, got)
		}
	}
	if (rule.Rule{Kind: rule.Case, Target: "body"}).HidesAll() {
		t.Error("a rule that does not ignore hides all")
	}
}
