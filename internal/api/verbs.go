package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// How long a write waits for the store: one that is about a route, and one that
// may be about all of them (10,000 take a second). Both end before a client
// gives up, stranglerctl after 30 s, so that it learns what became of its change.
const (
	moveFor   = 15 * time.Second
	changeFor = 25 * time.Second
)

// PromoteRoute takes the next step, or goes where the body says.
func (s *server) PromoteRoute(w http.ResponseWriter, r *http.Request, route string, params wire.PromoteRouteParams) {
	var body wire.PromoteRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	cmd, err := promotion(body)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.move(w, r, route, cmd, params.IfMatch, params.DryRun)
}

func promotion(body wire.PromoteRequest) (rollout.Command, error) {
	cmd := rollout.Command{Verb: rollout.VerbPromote, AcceptSplitWrites: body.AcceptSplitWrites, Force: body.Force, Reason: body.Reason}
	if body.To != "" {
		target, err := rollout.ParseTarget(body.To)
		if err != nil {
			return cmd, err
		}
		cmd.To = &target
	}
	return cmd, nil
}

// PauseRoute stops promotions at the present weight.
func (s *server) PauseRoute(w http.ResponseWriter, r *http.Request, route string, params wire.PauseRouteParams) {
	s.moveWithReason(w, r, route, rollout.VerbPause, params.IfMatch, params.DryRun)
}

// ResumeRoute clears the hold.
func (s *server) ResumeRoute(w http.ResponseWriter, r *http.Request, route string, params wire.ResumeRouteParams) {
	s.moveWithReason(w, r, route, rollout.VerbResume, params.IfMatch, params.DryRun)
}

// UndoRoute takes the last move back.
func (s *server) UndoRoute(w http.ResponseWriter, r *http.Request, route string, params wire.UndoRouteParams) {
	s.moveWithReason(w, r, route, rollout.VerbUndo, params.IfMatch, params.DryRun)
}

// RollbackRoute lets legacy serve everything. That has no precondition: at three
// in the morning it must not matter who was faster. Going back to a revision has.
func (s *server) RollbackRoute(w http.ResponseWriter, r *http.Request, route string, params wire.RollbackRouteParams) {
	var body wire.RollbackRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	cmd := rollout.Command{
		Verb: rollout.VerbRollback, StopShadow: body.StopShadow,
		AcceptSplitWrites: body.AcceptSplitWrites, Force: body.Force, Reason: body.Reason,
	}
	if body.ToRevision != nil {
		if *body.ToRevision < 1 || body.StopShadow {
			s.fail(w, r, badRequest("bad_revision",
				fmt.Sprintf("to_revision is %d: it has to be the number of a revision, and goes without stop_shadow", *body.ToRevision), ""))
			return
		}
		cmd.ToRevision = routing.Revision(*body.ToRevision)
	} else {
		params.IfMatch = nil // nor is it read: not even a wrong one holds it up
	}
	s.move(w, r, route, cmd, params.IfMatch, params.DryRun)
}

// RetireRoute gives the legacy side up.
func (s *server) RetireRoute(w http.ResponseWriter, r *http.Request, route string, params wire.RetireRouteParams) {
	var body wire.RetireRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	cmd := rollout.Command{Verb: rollout.VerbRetire, Force: body.Force, Reason: body.Reason}
	s.move(w, r, route, cmd, params.IfMatch, params.DryRun)
}

// RollbackAll rolls every route back, in one revision.
func (s *server) RollbackAll(w http.ResponseWriter, r *http.Request, params wire.RollbackAllParams) {
	var body wire.RollbackRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	cmd, err := command(r, rollout.Command{Verb: rollout.VerbRollback, StopShadow: body.StopShadow, Reason: body.Reason}, params.DryRun)
	if body.ToRevision != nil {
		err = badRequest("bad_revision", "to_revision is for one route: routes have histories of their own", "")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), changeFor)
	defer cancel()
	results, err := s.Mover.RollbackAll(ctx, cmd)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	moves := s.moved(results, cmd)
	s.tellUnsafe(r.Context(), moves, results)
	s.writeJSON(w, r, moves)
}

