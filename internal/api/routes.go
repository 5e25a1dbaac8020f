package api

import (
	"context"
	"net/http"
	"sync"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// routeDetail is wire.RouteDetail with the definition as package spec writes
// it: a test holds the two together.
type routeDetail struct {
	wire.RouteStatus
	Definition spec.Route          `json:"definition"`
	Plan       wire.PlanDefinition `json:"plan"`
	Timeouts   []wire.Setting      `json:"timeouts"`
	Settings   []wire.Setting      `json:"settings"`
}

// ListRoutes answers with every route and where it stands.
func (s *server) ListRoutes(w http.ResponseWriter, r *http.Request) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	faults, told := s.invalidRoutes(), s.evidence(r.Context())
	list := make([]wire.RouteStatus, len(snapshot.Routes))
	for i := range list {
		list[i] = routeStatus(snapshot, i, faults, told)
	}
	s.writeJSON(w, r, list)
}

// GetRoute answers with one route, its definition and the values in force.
func (s *server) GetRoute(w http.ResponseWriter, r *http.Request, route string) {
	snapshot, i, err := s.readRoute(w, r, route)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	definition := snapshot.Definitions.Routes[i]
	w.Header().Set("ETag", etag(snapshot.Routes[i].Revision))
	timeouts, settings := inForce(definition)
	status := routeStatus(snapshot, i, s.invalidRoutes(), s.evidence(r.Context()))
	s.writeJSON(w, r, routeDetail{
		RouteStatus: status,
		Definition:  definition,
		Plan:        planInForce(definition),
		Timeouts:    timeouts,
		Settings:    settings,
	})
}

// evidence is what speaks for routes and against them, by route; nothing of what
// could not be read in time.
type evidence struct {
	compared map[string]found
	judged   map[string]autopilot.Assessment
}

// evidence reads both at once, so that a status waits for the slower one alone.
func (s *server) evidence(ctx context.Context) evidence {
	var e evidence
	var both sync.WaitGroup
	both.Go(func() { e.compared = s.parities(ctx) })
	both.Go(func() { e.judged = s.assessments(ctx) })
	both.Wait()
	return e
}

// routeStatus says where the i-th route of a snapshot stands.
func routeStatus(snapshot *fleet.Snapshot, i int, faults map[string]routing.Invalid, told evidence) wire.RouteStatus {
	definition, at := snapshot.Definitions.Routes[i], snapshot.Routes[i]
	state := wireState(at.State)
	status := wire.RouteStatus{
		Name: definition.Name, Stage: state.Stage, WeightBp: state.WeightBp, Hold: state.Hold,
		Revision: wire.Revision(at.Revision), ChangedBy: at.ChangedBy, ChangedAt: at.ChangedAt.UTC(),
		Match: matchText(definition.Match), Legacy: definition.Legacy, New: definition.New, Group: definition.Group,
	}
	status.Step, status.Steps = definition.Facts().Step(at.State)
	status.Parity = parityOf(snapshot, i, told.compared)
	status.Autopilot = wire.AutopilotMode(autopilotOf(snapshot.Controls, definition.Name).Mode)
	status.Gates = gatesInShort(definition.Name, told.judged)
	if fault, invalid := faults[definition.Name]; invalid {
		status.Invalid = &wire.Invalid{Code: string(fault.Code), Field: fault.Field, Message: fault.Message}
	}
	return status
}

// planInForce is the plan with its defaults filled in.
func planInForce(definition spec.Route) wire.PlanDefinition {
	plan := definition.Facts().Plan
	steps := make([]string, len(plan.Steps))
	for i, step := range plan.Steps {
		steps[i] = step.String()
	}
	return wire.PlanDefinition{Steps: steps, Bake: plan.Bake.String()}
}

// inForce lists the settings of the sides that the route has, those of its
// shadowing and its gates, and the timeouts among them by their bare names.
func inForce(definition spec.Route) (timeouts, settings []wire.Setting) {
	timeouts, settings = []wire.Setting{}, []wire.Setting{}
	for _, side := range []routing.Side{routing.Legacy, routing.New} {
		if backendOf(definition, side) == "" {
			continue
		}
		for _, s := range definition.Settings(side) {
			setting := wire.Setting{Side: wire.Side(side.String()), Name: s.Name, Value: s.Value, Source: wire.SettingSource(s.From)}
			if s.Part == spec.PartTimeouts {
				timeouts = append(timeouts, setting)
			}
			setting.Name = s.Path()
			settings = append(settings, setting)
		}
	}
	for _, s := range append(definition.ShadowSettings(), definition.GateSettings()...) {
		settings = append(settings, wire.Setting{Name: s.Path(), Value: s.Value, Source: wire.SettingSource(s.From)})
	}
	return timeouts, settings
}

func backendOf(definition spec.Route, side routing.Side) string {
	if side == routing.New {
		return definition.New
	}
	return definition.Legacy
}
