package rollout_test

import (
	"errors"
	"testing"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

func TestARouteGoesBackToAnEarlierRevision(t *testing.T) {
	c, kept := controller(t)
	at := map[string]routing.Revision{}
	at["legacy"] = 1
	for _, place := range []string{"5%", "25%", "50%"} {
		at[place] = do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, place)}).Revision
	}
	for range 60 { // more than are read at once
		do(t, c, "orders-get", rollout.Command{Verb: rollout.VerbPause})
		do(t, c, "orders-get", rollout.Command{Verb: rollout.VerbResume})
	}
	steps := []struct {
		to, want string
		verb     rollout.Verb
	}{
		{"25%", "25%+r", rollout.VerbRollback},
		{"5%", "5%+r", rollout.VerbRollback},
		{"50%", "50%", rollout.VerbPromote},
		{"legacy", "legacy+r", rollout.VerbRollback},
	}
	for _, step := range steps {
		got := do(t, c, "cart", rollout.Command{Verb: rollout.VerbRollback, ToRevision: at[step.to], Reason: "again"})
		events, err := kept.Events(t.Context(), rollout.EventQuery{Kind: "route", Subject: "cart", Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if show(got.After) != step.want || events[0].Verb != step.verb {
			t.Errorf("to revision %d: %s by %s, want %s by %s", at[step.to], show(got.After), events[0].Verb, step.want, step.verb)
		}
	}
}

func TestRevisionsThatARouteNeverHad(t *testing.T) {
	c, kept := controller(t)
	do(t, c, "cart", rollout.Command{Verb: rollout.VerbPromote, To: to(t, "5%")})
	before := history(t, kept)
	_, err := c.Do(t.Context(), "cart", rollout.Command{Verb: rollout.VerbRollback, ToRevision: 99}, nil)
	var refusal *rollout.Refusal
	if !errors.As(err, &refusal) || refusal.Code != rollout.CodeNoSuchRevision {
		t.Errorf("a revision to come: %v", err)
	}
	if _, err := c.Do(t.Context(), "carts", rollout.Command{Verb: rollout.VerbRollback, ToRevision: 1}, nil); !errors.Is(err, rollout.ErrUnknownRoute) {
		t.Errorf("an unknown route: %v", err)
	}
	if after := history(t, kept); after != before {
		t.Errorf("%d events became %d", before, after)
	}
}