// moved writes what a command did to several routes.
func (s *server) moved(results []rollout.Result, cmd rollout.Command) []wire.Move {
	moves := make([]wire.Move, len(results))
	for i, result := range results {
		moves[i] = s.wireMove(result, cmd)
	}
	if len(results) > 0 && results[0].Revision != results[0].Previous {
		s.Changed()
	}
	return moves
}

// moveWithReason is for the verbs whose body has only a reason.
func (s *server) moveWithReason(w http.ResponseWriter, r *http.Request, route string, verb rollout.Verb, match *string, dryRun *bool) {
	var body wire.VerbRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	s.move(w, r, route, rollout.Command{Verb: verb, Reason: body.Reason}, match, dryRun)
}

// move gives a command to a route and answers with what it did.
func (s *server) move(w http.ResponseWriter, r *http.Request, route string, cmd rollout.Command, match *string, dryRun *bool) {
	revision, err := ifMatch(match)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if cmd, err = command(r, cmd, dryRun); err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), moveFor)
	defer cancel()
	result, err := s.Mover.Do(ctx, route, cmd, revision)
	if errors.Is(err, rollout.ErrUnknownRoute) {
		err = s.unknownRoute(route)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if result.Changed && !cmd.DryRun {
		w.Header().Set("ETag", etag(result.Revision))
		s.Changed()
	}
	moves := []wire.Move{s.wireMove(result, cmd)}
	switch cmd.Verb {
	case rollout.VerbPromote:
		moves[0].Note = s.withSiblings(ctx, moves[0].Note, result)
	case rollout.VerbRollback:
		s.tellUnsafe(ctx, moves, []rollout.Result{result})
	}
	s.writeJSON(w, r, moves[0])
}

// unknownRoute looks for the names that may have been meant among the routes
// that are served.
func (s *server) unknownRoute(route string) *problem {
	var known []string
	if snapshot := s.Router.Snapshot(); snapshot != nil {
		known = names(snapshot.Definitions.Routes, routeName)
	}
	return unknown(spec.KindRoute, route, known)
}

// command fills in what every command carries.
func command(r *http.Request, cmd rollout.Command, dryRun *bool) (rollout.Command, error) {
	cmd.Actor, cmd.Cause = actor(r), rollout.CauseOperator
	cmd.DryRun = dryRun != nil && *dryRun
	return cmd, checkLine("reason", cmd.Reason)
}

func (s *server) wireMove(result rollout.Result, cmd rollout.Command) wire.Move {
	move := wire.Move{
		Route: result.Route, Before: wireState(result.Before), After: wireState(result.After),
		PreviousRevision: wire.Revision(result.Previous), Revision: wire.Revision(result.Revision),
		Changed: result.Changed, DryRun: cmd.DryRun, Step: result.Step, Steps: result.Steps,
		Note: cmp.Or(s.unheard(result.Revision), result.Note), Actor: cmd.Actor, At: result.At.UTC(),
	}
	if len(result.Findings) > 0 {
		move.Findings = wireFindings(result.Findings)
	}
	return move
}

// unheard warns that this router cannot follow the store to a revision: an
// answer must not look like a rollback that its traffic does not obey. Empty:
// all is well.
func (s *server) unheard(revision routing.Revision) string {
	alarm, served := s.Router.Status().Alarm, s.Router.Snapshot()
	if alarm == nil || served == nil {
		return ""
	}
	if revision > served.Revision && !errors.Is(alarm, fleet.ErrStoreReplaced) {
		return "" // the alarm ends with it
	}
	return fmt.Sprintf("NOT in force on %s, which serves revision %d: %v", s.Instance, served.Revision, alarm)
}
