package rollout_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
)

// said is what the gates of the route orders said.
func said(verdicts ...sequential.Verdict) map[string][]gate.Finding {
	names := []gate.Name{gate.NameBake, gate.NameErrors, gate.NameSlowness}
	findings := make([]gate.Finding, len(verdicts))
	for i, verdict := range verdicts {
		findings[i] = gate.Finding{Gate: names[i], Verdict: verdict, Text: "2% of 900 key-minutes", Missing: "needs 7m more"}
	}
	return map[string][]gate.Finding{"orders": findings}
}

// A failing gate stops everybody who does not force it, one that cannot say yet the
// autopilot alone.
func TestWhomGatesStop(t *testing.T) {
	const pass, fail, insufficient = sequential.Pass, sequential.Fail, sequential.Insufficient
	undo := func(r *rollout.Record) {
		r.Last = &rollout.Event{Verb: rollout.VerbRollback, Before: []byte(`{"stage":"canary","weight_bp":2500,"hold":{"kind":""}}`)}
	}
	earlier := state(t, "50%")
	for _, test := range []struct {
		name, from string
		with       func(*rollout.Record)
		cmd        rollout.Command
		want       string
	}{
		{"all pass", "5%", nil, rollout.Command{Findings: said(pass, pass)}, "25%"},
		{"nobody asked", "5%", nil, rollout.Command{}, "25%"},
		{"a person, insufficient", "5%", nil, rollout.Command{Findings: said(insufficient, pass)}, "25%"},
		{"a person, failing", "5%", nil, rollout.Command{Findings: said(pass, fail)}, "!gate_failed"},
		{"a person, failing and insufficient", "5%", nil, rollout.Command{Findings: said(insufficient, fail)}, "!gate_failed"},
		{"forced", "5%", nil, rollout.Command{Findings: said(pass, fail), Force: true, Reason: "the old side is worse"}, "25%"},
		{"forced without a reason", "5%", nil, rollout.Command{Findings: said(pass, fail), Force: true}, "!reason_required"},
		{"forced without need", "5%", nil, rollout.Command{Findings: said(pass, pass), Force: true}, "25%"},
		{"downwards", "25%", nil, rollout.Command{Findings: said(fail), To: to(t, "5%")}, "5%"},
		{"of another route", "5%", nil, rollout.Command{Findings: map[string][]gate.Finding{"cart": said(fail)["orders"]}}, "25%"},
		{"undo of a rollback", "shadow+r", undo, rollout.Command{Verb: rollout.VerbUndo, Findings: said(fail)}, "!gate_failed"},
		{"back to a revision, upwards", "5%", nil, rollout.Command{Verb: rollout.VerbRollback, ToRevision: 7, Earlier: &earlier, Findings: said(fail)}, "!gate_failed"},
		{"a rollback is never asked", "25%", nil, rollout.Command{Verb: rollout.VerbRollback, Findings: said(fail)}, "shadow+r"},

		{"the autopilot, all pass", "5%", nil, rollout.Command{Cause: rollout.CauseAutopilot, Findings: said(pass, pass)}, "25%"},
		{"the autopilot, insufficient", "5%", nil, rollout.Command{Cause: rollout.CauseAutopilot, Findings: said(insufficient, pass)}, "!gate_failed"},
		{"the autopilot, failing", "5%", nil, rollout.Command{Cause: rollout.CauseAutopilot, Findings: said(pass, fail)}, "!gate_failed"},
		{"the autopilot does not force", "5%", nil, rollout.Command{Cause: rollout.CauseAutopilot, Findings: said(insufficient), Force: true, Reason: "r"}, "!gate_failed"},
		{"the autopilot, nobody asked", "5%", nil, rollout.Command{Cause: rollout.CauseAutopilot}, "!gate_failed"},
		{"the autopilot after a rollback", "shadow+r", nil, rollout.Command{Cause: rollout.CauseAutopilot, Findings: said(pass)}, "!rolled_back"},
		{"the autopilot on a paused route", "5%+p", nil, rollout.Command{Cause: rollout.CauseAutopilot, Findings: said(pass)}, "!paused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			rec := record(state(t, test.from))
			if test.with != nil {
				test.with(&rec)
			}
			if test.cmd.Verb == "" {
				test.cmd.Verb = rollout.VerbPromote
			}
			if got := decide(t, test.cmd, rec); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestARefusalAtAGateNamesWhatFails(t *testing.T) {
	rolledBack := state(t, "shadow+r")
	rolledBack.Hold.Reason = "errors: 31% of 48 key-minutes"
	for _, test := range []struct {
		from   rollout.State
		failed gate.Finding
		want   string
	}{
		{
			state(t, "5%"),
			gate.Finding{Gate: gate.NameErrors, Text: "2% of 900 key-minutes"},
			"route orders stands at 5% and cannot go to 25%: its gates refuse it (errors: 2% of 900 key-minutes); nothing was changed; " +
				"wait, or run: stranglerctl promote orders --to 25% --force --reason WHY",
		},
		{
			rolledBack,
			gate.Finding{Gate: gate.NameParity, Text: "0% of 900 comparisons match"},
			"route orders stands at shadow, rolled back and cannot go to 1%: its gates refuse it (parity: 0% of 900 comparisons match); nothing was changed; " +
				"look where they differ: stranglerctl diff orders, or run: stranglerctl promote orders --to 1% --force --reason WHY",
		},
		{
			state(t, "5%"),
			gate.Finding{Gate: gate.NameWindow, Text: "closed", Missing: "opens Mon 9:00 UTC, in 3 d"},
			"route orders stands at 5% and cannot go to 25%: its gates refuse it (window: closed, opens Mon 9:00 UTC, in 3 d); nothing was changed; " +
				"wait, or run: stranglerctl promote orders --to 25% --force --reason WHY",
		},
		{
			state(t, "5%"),
			gate.Finding{Gate: gate.NameFreeze, Text: "frozen by ana"},
			"route orders stands at 5% and cannot go to 25%: its gates refuse it (freeze: frozen by ana); nothing was changed; " +
				"when changes may go on: stranglerctl unfreeze, or run: stranglerctl promote orders --to 25% --force --reason WHY",
		},
	} {
		test.failed.Verdict = sequential.Fail
		findings := []gate.Finding{said(sequential.Insufficient)["orders"][0], test.failed}
		_, err := rollout.Decide(rollout.Command{Verb: rollout.VerbPromote, Findings: map[string][]gate.Finding{"orders": findings}}, record(test.from), now)
		refusal, is := errors.AsType[*rollout.Refusal](err)
		if !is || len(refusal.Findings) != 2 {
			t.Fatalf("got %v", err)
		}
		if err.Error() != test.want {
			t.Errorf("got  %s\nwant %s", err, test.want)
		}
	}
}

// Legacy is not given up while it does new's work now and then.
func TestRetireWaitsForABakeTimeWithoutFallbacks(t *testing.T) {
	rec := record(state(t, "100%"))
	rec.StepAt = now.Add(-time.Hour)
	fellBack := func(ago time.Duration) map[string][]gate.Finding {
		return map[string][]gate.Finding{"orders": {{Gate: gate.NameFallbacks, Verdict: sequential.Pass, Last: now.Add(-ago)}}}
	}
	for _, test := range []struct {
		cmd  rollout.Command
		want string
	}{
		{rollout.Command{Findings: fellBack(10*time.Minute - time.Nanosecond)}, "!fell_back"},
		{rollout.Command{Findings: fellBack(10 * time.Minute)}, "retired"},
		{rollout.Command{Findings: fellBack(2 * time.Hour)}, "retired"},
		{rollout.Command{Findings: fellBack(time.Second), Force: true, Reason: "new has its own fallback"}, "retired"},
	} {
		test.cmd.Verb = rollout.VerbRetire
		if got := decide(t, test.cmd, rec); got != test.want {
			t.Errorf("%+v: got %s, want %s", test.cmd, got, test.want)
		}
	}
}

// asked answers for the gates.
type asked func(sel rollout.Selection) (map[string][]gate.Finding, error)

func (a asked) Findings(_ context.Context, sel rollout.Selection) (map[string][]gate.Finding, error) {
	return a(sel)
}

// What the gates said is part of the history.
func TestThePromotionKeepsWhatTheGatesSaid(t *testing.T) {
	c, kept := controller(t)
	findings := map[string][]gate.Finding{"cart": said(sequential.Insufficient, sequential.Fail)["orders"]}
	c.Gates = asked(func(rollout.Selection) (map[string][]gate.Finding, error) { return findings, nil })
	_, err := c.Do(t.Context(), "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "5%")}, nil)
	if refusal, is := errors.AsType[*rollout.Refusal](err); !is || refusal.Code != rollout.CodeGate {
		t.Fatalf("got %v, want it refused", err)
	}
	got := do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "5%"), Force: true, Reason: "a test"})
	if len(got.Findings) != 2 || show(got.After) != "5%" {
		t.Errorf("forced: %+v", got)
	}
	events, err := kept.Events(t.Context(), rollout.EventQuery{Kind: "route", Subject: "cart", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	var evidence struct {
		Forced   bool           `json:"forced"`
		Findings []gate.Finding `json:"findings"`
	}
	if err := json.Unmarshal(events[0].Evidence, &evidence); err != nil || !evidence.Forced || len(evidence.Findings) != 2 || evidence.Findings[1].Verdict != sequential.Fail {
		t.Errorf("the event keeps %s, %v", events[0].Evidence, err)
	}

	c.Gates = asked(func(rollout.Selection) (map[string][]gate.Finding, error) { return nil, errors.New("too slow") })
	got = do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "25%")})
	if show(got.After) != "25%" || !strings.Contains(got.Note, "could not be asked: too slow") {
		t.Errorf("where they cannot be asked: %+v", got)
	}
	c.Gates = asked(func(rollout.Selection) (map[string][]gate.Finding, error) { panic("a rollback waits for nothing") })
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbRollback})
}

