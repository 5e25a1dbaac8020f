package rollout_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// drawPlan draws a plan that ends at 100 %.
func drawPlan(t *rapid.T) rollout.Plan {
	var plan rollout.Plan
	if rapid.Bool().Draw(t, "shadow") {
		plan.Steps = append(plan.Steps, rollout.Target{Stage: routing.StageShadow})
	}
	var weight routing.Weight
	for weight < routing.FullWeight-1 && rapid.Bool().Draw(t, "another step") {
		weight = routing.Weight(rapid.IntRange(int(weight)+1, int(routing.FullWeight)-1).Draw(t, "weight"))
		plan.Steps = append(plan.Steps, rollout.Target{Stage: routing.StageCanary, Weight: weight})
	}
	plan.Steps = append(plan.Steps, rollout.Target{Stage: routing.StageNew, Weight: routing.FullWeight})
	plan.Bake = time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "bake"))
	return plan
}

func TestWalkingAnyPlanEndsAtEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec := record(rollout.State{})
		rec.Facts.Plan = drawPlan(t)
		rec.Facts.Shadowable = rapid.Bool().Draw(t, "shadowable")
		if err := rec.Facts.Plan.Validate(); err != nil {
			t.Fatal(err)
		}
		for step := 1; ; step++ {
			out, err := rollout.Decide(rollout.Command{Verb: rollout.VerbPromote}, rec, now)
			if err != nil {
				t.Fatal(err)
			}
			if out.Step != step || !out.Changed {
				t.Fatalf("promotion %d led to step %d of %d, changed %t", step, out.Step, out.Steps, out.Changed)
			}
			rec.State = out.Next
			if step == out.Steps {
				break
			}
		}
		if rec.State.Stage != routing.StageNew || rec.State.Weight != routing.FullWeight {
			t.Fatalf("the plan ended at %s", show(rec.State))
		}
	})
}

// drawCommand draws any verb with any options.
func drawCommand(t *rapid.T) rollout.Command {
	cmd := rollout.Command{
		Verb: rapid.SampledFrom([]rollout.Verb{
			rollout.VerbPromote, rollout.VerbPause, rollout.VerbResume,
			rollout.VerbRollback, rollout.VerbRetire, rollout.VerbUndo,
		}).Draw(t, "verb"),
		StopShadow: rapid.Bool().Draw(t, "stop shadow"),
		Force:      rapid.Bool().Draw(t, "force"),
		Reason:     rapid.SampledFrom([]string{"", "because"}).Draw(t, "reason"),
	}
	if rapid.Bool().Draw(t, "with a target") {
		cmd.To = &rollout.Target{
			Stage:  routing.Stage(rapid.IntRange(0, 6).Draw(t, "stage")),
			Weight: routing.Weight(rapid.SampledFrom([]int{0, 1, 2500, 9999, 10000, 65535}).Draw(t, "weight")),
		}
	}
	return cmd
}

func TestNoSequenceOfVerbsBreaksTheRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rec := record(rollout.State{})
		rec.Facts = rollout.Facts{HasNew: rapid.Bool().Draw(t, "new"), Plan: drawPlan(t)}
		rec.Facts.Shadowable = rec.Facts.HasNew && rapid.Bool().Draw(t, "shadowable")
		at := now
		for range rapid.IntRange(1, 40).Draw(t, "length") {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(2*time.Hour)).Draw(t, "pause")))
			cmd := drawCommand(t)
			out, err := rollout.Decide(cmd, rec, at)
			if _, refused := errors.AsType[*rollout.Refusal](err); refused {
				checkRefused(t, cmd, rec.State)
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			checkStep(t, cmd, rec, out)
			if out.Changed {
				rec = after(t, rec, cmd, out.Next, at)
			}
		}
	})
}

// checkRefused holds that legacy can always be had back.
func checkRefused(t *rapid.T, cmd rollout.Command, s rollout.State) {
	if cmd.Verb == rollout.VerbRollback && s.Stage != routing.StageRetired {
		t.Fatalf("a roll-back of %s was refused", show(s))
	}
}

// checkStep holds the rules that every allowed step obeys.
func checkStep(t *rapid.T, cmd rollout.Command, rec rollout.Record, out rollout.Outcome) {
	before, next := rec.State, out.Next
	fits := map[routing.Stage]bool{
		routing.StageLegacy:  next.Weight == 0,
		routing.StageShadow:  next.Weight == 0 && rec.Facts.Shadowable,
		routing.StageCanary:  next.Weight > 0 && next.Weight < routing.FullWeight && rec.Facts.HasNew,
		routing.StageNew:     next.Weight == routing.FullWeight && rec.Facts.HasNew,
		routing.StageRetired: next.Weight == routing.FullWeight && rec.Facts.HasNew,
	}
	switch raised := next.Weight > before.Weight; {
	case !fits[next.Stage]:
		t.Fatalf("%s led to %s at %s", cmd.Verb, next.Stage, next.Weight)
	case raised && cmd.Verb != rollout.VerbPromote && cmd.Verb != rollout.VerbUndo:
		t.Fatalf("%s raised %s to %s", cmd.Verb, show(before), show(next))
	case raised && before.Hold.Kind == rollout.HoldPaused:
		t.Fatalf("%s raised a paused route from %s to %s", cmd.Verb, show(before), show(next))
	case cmd.Verb == rollout.VerbRollback && next.Weight != 0:
		t.Fatalf("a roll-back left %s", show(next))
	case next.Hold.Kind == rollout.HoldRolledBack && next.Weight != 0:
		t.Fatalf("rolled back, and yet at %s", next.Weight)
	case before.Stage == routing.StageRetired && out.Changed:
		t.Fatalf("a retired route went to %s", show(next))
	case (cmd.Verb == rollout.VerbPause || cmd.Verb == rollout.VerbResume) && next.Target() != before.Target():
		t.Fatalf("%s moved %s to %s", cmd.Verb, show(before), show(next))
	case cmd.Verb == rollout.VerbRollback && before.Stage == routing.StageLegacy && next.Stage != routing.StageLegacy:
		t.Fatalf("a roll-back began to shadow")
	}
	if !out.Changed && out.Note == "" {
		t.Fatalf("%s of %s found nothing to do and did not say so", cmd.Verb, show(before))
	}
}

// after is the record once a ledger has written the change; undoing at once
// must lead back, except from retirement.
func after(t *rapid.T, rec rollout.Record, cmd rollout.Command, next rollout.State, at time.Time) rollout.Record {
	before, err := json.Marshal(rec.State)
	if err != nil {
		t.Fatal(err)
	}
	was := rec.State
	rec.Last = &rollout.Event{Verb: cmd.Verb, Before: before, At: at}
	rec.State, rec.ChangedAt = next, at
	if next.Stage == routing.StageRetired {
		return rec
	}
	undone, err := rollout.Decide(rollout.Command{Verb: rollout.VerbUndo}, rec, at)
	if err != nil {
		t.Fatalf("undo of %s from %s: %v", cmd.Verb, show(next), err)
	}
	if show(undone.Next) != show(was) || undone.Next.Hold.Reason != was.Hold.Reason {
		t.Fatalf("undo of %s led to %s, not to %s", cmd.Verb, show(undone.Next), show(was))
	}
	return rec
}
