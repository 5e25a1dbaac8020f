package rollout_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// tester is what *testing.T and *rapid.T have in common here.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// record is a route that can do everything, long after its last change.
func record(s rollout.State) rollout.Record {
	return rollout.Record{
		Route:     "orders",
		State:     s,
		Facts:     rollout.Facts{HasNew: true, Shadowable: true, Plan: rollout.DefaultPlan()},
		ChangedAt: now.Add(-time.Hour),
	}
}

// state reads "25%+p" and the like; show writes it.
func state(t tester, text string) rollout.State {
	t.Helper()
	place, hold, _ := strings.Cut(text, "+")
	var s rollout.State
	if place == "retired" {
		s = rollout.State{Stage: routing.StageRetired, Weight: routing.FullWeight}
	} else {
		target := to(t, place)
		s = rollout.State{Stage: target.Stage, Weight: target.Weight}
	}
	switch hold {
	case "p":
		s.Hold.Kind = rollout.HoldPaused
	case "r":
		s.Hold.Kind = rollout.HoldRolledBack
	case "":
	default:
		t.Fatalf("no hold %q", hold)
	}
	return s
}

func show(s rollout.State) string {
	text := s.Target().String()
	if s.Stage == routing.StageRetired {
		text = "retired"
	}
	switch s.Hold.Kind {
	case rollout.HoldPaused:
		text += "+p"
	case rollout.HoldRolledBack:
		text += "+r"
	}
	return text
}

// decide runs one command and writes its outcome as the matrix does.
func decide(t *testing.T, cmd rollout.Command, rec rollout.Record) string {
	t.Helper()
	out, err := rollout.Decide(cmd, rec, now)
	var refusal *rollout.Refusal
	switch {
	case errors.As(err, &refusal):
		if !strings.HasPrefix(refusal.Message, "route orders ") || refusal.Hint == "" {
			t.Errorf("the refusal %q with the hint %q does not name its route and a way out", refusal.Message, refusal.Hint)
		}
		return "!" + refusal.Code
	case err != nil:
		t.Fatal(err)
	case !out.Changed:
		if out.Note == "" || show(out.Next) != show(rec.State) {
			t.Errorf("nothing was done, with the note %q and the next state %s", out.Note, show(out.Next))
		}
		return "="
	}
	return show(out.Next)
}

func to(t tester, text string) *rollout.Target {
	t.Helper()
	target, err := rollout.ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	return &target
}

// target is a promotion to what ParseTarget would refuse.
func target(stage routing.Stage, weight routing.Weight) rollout.Command {
	return rollout.Command{Verb: rollout.VerbPromote, To: &rollout.Target{Stage: stage, Weight: weight}}
}

func planOf(t tester, steps ...string) rollout.Plan {
	t.Helper()
	plan := rollout.Plan{Bake: rollout.DefaultBake}
	for _, step := range steps {
		plan.Steps = append(plan.Steps, *to(t, step))
	}
	return plan
}
