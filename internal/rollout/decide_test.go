package rollout_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// matrix is every combination of a place, a hold and a verb without options.
// A place is legacy, shadow, a percentage or retired; +p is paused, +r rolled
// back; = is "nothing to do"; ! is a refusal with its code. The route can be
// shadowed, its plan is the default one, its bake time has passed, and it has
// no event to undo. Some states cannot be reached; they have an answer as well.
const matrix = `
state       promote   pause      resume   rollback   retire     undo
legacy      shadow    legacy+p   =        legacy+r   !not_new   !nothing_to_undo
legacy+p    !paused   =          legacy   legacy+r   !not_new   !nothing_to_undo
legacy+r    1%        =          legacy   =          !not_new   !nothing_to_undo
shadow      1%        shadow+p   =        shadow+r   !not_new   !nothing_to_undo
shadow+p    !paused   =          shadow   shadow+r   !not_new   !nothing_to_undo
shadow+r    1%        =          shadow   =          !not_new   !nothing_to_undo
25%         50%       25%+p      =        shadow+r   !not_new   !nothing_to_undo
25%+p       !paused   =          25%      shadow+r   !not_new   !nothing_to_undo
25%+r       50%       =          25%      shadow+r   !not_new   !nothing_to_undo
100%        =         100%+p     =        shadow+r   retired    !nothing_to_undo
100%+p      !paused   =          100%     shadow+r   !paused    !nothing_to_undo
100%+r      =         =          100%     shadow+r   retired    !nothing_to_undo
retired     !retired  !retired   !retired !retired   =          !undo_retire
retired+p   !retired  !retired   !retired !retired   =          !undo_retire
retired+r   !retired  !retired   !retired !retired   =          !undo_retire
`

var now = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

func TestEveryVerbInEveryState(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(matrix), "\n")
	verbs := strings.Fields(lines[0])[1:]
	if len(verbs) != 6 || len(lines) != 16 {
		t.Fatalf("the matrix has %d verbs and %d states", len(verbs), len(lines)-1)
	}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		for i, verb := range verbs {
			t.Run(cells[0]+" "+verb, func(t *testing.T) {
				rec := record(state(t, cells[0]))
				got := decide(t, rollout.Command{Verb: rollout.Verb(verb)}, rec)
				if got != cells[i+1] {
					t.Errorf("got %s, want %s", got, cells[i+1])
				}
			})
		}
	}
}

