package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// PromoteGroup promotes every route of a group, in one revision.
func (s *server) PromoteGroup(w http.ResponseWriter, r *http.Request, group string, params wire.PromoteGroupParams) {
	var body wire.PromoteRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	results, cmd, err := s.promoteGroup(w, r, group, body, params.DryRun)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeJSON(w, r, s.moved(results, cmd))
}

func (s *server) promoteGroup(w http.ResponseWriter, r *http.Request, group string, body wire.PromoteRequest, dryRun *bool) ([]rollout.Result, rollout.Command, error) {
	cmd, err := promotion(body)
	if err != nil {
		return nil, cmd, err
	}
	if cmd, err = command(r, cmd, dryRun); err != nil {
		return nil, cmd, err
	}
	snapshot, err := s.read(w, r)
	if err != nil {
		return nil, cmd, err
	}
	if _, found := find(snapshot.Definitions.Groups, group, groupName); !found {
		return nil, cmd, unknown(spec.KindGroup, group, names(snapshot.Definitions.Groups, groupName))
	}
	ctx, cancel := context.WithTimeout(r.Context(), changeFor)
	defer cancel()
	results, err := s.Mover.PromoteGroup(ctx, group, cmd)
	return results, cmd, err
}

// ReshuffleGroup gives a group a new salt.
func (s *server) ReshuffleGroup(w http.ResponseWriter, r *http.Request, group string, params wire.ReshuffleGroupParams) {
	var body wire.VerbRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	answer, err := s.reshuffle(r, group, body.Reason, params)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if !answer.DryRun {
		w.Header().Set("ETag", etag(routing.Revision(answer.Revision)))
		s.Changed()
	}
	s.writeJSON(w, r, answer)
}

func (s *server) reshuffle(r *http.Request, group, reason string, params wire.ReshuffleGroupParams) (wire.Reshuffle, error) {
	revision, err := ifMatch(params.IfMatch)
	if err != nil {
		return wire.Reshuffle{}, err
	}
	if err := checkLine("reason", reason); err != nil {
		return wire.Reshuffle{}, err
	}
	edit := spec.Edit{Verb: rollout.VerbReshuffle, Actor: actor(r), Reason: reason, DryRun: params.DryRun != nil && *params.DryRun}
	if revision != nil {
		edit.Precondition = &spec.Precondition{Kind: spec.KindGroup, Name: group, Revision: *revision}
	}
	ctx, cancel := context.WithTimeout(r.Context(), changeFor)
	defer cancel()
	answer := wire.Reshuffle{Group: group, DryRun: edit.DryRun, Actor: edit.Actor}
	edited, err := s.Editor.Edit(ctx, edit, func(current spec.Current) (spec.Definitions, error) {
		next, moved, known := spec.Reshuffle(current, group)
		if !known {
			return spec.Definitions{}, unknown(spec.KindGroup, group, names(current.Definitions.Groups, groupName))
		}
		answer.Moved, answer.Note = orEmpty(moved), splitMoves(current.Definitions.Routes, moved)
		return next, nil
	})
	answer.PreviousRevision, answer.Revision = wire.Revision(edited.Previous), wire.Revision(edited.Revision)
	answer.At = edited.At.UTC()
	return answer, err
}

// splitMoves warns of writes that users leave behind who change sides.
func splitMoves(routes []spec.Route, moved []string) string {
	split := namesWhere(routes, func(route spec.Route) bool {
		return slices.Contains(moved, route.Name) && route.Facts().SplitWrites
	})
	if len(split) == 0 {
		return ""
	}
	return "each side keeps its data apart (data: separate) on " + strings.Join(split, ", ") +
		": who changes sides leaves behind what the other side has written"
}

// withSiblings adds to a note which routes of the same group a promotion has
// left behind: their users see both systems on one visit.
func (s *server) withSiblings(ctx context.Context, note string, result rollout.Result) string {
	snapshot, err := s.Catalog.Load(ctx, s.Router.Snapshot())
	if err != nil {
		return note // the promotion is done; doctor tells as well
	}
	i, found := find(snapshot.Definitions.Routes, result.Route, routeName)
	if !found || snapshot.Definitions.Routes[i].Group == "" {
		return note
	}
	group := snapshot.Definitions.Routes[i].Group
	var behind []string
	for j, route := range snapshot.Definitions.Routes {
		if route.Group == group && route.New != "" && j != i && snapshot.Routes[j].Weight < result.After.Weight {
			behind = append(behind, route.Name+" at "+snapshot.Routes[j].Weight.String())
		}
	}
	if len(behind) == 0 {
		return note
	}
	left := fmt.Sprintf("left behind in group %s: %s; to bring them along: stranglerctl promote --group %s --to %s",
		group, strings.Join(behind, ", "), group, result.After.Target())
	if note == "" {
		return left
	}
	return note + "; " + left
}
