package fleet_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

func TestDigestTellsTablesApart(t *testing.T) {
	base := snapshot(5, 500).Identity()
	for name, change := range map[string]func(*fleet.Snapshot){
		"store":          func(s *fleet.Snapshot) { s.StoreID = otherStore },
		"definition":     func(s *fleet.Snapshot) { s.Definitions.Routes[0].Match.Path = "/orders" },
		"stage":          func(s *fleet.Snapshot) { s.Routes[0].Stage = routing.StageNew },
		"weight":         func(s *fleet.Snapshot) { s.Routes[0].Weight = 501 },
		"hold":           func(s *fleet.Snapshot) { s.Routes[0].Hold.Kind = rollout.HoldPaused },
		"reason":         func(s *fleet.Snapshot) { s.Routes[0].Hold.Reason = "x" },
		"evidence":       func(s *fleet.Snapshot) { s.Routes[0].Hold.Evidence = json.RawMessage(`{"a":1}`) },
		"route revision": func(s *fleet.Snapshot) { s.Routes[0].Revision = 4 },
		"one route less": func(s *fleet.Snapshot) { s.Routes = nil },
		"fault":          func(s *fleet.Snapshot) { s.Controls.Faults = []fleet.Fault{{}} },
		"drain":          func(s *fleet.Snapshot) { s.Controls.Drained = []fleet.Drain{{Backend: "b", Endpoint: "e"}} },
		"reset":          func(s *fleet.Snapshot) { s.Controls.Resets = []fleet.Reset{{Route: "r", Side: "new"}} },
		"autopilot":      func(s *fleet.Snapshot) { s.Controls.SetAutopilot(fleet.Autopilot{Route: "r", Mode: autopilot.On}) },
		"freeze":         func(s *fleet.Snapshot) { s.Controls.Freeze = &fleet.Freeze{} },
	} {
		s := snapshot(5, 500)
		change(s)
		s.DefinitionsDigest = ""
		s.Seal()
		if s.Digest == base.Digest {
			t.Errorf("%s: the digest is the same", name)
		}
	}
}

func TestDigestIgnoresWhoAndWhen(t *testing.T) {
	want, s := snapshot(5, 500), snapshot(5, 500)
	s.Routes[0].ChangedBy, s.ReadAt = "ben", s.ReadAt.Add(1)
	s.Routes[0].StepRevision, s.Routes[0].StepAt = 1, s.ReadAt
	s.Seal()
	if s.Identity() != want.Identity() {
		t.Error("the digest changed")
	}
}

// A fault's end by this machine's clock differs with every reading; the one by
// the store's clock does not.
func TestDigestKnowsAFaultByTheStoresClock(t *testing.T) {
	with := func(change func(*fleet.Fault)) string {
		s, f := snapshot(5, 500), fleet.Fault{Fault: guard.Fault{ID: 1, Route: "r", Side: "new", Until: time.Unix(10, 0)}, EndsAt: time.Unix(20, 0)}
		change(&f)
		s.Controls.Faults = []fleet.Fault{f}
		s.Seal()
		return s.Digest
	}
	base := with(func(*fleet.Fault) {})
	for name, change := range map[string]func(*fleet.Fault){
		"until": func(f *fleet.Fault) { f.Until = time.Unix(11, 0) },
		"actor": func(f *fleet.Fault) { f.Actor = "ben" },
	} {
		if with(change) != base {
			t.Errorf("%s: the digest changed", name)
		}
	}
	for name, change := range map[string]func(*fleet.Fault){
		"end":     func(f *fleet.Fault) { f.EndsAt = time.Unix(21, 0) },
		"percent": func(f *fleet.Fault) { f.Percent = 1 },
		"reset":   func(f *fleet.Fault) { f.Reset = true },
		"value":   func(f *fleet.Fault) { f.Value = "x" },
	} {
		if with(change) == base {
			t.Errorf("%s: the digest is the same", name)
		}
	}
}

func TestDigestIgnoresHowEvidenceIsSpaced(t *testing.T) {
	tight, loose := snapshot(5, 500), snapshot(5, 500)
	tight.Routes[0].Hold.Evidence = json.RawMessage(`{"a":[1,2]}`)
	loose.Routes[0].Hold.Evidence = json.RawMessage("{ \"a\": [1, 2]\n}")
	tight.Seal()
	loose.Seal()
	if tight.Digest != loose.Digest {
		t.Error("white space changed the digest")
	}
}

func TestSealKeepsTheDigestOfSharedDefinitions(t *testing.T) {
	s := snapshot(5, 500)
	s.DefinitionsDigest = "known"
	s.Seal()
	if s.DefinitionsDigest != "known" {
		t.Errorf("computed again: %s", s.DefinitionsDigest)
	}
}

// Neighbouring texts must not be able to trade characters.
func TestDigestSeparatesItsParts(t *testing.T) {
	one, two := snapshot(5, 500), snapshot(5, 500)
	one.Routes[0].Hold = rollout.Hold{Kind: rollout.HoldPaused, Reason: "x"}
	two.Routes[0].Hold = rollout.Hold{Kind: rollout.HoldPaused + "x"}
	one.Seal()
	two.Seal()
	if one.Digest == two.Digest {
		t.Error("two different holds have one digest")
	}
}

func manyRoutes(n int) *fleet.Snapshot {
	s := &fleet.Snapshot{StoreID: thisStore, Revision: 1}
	for i := range n {
		s.Definitions.Routes = append(s.Definitions.Routes, spec.Route{
			Name: fmt.Sprintf("route-%05d", i), Match: spec.Match{Path: fmt.Sprintf("/r%d/{id}", i)}, Legacy: "old", New: "new", Salt: "s",
		})
		s.Routes = append(s.Routes, fleet.RouteState{State: rollout.State{Stage: routing.StageCanary, Weight: 100}, Revision: 1})
	}
	s.Seal()
	return s
}

func BenchmarkSeal10000(b *testing.B) {
	s := manyRoutes(10_000)
	for b.Loop() {
		s.Seal()
	}
}
