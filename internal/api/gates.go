package api

import (
	"context"
	"net/http"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
)

// ListGates answers with what the gates say of every route that has a new side.
func (s *server) ListGates(w http.ResponseWriter, r *http.Request) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	judged, err := s.judge(r.Context(), nil)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	list := []wire.RouteGates{}
	for i, route := range snapshot.Definitions.Routes {
		if assessment, known := judged[route.Name]; known && route.New != "" {
			list = append(list, wireGates(snapshot, i, assessment))
		}
	}
	s.writeJSON(w, r, list)
}

// GetGates answers with what the gates say of one route.
func (s *server) GetGates(w http.ResponseWriter, r *http.Request, route string) {
	snapshot, i, err := s.readRoute(w, r, route)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	judged, err := s.judge(r.Context(), []string{route})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	assessment, known := judged[route]
	if !known {
		s.fail(w, r, withoutGates(snapshot, i))
		return
	}
	s.writeJSON(w, r, wireGates(snapshot, i, assessment))
}

// withoutGates says why nothing can be said of the i-th route of a snapshot.
func withoutGates(snapshot *fleet.Snapshot, i int) *problem {
	route := snapshot.Definitions.Routes[i]
	switch {
	case route.New == "":
		return refused(rollout.CodeNoNewSide, "route "+route.Name+" has no new side, and so no gates")
	case snapshot.Routes[i].Stage == routing.StageRetired:
		return refused(rollout.CodeRetired, "route "+route.Name+" is retired, and has no step before it")
	}
	p := refused("not_served_yet", "this router does not serve route "+route.Name+" yet")
	p.Hint = "ask again in a moment"
	return p
}

// judge asks the gates of some routes, or of all for nil.
func (s *server) judge(ctx context.Context, routes []string) (map[string]autopilot.Assessment, error) {
	ctx, cancel := context.WithTimeout(ctx, evidenceFor)
	defer cancel()
	judged, err := s.Gates.Judge(ctx, routes)
	if err != nil {
		return nil, s.unread(err)
	}
	return judged, nil
}

// assessments returns how each route stands with its gates, as they were asked
// last; when they could not be asked that is nothing.
func (s *server) assessments(ctx context.Context) map[string]autopilot.Assessment {
	var served routing.Revision
	if table := s.Router.Table(); table != nil {
		served = table.Revision()
	}
	return s.assessed.get(ctx, served, func(ctx context.Context) map[string]autopilot.Assessment {
		judged, err := s.Gates.Judge(ctx, nil)
		if err != nil {
			s.Logger.Debug("the gates could not be asked", "error", err)
			return nil
		}
		return judged
	})
}

func wireGates(snapshot *fleet.Snapshot, i int, a autopilot.Assessment) wire.RouteGates {
	definition, at := snapshot.Definitions.Routes[i], snapshot.Routes[i]
	state := wireState(at.State)
	answer := wire.RouteGates{
		Route: definition.Name, Stage: state.Stage, WeightBp: state.WeightBp, Verdict: wire.GateVerdict(a.Verdict),
		Autopilot: wire.AutopilotMode(a.Mode), Held: a.Held, Findings: wireFindings(a.Findings), At: a.At.UTC(),
	}
	answer.Step, answer.Steps = definition.Facts().Step(at.State)
	if a.Next != nil {
		next := a.Next.String()
		answer.Next = &next
	}
	return answer
}

// wireFindings is never nil.
func wireFindings(findings []gate.Finding) []wire.GateFinding {
	list := make([]wire.GateFinding, len(findings))
	for i, f := range findings {
		list[i] = wire.GateFinding{
			Gate: wire.GateName(f.Gate), Verdict: wire.GateVerdict(f.Verdict), Text: f.Text, Missing: f.Missing, RollsBack: f.RollsBack,
			New: wireCount(f.New), Legacy: wireCount(f.Legacy), Evidence: f.Evidence, Threshold: f.Threshold,
			Against: wire.GateFindingAgainst(f.Against), Have: int64(f.Have), Hits: int64(f.Hits), Limit: f.Limit, Last: orNull(f.Last),
		}
		if f.Wait > 0 {
			wait := f.Wait.Seconds()
			list[i].WaitS = &wait
		}
	}
	return list
}

func wireCount(c *sequential.Count) *wire.GateCount {
	if c == nil {
		return nil
	}
	return &wire.GateCount{Exposures: int64(c.Exposures), Events: int64(c.Events)}
}

// gatesInShort is the verdict on a route and what stands first in its way; nil when
// nobody asked its gates.
func gatesInShort(route string, judged map[string]autopilot.Assessment) *wire.GatesInShort {
	assessment, known := judged[route]
	if !known {
		return nil
	}
	short := &wire.GatesInShort{Verdict: wire.GateVerdict(assessment.Verdict)}
	if assessment.Verdict != sequential.Pass {
		short.Missing = gate.Summary(assessment.Findings)
	} else if assessment.Mode == autopilot.On {
		short.Held = assessment.Held
	}
	return short
}
