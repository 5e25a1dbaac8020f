package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// GetAutopilot answers with whose autopilot acts, and what it may do.
func (s *server) GetAutopilot(w http.ResponseWriter, r *http.Request) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer := wire.Autopilot{Frozen: frozen(snapshot.Controls), Routes: []wire.AutopilotRoute{}}
	for _, route := range snapshot.Definitions.Routes {
		if route.New != "" {
			answer.Routes = append(answer.Routes, wireAutopilot(autopilotOf(snapshot.Controls, route.Name)))
		}
	}
	if w.Header().Get(staleHeader) == "" { // without its store none acts
		if err := s.tellHolder(r.Context(), &answer); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.writeJSON(w, r, answer)
}

// tellHolder says who has the lease, and for how long.
func (s *server) tellHolder(ctx context.Context, answer *wire.Autopilot) error {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	lease, err := s.Leases.CurrentLease(ctx)
	if err != nil {
		return s.unread(err)
	}
	answer.Number = lease.Number
	if left := lease.Expires.Sub(lease.Read); left > 0 {
		answer.Holder, answer.ExpiresInS = lease.Holder, left.Seconds()
	}
	return nil
}

// autopilotOf is what was said of a route; of one that nobody has said anything
// about only its mode is known.
func autopilotOf(controls fleet.Controls, route string) fleet.Autopilot {
	i, said := find(controls.Autopilots, route, func(a fleet.Autopilot) string { return a.Route })
	if !said {
		return fleet.Autopilot{Route: route, Mode: autopilot.Off}
	}
	return controls.Autopilots[i]
}

func wireAutopilot(a fleet.Autopilot) wire.AutopilotRoute {
	answer := wire.AutopilotRoute{Route: a.Route, Mode: wire.AutopilotMode(a.Mode), Actor: a.Actor}
	if !a.At.IsZero() {
		at := a.At.UTC()
		answer.At = &at
	}
	return answer
}

// SetAutopilot says what the autopilot may do with a route.
func (s *server) SetAutopilot(w http.ResponseWriter, r *http.Request, route string, params wire.SetAutopilotParams) {
	var body wire.AutopilotRequest
	err := readJSON(r, &body)
	if err == nil && !body.Mode.Valid() {
		err = badRequest("bad_mode", "mode is "+quoted(string(body.Mode))+" and has to be on, off or disarmed", "")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	wanted := fleet.Autopilot{Route: route, Mode: autopilot.Mode(body.Mode), Actor: actor(r)}
	answer := wire.AutopilotChange{Route: route, Mode: body.Mode, DryRun: params.DryRun != nil && *params.DryRun, Actor: wanted.Actor}
	done, err := s.control(r, fleet.Control{Route: route, Reason: body.Reason}, params.DryRun, func(now fleet.Controlling) (fleet.Controls, error) {
		if err := s.flown(now, wanted); err != nil {
			return fleet.Controls{}, err
		}
		answer.Before = wire.AutopilotMode(autopilotOf(now.Controls, route).Mode)
		wanted.At = now.At
		now.Controls = flying(now.Controls, wanted)
		answer.Note = s.flightNote(now, wanted.Mode)
		return now.Controls, nil
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer.PreviousRevision, answer.Revision = wire.Revision(done.Previous), wire.Revision(done.Revision)
	answer.Changed, answer.At = len(done.Changes) > 0, done.At.UTC()
	answer.Note = cmp.Or(s.unheard(done.Revision), answer.Note)
	s.writeJSON(w, r, answer)
}

// flown refuses routes that no autopilot has anything to do with.
func (s *server) flown(now fleet.Controlling, wanted fleet.Autopilot) error {
	switch {
	case now.Route == nil:
		return s.unknownRoute(wanted.Route)
	case wanted.Mode == autopilot.Off:
		return nil
	case now.Route.New == "":
		return refused(rollout.CodeNoNewSide, "route "+wanted.Route+" has no new side to be promoted to, or rolled back from")
	case now.State.Stage == routing.StageRetired:
		return refused(rollout.CodeRetired, "route "+wanted.Route+" is retired: it can neither be promoted nor rolled back")
	}
	return nil
}

// flying is the controls with the mode of one route in place of what it was.
// Saying the same again leaves who said it first, and when.
func flying(controls fleet.Controls, wanted fleet.Autopilot) fleet.Controls {
	if autopilotOf(controls, wanted.Route).Mode != wanted.Mode {
		controls.SetAutopilot(wanted)
		controls.Sort()
	}
	return controls
}

// flightNote says what a mode does where the route stands.
func (s *server) flightNote(now fleet.Controlling, mode autopilot.Mode) string {
	if mode == autopilot.Disarmed {
		return "nothing rolls it back by itself any more, whatever new does"
	}
	if mode == autopilot.Off {
		return ""
	}
	var notes []string
	switch now.State.Hold.Kind {
	case rollout.HoldPaused:
		notes = append(notes, "it is paused, and advances once somebody resumes it: stranglerctl resume "+now.Route.Name)
	case rollout.HoldRolledBack:
		notes = append(notes, "it was rolled back, and a person has to take it on from there: stranglerctl promote "+now.Route.Name)
	}
	if ban := now.Controls.Freeze; ban != nil {
		notes = append(notes, "promotions are frozen by "+ban.Actor+"; to allow them: stranglerctl unfreeze")
	}
	if grounded := s.grounded(now); len(grounded) > 0 {
		notes = append(notes, fmt.Sprintf("the routes of group %s take their steps together, and the autopilot is not on for %s",
			now.Route.Group, strings.Join(grounded, ", ")))
	}
	return strings.Join(notes, "; ")
}

// grounded are the routes of the same group that the autopilot may not promote.
func (s *server) grounded(now fleet.Controlling) []string {
	snapshot := s.Router.Snapshot()
	if now.Route.Group == "" || snapshot == nil {
		return nil
	}
	return namesWhere(snapshot.Definitions.Routes, func(sibling spec.Route) bool {
		return sibling.Group == now.Route.Group && sibling.New != "" && autopilotOf(now.Controls, sibling.Name).Mode != autopilot.On
	})
}
