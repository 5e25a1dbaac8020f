package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// routeEdit is a change of one route's definition by a verb of its own.
type routeEdit struct {
	route  string
	verb   rollout.Verb
	match  *string // If-Match
	dryRun *bool
	reason string
}

func (e routeEdit) isDry() bool { return e.dryRun != nil && *e.dryRun }

// editRoute changes one route's definition. change gets a copy of it, and where
// the route stands.
func (s *server) editRoute(r *http.Request, e routeEdit, change func(*spec.Route, rollout.State) error) (spec.Edited, error) {
	revision, err := ifMatch(e.match)
	if err == nil {
		err = checkLine("reason", e.reason)
	}
	if err != nil {
		return spec.Edited{}, err
	}
	edit := spec.Edit{Verb: e.verb, Actor: actor(r), Reason: e.reason, DryRun: e.isDry()}
	if revision != nil {
		edit.Precondition = &spec.Precondition{Kind: spec.KindRoute, Name: e.route, Revision: *revision}
	}
	ctx, cancel := context.WithTimeout(r.Context(), changeFor)
	defer cancel()
	edited, err := s.Editor.Edit(ctx, edit, func(current spec.Current) (spec.Definitions, error) {
		i, found := find(current.Definitions.Routes, e.route, routeName)
		if !found {
			return spec.Definitions{}, unknown(spec.KindRoute, e.route, names(current.Definitions.Routes, routeName))
		}
		route := current.Definitions.Routes[i]
		if err := change(&route, current.States[e.route]); err != nil {
			return spec.Definitions{}, err
		}
		next, err := spec.Apply(current, spec.Definitions{Routes: []spec.Route{route}}, spec.Source{}, false)
		return next, refusedEdit(err, i)
	})
	if err == nil && edited.Revision != edited.Previous {
		s.Changed()
	}
	return edited, err
}

// editShadow changes what one route's definition says of shadowing. change gets
// a route whose section is its own to change.
func (s *server) editShadow(r *http.Request, e routeEdit, change func(*spec.Route, rollout.State) error) (spec.Edited, error) {
	return s.editRoute(r, e, func(route *spec.Route, state rollout.State) error {
		if route.New == "" {
			return noNewSide(route.Name)
		}
		var written spec.Shadow
		if route.Shadow != nil {
			written = *route.Shadow
		}
		route.Shadow = &written
		return change(route, state)
	})
}

// refusedEdit says why the i-th route's definition does not take a change. Where
// it is among all routes helps nobody, so paths begin within it.
func refusedEdit(err error, i int) error {
	problems, ok := errors.AsType[spec.Problems](err)
	if !ok {
		return err
	}
	p := invalidDefinitions(problems)
	p.Title, p.Hint = "The route's definition does not allow this.", ""
	for j := range p.Problems {
		p.Problems[j].Path = strings.TrimPrefix(p.Problems[j].Path, fmt.Sprintf("routes[%d].", i))
	}
	return p
}

// noNewSide is for what a route without a new side has no use for.
func noNewSide(route string) error {
	return refused(rollout.CodeNoNewSide, "route "+route+" has no new side, so there is nothing to compare legacy with")
}

// tagRoute says at which revision a route is that was changed.
func tagRoute(w http.ResponseWriter, edited spec.Edited) {
	if edited.Revision != edited.Previous {
		w.Header().Set("ETag", etag(edited.Revision))
	}
}