func TestOptionsAndFacts(t *testing.T) {
	writes := func(r *rollout.Record) { r.Facts.Shadowable = false }
	alone := func(r *rollout.Record) { r.Facts.HasNew, r.Facts.Shadowable = false, false }
	baking := func(r *rollout.Record) { r.StepAt = now.Add(-9 * time.Minute) }
	short := func(r *rollout.Record) { r.Facts.Plan = planOf(t, "shadow", "5%", "50%") }
	split := func(r *rollout.Record) { r.Facts.SplitWrites = true }
	undone := func(r *rollout.Record) {
		split(r)
		r.Last = &rollout.Event{Verb: rollout.VerbRollback, Before: []byte(`{"stage":"canary","weight_bp":500,"hold":{"kind":""}}`)}
	}
	back := func(text string) rollout.Command {
		cmd := rollout.Command{Verb: rollout.VerbRollback, ToRevision: 7}
		if text != "" {
			earlier := state(t, text)
			cmd.Earlier = &earlier
		}
		return cmd
	}
	dark := func(r *rollout.Record) { r.Facts.Plan = planOf(t, "shadow") }
	promote, rollback, retire := rollout.VerbPromote, rollout.VerbRollback, rollout.VerbRetire

	tests := []struct {
		name  string
		state string
		with  func(*rollout.Record)
		cmd   rollout.Command
		want  string
	}{
		{"to a percentage outside the plan", "5%", nil, rollout.Command{Verb: promote, To: to(t, "12.34%")}, "12.34%"},
		{"between two steps the next is the larger one", "10%", nil, rollout.Command{Verb: promote}, "25%"},
		{"to a lower percentage", "50%", nil, rollout.Command{Verb: promote, To: to(t, "5%")}, "5%"},
		{"back from new to canary", "100%", nil, rollout.Command{Verb: promote, To: to(t, "50%")}, "50%"},
		{"to legacy", "50%", nil, rollout.Command{Verb: promote, To: to(t, "legacy")}, "legacy"},
		{"to shadow", "50%", nil, rollout.Command{Verb: promote, To: to(t, "shadow")}, "shadow"},
		{"to everything at once", "legacy", nil, rollout.Command{Verb: promote, To: to(t, "new")}, "100%"},
		{"to where it stands", "25%", nil, rollout.Command{Verb: promote, To: to(t, "25%")}, "="},
		{"to where it stands clears a roll-back", "shadow+r", nil, rollout.Command{Verb: promote, To: to(t, "shadow")}, "shadow"},
		{"after a roll-back to what is told", "shadow+r", nil, rollout.Command{Verb: promote, To: to(t, "50%")}, "50%"},
		{"while paused also with a target", "25%+p", nil, rollout.Command{Verb: promote, To: to(t, "5%")}, "!paused"},
		{"to canary at nothing", "5%", nil, target(routing.StageCanary, 0), "!bad_target"},
		{"to canary at everything", "5%", nil, target(routing.StageCanary, 10000), "!bad_target"},
		{"to new at a part", "5%", nil, target(routing.StageNew, 9999), "!bad_target"},
		{"to legacy at a part", "5%", nil, target(routing.StageLegacy, 1), "!bad_target"},
		{"to retired", "100%", nil, target(routing.StageRetired, 10000), "!bad_target"},
		{"to shadow though it cannot be", "5%", writes, rollout.Command{Verb: promote, To: to(t, "shadow")}, "!bad_target"},
		{"writes skip the shadow step", "legacy", writes, rollout.Command{Verb: promote}, "1%"},
		{"a plan that ends early", "50%", short, rollout.Command{Verb: promote}, "="},
		{"a plan of shadow alone", "shadow+r", dark, rollout.Command{Verb: promote}, "="},
		{"nowhere to promote to", "legacy", alone, rollout.Command{Verb: promote}, "!no_new_side"},

		{"without shadow", "25%", nil, rollout.Command{Verb: rollback, StopShadow: true}, "legacy+r"},
		{"a second one may stop the shadow", "shadow+r", nil, rollout.Command{Verb: rollback, StopShadow: true}, "legacy+r"},
		{"a second one without shadow", "legacy+r", nil, rollout.Command{Verb: rollback, StopShadow: true}, "="},
		{"writes go to legacy", "25%", writes, rollout.Command{Verb: rollback}, "legacy+r"},
		{"a paused route", "100%+p", writes, rollout.Command{Verb: rollback}, "legacy+r"},
		{"nothing to roll back to", "legacy", alone, rollout.Command{Verb: rollback}, "="},
		{"the new side has vanished", "25%", alone, rollout.Command{Verb: rollback}, "legacy+r"},

		{"split writes are accepted by nobody", "shadow", split, rollout.Command{Verb: promote}, "!split_writes"},
		{"split writes are accepted", "shadow", split, rollout.Command{Verb: promote, AcceptSplitWrites: true}, "1%"},
		{"split writes at everything", "50%", split, rollout.Command{Verb: promote, To: to(t, "new")}, "!split_writes"},
		{"split writes become fewer", "50%", split, rollout.Command{Verb: promote, To: to(t, "5%")}, "5%"},
		{"nothing is written in shadow", "legacy", split, rollout.Command{Verb: promote}, "shadow"},
		{"split writes come back", "shadow+r", undone, rollout.Command{Verb: rollout.VerbUndo}, "!split_writes"},
		{"split writes are rolled back", "25%", split, rollout.Command{Verb: rollback}, "shadow+r"},

		{"to a smaller percentage", "25%", nil, back("5%"), "5%+r"},
		{"to a larger percentage", "5%", nil, back("25%+p"), "25%"},
		{"to a larger percentage after a roll-back", "shadow+r", nil, back("25%"), "25%"},
		{"to a larger percentage while paused", "5%+p", nil, back("25%"), "!paused"},
		{"to a smaller percentage while paused", "25%+p", nil, back("5%"), "5%+r"},
		{"to where it stands", "25%", nil, back("25%+p"), "="},
		{"to a shadow that cannot be", "25%", writes, back("shadow"), "legacy+r"},
		{"to split writes", "5%", split, back("25%"), "!split_writes"},
		{"to what new served, without a new side", "legacy", alone, back("25%"), "!no_new_side"},
		{"to before it was there", "25%", nil, back(""), "!no_such_revision"},
		{"to the retirement of a route of this name", "legacy", nil, back("retired"), "!bad_target"},
		{"to the retirement of a route of this name, from everything", "100%", baking, back("retired"), "!bad_target"},

		{"before the bake time", "100%", baking, rollout.Command{Verb: retire}, "!baking"},
		{"by force without a reason", "100%", baking, rollout.Command{Verb: retire, Force: true}, "!reason_required"},
		{"by force", "100%", baking, rollout.Command{Verb: retire, Force: true, Reason: "moved house"}, "retired"},
		{"by force from canary", "50%", nil, rollout.Command{Verb: retire, Force: true, Reason: "r"}, "!not_new"},
		{"by force while paused", "100%+p", nil, rollout.Command{Verb: retire, Force: true, Reason: "r"}, "!paused"},

		{"an unknown verb", "5%", nil, rollout.Command{Verb: "advance"}, "!unknown_verb"},
		{"a verb of the store", "5%", nil, rollout.Command{Verb: rollout.VerbApply}, "!unknown_verb"},
	}
	for _, test := range tests {
		t.Run(string(test.cmd.Verb)+" "+test.name, func(t *testing.T) {
			rec := record(state(t, test.state))
			if test.with != nil {
				test.with(&rec)
			}
			if got := decide(t, test.cmd, rec); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// Whatever the verb is called: what new has written stays behind when it serves less.
func TestServingLessWarnsOfWhatIsLeftBehind(t *testing.T) {
	fewer := rollout.Event{Verb: rollout.VerbPromote, Before: []byte(`{"stage":"canary","weight_bp":500,"hold":{"kind":""}}`)}
	more := rollout.Event{Verb: rollout.VerbPromote, Before: []byte(`{"stage":"canary","weight_bp":5000,"hold":{"kind":""}}`)}
	earlier := state(t, "5%")
	for _, test := range []struct {
		name string
		cmd  rollout.Command
		last *rollout.Event
		want bool
	}{
		{"rollback", rollout.Command{Verb: rollout.VerbRollback}, nil, true},
		{"rollback to a revision", rollout.Command{Verb: rollout.VerbRollback, ToRevision: 7, Earlier: &earlier}, nil, true},
		{"promote downwards", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "5%")}, nil, true},
		{"promote upwards", rollout.Command{Verb: rollout.VerbPromote, AcceptSplitWrites: true}, nil, false},
		{"undo downwards", rollout.Command{Verb: rollout.VerbUndo}, &fewer, true},
		{"undo upwards", rollout.Command{Verb: rollout.VerbUndo, AcceptSplitWrites: true}, &more, false},
	} {
		for _, split := range []bool{true, false} {
			rec := record(state(t, "25%"))
			rec.Facts.SplitWrites, rec.Last = split, test.last
			out, err := rollout.Decide(test.cmd, rec, now)
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			if got := strings.Contains(out.Note, "data: separate"); got != (test.want && split) {
				t.Errorf("%s, split writes %t: the note is %q", test.name, split, out.Note)
			}
		}
	}
}

func TestTheBakeTimeEndsExactly(t *testing.T) {
	rec := record(state(t, "100%"))
	rec.ChangedAt = now // neither an apply since then nor a pause starts it anew
	rec.Last = &rollout.Event{Verb: rollout.VerbPause, At: now}
	rec.StepAt = now.Add(-10 * time.Minute)
	if got := decide(t, rollout.Command{Verb: rollout.VerbRetire}, rec); got != "retired" {
		t.Errorf("after ten minutes: %s", got)
	}
	rec.StepAt = rec.StepAt.Add(time.Nanosecond)
	if got := decide(t, rollout.Command{Verb: rollout.VerbRetire}, rec); got != "!baking" {
		t.Errorf("a nanosecond before: %s", got)
	}
}

func TestUndo(t *testing.T) {
	writes := func(r *rollout.Record) { r.Facts.Shadowable = false }
	alone := func(r *rollout.Record) { r.Facts.HasNew = false }
	tests := []struct {
		name          string
		before, state string
		with          func(*rollout.Record)
		want          string
	}{
		{"a promotion", "5%", "25%", nil, "5%"},
		{"a lowering raises", "25%", "5%", nil, "25%"},
		{"a pause", "25%", "25%+p", nil, "25%"},
		{"a resume", "25%+p", "25%", nil, "25%+p"},
		{"a roll-back", "25%", "shadow+r", nil, "25%"},
		{"a roll-back of a paused route pauses again", "25%+p", "shadow+r", nil, "25%+p"},
		{"raising is refused while paused", "25%", "5%+p", nil, "!paused"},
		{"so is shadow", "shadow", "legacy+p", nil, "!paused"},
		{"lowering is not", "5%", "25%+p", nil, "5%"},
		{"what is so already", "5%", "5%", nil, "="},
		{"to shadow, which is no longer possible", "shadow", "5%", writes, "legacy"},
		{"to a new side that is gone", "25%", "legacy+r", alone, "!no_new_side"},
		{"a retirement", "100%", "retired", nil, "!undo_retire"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rec := record(state(t, test.state))
			before, err := json.Marshal(state(t, test.before))
			if err != nil {
				t.Fatal(err)
			}
			rec.Last = &rollout.Event{ID: 7, Verb: rollout.VerbPromote, Before: before, At: now}
			if test.with != nil {
				test.with(&rec)
			}
			if got := decide(t, rollout.Command{Verb: rollout.VerbUndo}, rec); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestUndoOfAnEventWithoutAState(t *testing.T) {
	rec := record(state(t, "5%"))
	rec.Last = &rollout.Event{ID: 7, Verb: rollout.VerbPromote, Before: json.RawMessage(`{"stage":"limbo"}`)}
	_, err := rollout.Decide(rollout.Command{Verb: rollout.VerbUndo}, rec, now)
	if err == nil || !strings.Contains(err.Error(), "event 7 (promote) holds no state to go back to; nothing was changed") {
		t.Errorf("got %v", err)
	}
}

func TestAHoldKeepsWhyItIsThere(t *testing.T) {
	rec := record(state(t, "25%"))
	evidence := json.RawMessage(`{"errors":"2%"}`)
	rolled, err := rollout.Decide(rollout.Command{Verb: rollout.VerbRollback, Reason: "5xx", Evidence: evidence}, rec, now)
	if err != nil {
		t.Fatal(err)
	}
	if h := rolled.Next.Hold; h.Reason != "5xx" || string(h.Evidence) != string(evidence) {
		t.Errorf("rolled back with %+v", h)
	}
	rec.State = rolled.Next
	again, err := rollout.Decide(rollout.Command{Verb: rollout.VerbRollback, Reason: "load", StopShadow: true}, rec, now)
	if err != nil {
		t.Fatal(err)
	}
	if h := again.Next.Hold; h.Reason != "5xx" || again.Next.Stage != routing.StageLegacy {
		t.Errorf("stopping the shadow left %+v", again.Next)
	}
}

func TestStepsAreCountedAlongThePlan(t *testing.T) {
	tests := []struct {
		state       string
		shadowable  bool
		to          string
		step, steps int
	}{
		{"legacy", true, "shadow", 1, 6},
		{"5%", true, "25%", 4, 6},
		{"5%", true, "30%", 0, 6},
		{"50%", true, "100%", 6, 6},
		{"5%", false, "25%", 3, 5},
		{"5%", true, "legacy", 0, 6},
	}
	for _, test := range tests {
		rec := record(state(t, test.state))
		rec.Facts.Shadowable = test.shadowable
		out, err := rollout.Decide(rollout.Command{Verb: rollout.VerbPromote, To: to(t, test.to)}, rec, now)
		if err != nil {
			t.Fatal(err)
		}
		if out.Step != test.step || out.Steps != test.steps {
			t.Errorf("%s to %s: step %d of %d, want %d of %d", test.state, test.to, out.Step, out.Steps, test.step, test.steps)
		}
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	paused := state(t, "25%")
	paused.Hold = rollout.Hold{Kind: rollout.HoldPaused, Reason: "load test"}
	baking := record(state(t, "100%"))
	baking.StepAt = now.Add(-4 * time.Minute)
	tests := []struct {
		rec  rollout.Record
		verb rollout.Verb
		want string
	}{
		{record(paused), rollout.VerbPromote, "route orders stands at 25%, paused (load test): promote is refused while a route is paused; nothing was changed; run: stranglerctl resume orders"},
		{record(state(t, "25%")), rollout.VerbRetire, "route orders stands at 25%: only a route that new serves completely can be retired; nothing was changed; run: stranglerctl promote orders"},
		{record(paused), rollout.VerbRetire, "route orders stands at 25%, paused (load test): only a route that new serves completely can be retired; nothing was changed; run: stranglerctl resume orders"},
		{baking, rollout.VerbRetire, "route orders has 6m left of its bake time (10m at 100%): legacy stays until then, for a rollback; nothing was changed; wait, or run: stranglerctl retire orders --force --reason WHY"},
		{record(state(t, "retired")), rollout.VerbRollback, "route orders is retired: it has no legacy side, and rollback cannot change that; nothing was changed; a route that needs a legacy side again is removed and defined anew"},
	}
	for _, test := range tests {
		_, err := rollout.Decide(rollout.Command{Verb: test.verb}, test.rec, now)
		var refusal *rollout.Refusal
		if !errors.As(err, &refusal) {
			t.Fatalf("%s: %v", test.verb, err)
		}
		if refusal.Error() != test.want {
			t.Errorf("got  %s\nwant %s", refusal, test.want)
		}
	}
}