// A command by evidence is for the step that the evidence is of.
func TestMoveLeavesARouteThatHasMoved(t *testing.T) {
	c, kept := controller(t)
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "5%")})
	stood := map[string]rollout.Standing{"cart": {Step: standing(t, kept, "cart")}, "orders-get": {Step: standing(t, kept, "orders-get")}}
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "25%")})
	before := head(t, kept)
	cmd := rollout.Command{Verb: rollout.VerbRollback, Cause: rollout.CauseAutopilot}
	if _, err := c.Move(t.Context(), stood, cmd); !isConflict(err) {
		t.Errorf("got %v, want a conflict", err)
	}
	if got := head(t, kept); got != before {
		t.Errorf("the revision is %d, and was %d", got, before)
	}
	stood["cart"] = rollout.Standing{Step: standing(t, kept, "cart"), Hold: rollout.HoldPaused}
	if _, err := c.Move(t.Context(), stood, cmd); !isConflict(err) {
		t.Errorf("with another hold: got %v, want a conflict", err)
	}
	stood["cart"] = rollout.Standing{Step: standing(t, kept, "cart")}
	results, err := c.Move(t.Context(), stood, cmd)
	if err != nil || len(results) != 2 || show(results[0].After) != "shadow+r" || results[0].Revision != before+1 {
		t.Errorf("got %+v, %v", results, err)
	}
}

func standing(t *testing.T, ledger rollout.Ledger, route string) (step routing.Revision) {
	t.Helper()
	_, err := ledger.Change(t.Context(), rollout.Selection{Routes: []string{route}}, func(rec rollout.Record) (rollout.Decision, error) {
		step = rec.StepRevision
		return rollout.Decision{Next: rec.State}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return step
}

func head(t *testing.T, history rollout.History) routing.Revision {
	t.Helper()
	events, err := history.Events(t.Context(), rollout.EventQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	return events[0].Revision
}

func isConflict(err error) bool {
	_, is := errors.AsType[*rollout.Conflict](err)
	return is
}
