package rollout_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

func TestParseTarget(t *testing.T) {
	canary := func(w routing.Weight) rollout.Target { return rollout.Target{Stage: routing.StageCanary, Weight: w} }
	everything := rollout.Target{Stage: routing.StageNew, Weight: routing.FullWeight}
	tests := map[string]rollout.Target{
		"legacy": {}, "shadow": {Stage: routing.StageShadow}, "new": everything, "100%": everything, "100": everything,
		"25%": canary(2500), "25": canary(2500), "0.5%": canary(50), "99.99%": canary(9999), "0.01": canary(1),
	}
	for text, want := range tests {
		got, err := rollout.ParseTarget(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v", text, got, err)
		}
		if back, err := rollout.ParseTarget(got.String()); err != nil || back != want {
			t.Errorf("%s is written as %s, which is read as %+v, %v", text, got, back, err)
		}
	}
}

func TestTargetsThatAreRefused(t *testing.T) {
	tests := map[string]string{
		"0%":      `not a target: "0%": to take all traffic from new, use rollback`,
		"0.00":    `not a target: "0.00": to take all traffic from new, use rollback`,
		"canary":  `not a target: canary needs its percentage: write it instead, like 5%`,
		"retired": `not a target: a route is retired with the verb retire, never promoted there`,
	}
	for _, text := range []string{"150", "-5", "12.345", "", "%", "NEW", "25 %%", "1e1", "५%"} {
		tests[text] = ""
	}
	for text, want := range tests {
		_, err := rollout.ParseTarget(text)
		if !errors.Is(err, rollout.ErrTarget) {
			t.Errorf("%q: got %v", text, err)
		} else if want != "" && err.Error() != want {
			t.Errorf("%q: got %q, want %q", text, err, want)
		}
	}
}

func TestDefaultPlan(t *testing.T) {
	plan := rollout.DefaultPlan()
	if err := plan.Validate(); err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, step := range plan.Steps {
		steps = append(steps, step.String())
	}
	if want := []string{"shadow", "1%", "5%", "25%", "50%", "100%"}; !slices.Equal(steps, want) {
		t.Errorf("steps %v, want %v", steps, want)
	}
	if plan.Bake != 10*time.Minute {
		t.Errorf("bake time %s", plan.Bake)
	}
}

func TestPlansThatAreRefused(t *testing.T) {
	negative := planOf(t, "shadow", "100%")
	negative.Bake = -time.Second
	tests := []struct {
		plan rollout.Plan
		want string
	}{
		{rollout.Plan{}, "not a plan: it has no steps"},
		{planOf(t, "legacy", "100%"), "not a plan: step 1 (legacy) does not come after legacy: steps must ascend"},
		{planOf(t, "5%", "25%", "25%"), "not a plan: step 3 (25%) does not come after 25%: steps must ascend"},
		{planOf(t, "5%", "shadow"), "not a plan: step 2 (shadow) does not come after 5%: steps must ascend"},
		{planOf(t, "100%", "50%"), "not a plan: step 2 (50%) does not come after 100%: steps must ascend"},
		{negative, "not a plan: the bake time -1s is negative"},
	}
	for _, test := range tests {
		err := test.plan.Validate()
		if !errors.Is(err, rollout.ErrPlan) || err.Error() != test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestNear(t *testing.T) {
	known := []string{"orders-get", "orders-put", "orders", "cart", "catalogue"}
	tests := []struct {
		name string
		want []string
	}{
		{"order-get", []string{"orders-get", "orders-put"}},
		{"orders", []string{"orders"}},
		{"crat", []string{"cart"}},
		{"carts", []string{"cart"}},
		{"catalog", []string{"catalogue"}},
		{"nothing-like-it", nil},
		{"", nil},
	}
	for _, test := range tests {
		if got := rollout.Near(test.name, known); !slices.Equal(got, test.want) {
			t.Errorf("%q: got %q, want %q", test.name, got, test.want)
		}
	}
}
