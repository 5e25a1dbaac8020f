package api

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// StartShadow writes the share of the cohorts that is shadowed.
func (s *server) StartShadow(w http.ResponseWriter, r *http.Request, route string, params wire.StartShadowParams) {
	var body wire.ShadowRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	if body.Sample == sampleOff {
		s.fail(w, r, badRequest("bad_sample", "sample is off, and this is how shadowing is started", "to stop it: stranglerctl shadow stop "+route))
		return
	}
	edit := routeEdit{route: route, verb: rollout.VerbShadowStart, match: params.IfMatch, dryRun: params.DryRun, reason: body.Reason}
	s.writeSample(w, r, edit, cmp.Or(body.Sample, sampleAll))
}

// StopShadow shadows nothing of a route any more, in whatever stage.
func (s *server) StopShadow(w http.ResponseWriter, r *http.Request, route string, params wire.StopShadowParams) {
	edit := routeEdit{route: route, verb: rollout.VerbShadowStop, match: params.IfMatch, dryRun: params.DryRun, reason: orNone(params.Reason)}
	s.writeSample(w, r, edit, sampleOff)
}

// The samples that need no number, as definitions write them.
const (
	sampleAll = "100%"
	sampleOff = "off"
)

// writeSample writes a sample into a route's definition, and answers with what
// is shadowed by it.
func (s *server) writeSample(w http.ResponseWriter, r *http.Request, edit routeEdit, sample string) {
	answer := wire.ShadowChange{Route: edit.route}
	edited, err := s.editShadow(r, edit, func(route *spec.Route, state rollout.State) error {
		if state.Stage == routing.StageRetired && sample != sampleOff {
			return refused(rollout.CodeRetired, "route "+route.Name+" is retired: legacy is not asked any more")
		}
		route.Shadow.Sample = sample
		answer.Stage, answer.Sample, answer.ShareBp = wire.Stage(state.Stage.String()), sample, share(*route, state.Stage)
		answer.Note = sampleNote(*route, state, sample)
		return nil
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer.PreviousRevision, answer.Revision = wire.Revision(edited.Previous), wire.Revision(edited.Revision)
	answer.Changed, answer.DryRun = len(edited.Changes) > 0, edit.isDry()
	answer.Actor, answer.At = actor(r), edited.At.UTC()
	answer.Note = cmp.Or(s.unheard(edited.Revision), answer.Note)
	tagRoute(w, edited)
	s.writeJSON(w, r, answer)
}

// sampleNote says what a sample does where the route stands.
func sampleNote(route spec.Route, state rollout.State, sample string) string {
	if sample == sampleOff {
		return ""
	}
	switch state.Stage {
	case routing.StageLegacy:
		return "in stage legacy nothing is shadowed; to begin: stranglerctl promote " + route.Name + " --to shadow"
	case routing.StageCanary, routing.StageNew:
		return fmt.Sprintf("what new serves is compared with legacy, so legacy answers %s of it as well", sample)
	default:
		return ""
	}
}
