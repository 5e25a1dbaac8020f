package rollout_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

func promoteGroup(t *testing.T, c *rollout.Controller, group string, cmd rollout.Command) (map[string]string, []rollout.Result, error) {
	t.Helper()
	cmd.Actor, cmd.Cause = "ana", rollout.CauseOperator
	results, err := c.PromoteGroup(t.Context(), group, cmd)
	states := make(map[string]string)
	for _, r := range results {
		states[r.Route] = show(r.After)
	}
	return states, results, err
}

func TestAGroupIsPromotedInOneRevision(t *testing.T) {
	c, kept := controller(t)
	before := history(t, kept)
	states, results, err := promoteGroup(t, c, "tills", rollout.Command{To: to(t, "25%"), AcceptSplitWrites: true})
	if err != nil || len(states) != 2 || states["till-get"] != "25%" || states["till-put"] != "25%" {
		t.Fatalf("%v, %v; want both routes with a new side at 25%%", states, err)
	}
	for _, r := range results {
		if r.Revision != results[0].Previous+1 {
			t.Errorf("%s at revision %d, want one for all", r.Route, r.Revision)
		}
	}
	if after := history(t, kept); after != before+2 {
		t.Errorf("%d events became %d, want one for each route", before, after)
	}
	events, err := kept.Events(t.Context(), rollout.EventQuery{Kind: "route", Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events { // only one of the two takes writes
		want := map[string]string{"till-get": "", "till-put": `{"accepted":"split_writes"}`}[e.Subject]
		if e.Verb != rollout.VerbPromote || string(e.Evidence) != want {
			t.Errorf("%s %s with the evidence %s, want %s", e.Verb, e.Subject, e.Evidence, want)
		}
	}
}

func TestWhatRefusesOneRouteOfAGroupRefusesAll(t *testing.T) {
	c, kept := controller(t)
	do(t, c, "till-get", rollout.Command{Verb: rollout.VerbPause})
	before := history(t, kept)
	tests := map[string]struct{ code, message string }{
		"25%": {rollout.CodeSeveral, "route till-get stands at legacy, paused: promote is refused while a route is paused; " +
			"route till-put takes writes, and each side keeps its data apart (data: separate): at 25% what new writes legacy does not have, and a rollback leaves it behind"},
	}
	for target, want := range tests {
		_, _, err := promoteGroup(t, c, "tills", rollout.Command{To: to(t, target)})
		var refusal *rollout.Refusal
		if !errors.As(err, &refusal) || refusal.Code != want.code || refusal.Message != want.message {
			t.Errorf("to %s: %v", target, err)
		}
	}
	_, _, err := promoteGroup(t, c, "tills", rollout.Command{To: to(t, "25%"), AcceptSplitWrites: true})
	var refusal *rollout.Refusal
	if !errors.As(err, &refusal) || refusal.Code != rollout.CodePaused {
		t.Errorf("with one that refuses: %v, want its own code", err)
	}
	if after := history(t, kept); after != before {
		t.Errorf("%d events became %d", before, after)
	}
}

// Who forces one route of a group alone tears it apart.
func TestARefusalAtTheGatesOfAGroupSaysHowToForceAllOfIt(t *testing.T) {
	c, _ := controller(t)
	c.Gates = asked(func(rollout.Selection) (map[string][]gate.Finding, error) {
		return map[string][]gate.Finding{"till-get": said(sequential.Fail)["orders"]}, nil
	})
	for _, test := range []struct {
		cmd  rollout.Command
		hint string
	}{
		{rollout.Command{AcceptSplitWrites: true}, "see: stranglerctl gate ls, or run: stranglerctl promote --group tills --force --reason WHY"},
		{rollout.Command{AcceptSplitWrites: true, To: to(t, "5%")}, "see: stranglerctl gate ls, or run: stranglerctl promote --group tills --to 5% --force --reason WHY"},
	} {
		_, _, err := promoteGroup(t, c, "tills", test.cmd)
		if refusal, is := errors.AsType[*rollout.Refusal](err); !is || refusal.Code != rollout.CodeGate || refusal.Hint != test.hint {
			t.Errorf("got %v, want the hint %q", err, test.hint)
		}
	}
}

func TestAGroupPromotesWhatCanBe(t *testing.T) {
	c, kept := controller(t)
	do(t, c, "till-get", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "new")})
	c.Ledger = &ahead{Ledger: kept, by: time.Hour}
	do(t, c, "till-get", rollout.Command{Verb: rollout.VerbRetire})
	before := history(t, kept)
	states, _, err := promoteGroup(t, c, "tills", rollout.Command{DryRun: true, AcceptSplitWrites: true})
	if err != nil || states["till-get"] != "retired" || states["till-put"] != "1%" {
		t.Errorf("%v, %v; want the retired route to stay", states, err)
	}
	if after := history(t, kept); after != before {
		t.Error("a dry run changed something")
	}
	for _, group := range []string{"", "nobody"} {
		_, _, err := promoteGroup(t, c, group, rollout.Command{})
		var refusal *rollout.Refusal
		if !errors.As(err, &refusal) || refusal.Code != rollout.CodeNoNewSide {
			t.Errorf("group %q: %v, want no_new_side", group, err)
		}
	}
}
