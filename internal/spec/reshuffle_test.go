package spec_test

import (
	"slices"
	"testing"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

func TestReshuffleChangesOneSaltAndNamesWhoMoves(t *testing.T) {
	current := spec.Current{
		Definitions: spec.Definitions{
			Groups: []spec.Group{{Name: "a", Salt: "one"}, {Name: "b", Salt: "two"}},
			Routes: []spec.Route{{Name: "r1", Group: "a"}, {Name: "r2", Group: "a"}, {Name: "r3", Group: "b"}, {Name: "r4", Group: "a"}},
		},
		States: map[string]rollout.State{
			"r1": {Stage: routing.StageCanary, Weight: 100},
			"r2": {Stage: routing.StageNew, Weight: routing.FullWeight},
			"r3": {Stage: routing.StageCanary, Weight: 100},
		},
	}
	next, moved, known := spec.Reshuffle(current, "a")
	if !known || !slices.Equal(moved, []string{"r1"}) {
		t.Errorf("moved %v, known %t; want r1 alone", moved, known)
	}
	if len(next.Groups[0].Salt) != 32 || next.Groups[1].Salt != "two" || current.Definitions.Groups[0].Salt != "one" {
		t.Errorf("salts became %+v, and the current ones %+v", next.Groups, current.Definitions.Groups)
	}
	if again, _, _ := spec.Reshuffle(current, "a"); again.Groups[0].Salt == next.Groups[0].Salt {
		t.Error("two salts are alike")
	}
	if _, _, known := spec.Reshuffle(current, "c"); known {
		t.Error("an unknown group was reshuffled")
	}
}
