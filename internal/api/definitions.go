package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// decider says what the definitions shall be.
type decider func(spec.Current) (spec.Definitions, error)

// Apply brings the definitions in line with a file.
func (s *server) Apply(w http.ResponseWriter, r *http.Request, params wire.ApplyParams) {
	file, source, err := readFile(r, params.Filename)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	prune := params.Prune != nil && *params.Prune
	edit := spec.Edit{DryRun: params.DryRun != nil && *params.DryRun}
	s.edit(w, r, edit, params.Reason, func(current spec.Current) (spec.Definitions, error) {
		return spec.Apply(current, file, source, prune)
	})
}

// readFile reads the body as definitions. YAML includes JSON.
func readFile(r *http.Request, name *string) (spec.Definitions, spec.Source, error) {
	if err := expect(r, "application/yaml", "application/x-yaml", "text/yaml", "application/json"); err != nil {
		return spec.Definitions{}, spec.Source{}, err
	}
	file := "definitions"
	if name != nil {
		file = cmp.Or(*name, file)
	}
	if err := checkLine("filename", file); err != nil {
		return spec.Definitions{}, spec.Source{}, err
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return spec.Definitions{}, spec.Source{}, cutShort(err)
	}
	return spec.ParseYAML(file, text)
}

// Export answers with the definitions, as Apply takes them.
func (s *server) Export(w http.ResponseWriter, r *http.Request) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	definitions := snapshot.Definitions
	if !role(r).Allows(auth.Admin) {
		definitions.Webhooks = cutWebhooks(definitions.Webhooks)
	}
	text, err := spec.FormatYAML(definitions)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	writeText(w, "application/yaml", text)
}

// PutRoute defines a route, or changes its definition.
func (s *server) PutRoute(w http.ResponseWriter, r *http.Request, route string, params wire.PutRouteParams) {
	body := spec.Route{Name: route}
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	s.put(w, r, spec.KindRoute, route, body.Name, spec.Definitions{Routes: []spec.Route{body}},
		conditionsOf{params.IfMatch, params.IfNoneMatch, params.Reason})
}

// PutBackend defines a backend, or changes it.
func (s *server) PutBackend(w http.ResponseWriter, r *http.Request, backend string, params wire.PutBackendParams) {
	body := spec.Backend{Name: backend}
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	s.put(w, r, spec.KindBackend, backend, body.Name, spec.Definitions{Backends: []spec.Backend{body}},
		conditionsOf{params.IfMatch, params.IfNoneMatch, params.Reason})
}

// conditionsOf is what a PUT says besides its body.
type conditionsOf struct{ match, noneMatch, reason *string }

// put puts one object over the current definitions.
func (s *server) put(w http.ResponseWriter, r *http.Request, kind, name, named string, one spec.Definitions, on conditionsOf) {
	revision, err := putPrecondition(on.match, on.noneMatch)
	if err == nil && named != name {
		err = badRequest("bad_name", fmt.Sprintf("the path names the %s %q and the body %q", kind, name, named), "leave the name out of the body")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	edit := spec.Edit{Precondition: &spec.Precondition{Kind: kind, Name: name, Revision: revision}}
	s.edit(w, r, edit, on.reason, func(current spec.Current) (spec.Definitions, error) {
		return spec.Apply(current, one, spec.Source{}, false)
	})
}

// DeleteRoute removes a route that serves nothing from its new side.
func (s *server) DeleteRoute(w http.ResponseWriter, r *http.Request, route string, params wire.DeleteRouteParams) {
	s.remove(w, r, spec.KindRoute, route, params.IfMatch, params.Reason)
}

// DeleteBackend removes a backend that no route names.
func (s *server) DeleteBackend(w http.ResponseWriter, r *http.Request, backend string, params wire.DeleteBackendParams) {
	s.remove(w, r, spec.KindBackend, backend, params.IfMatch, params.Reason)
}

func (s *server) remove(w http.ResponseWriter, r *http.Request, kind, name string, match, reason *string) {
	revision, err := ifMatch(match)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var edit spec.Edit
	if revision != nil {
		edit.Precondition = &spec.Precondition{Kind: kind, Name: name, Revision: *revision}
	}
	s.edit(w, r, edit, reason, func(current spec.Current) (spec.Definitions, error) {
		next, err := spec.Remove(current, kind, name)
		if problems, ok := errors.AsType[spec.Problems](err); ok {
			return next, stays(kind, problems)
		}
		return next, err
	})
}

// stays says why an object cannot be removed. There are two reasons at most,
// and the first is enough.
func stays(kind string, problems spec.Problems) *problem {
	first := problems[0]
	if first.Code == spec.CodeMissing {
		return newProblem(http.StatusNotFound, "unknown_"+kind, "There is no such "+kind+".", first.Message+"; nothing was changed", "")
	}
	return newProblem(http.StatusConflict, first.Code, "It cannot be removed now.", first.Message+"; nothing was changed", "")
}

// edit changes the definitions and answers with what that changed.
func (s *server) edit(w http.ResponseWriter, r *http.Request, edit spec.Edit, reason *string, decide decider) {
	edit.Verb, edit.Actor = rollout.VerbApply, actor(r)
	if reason != nil {
		edit.Reason = *reason
	}
	if err := checkLine("reason", edit.Reason); err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), changeFor)
	defer cancel()
	edited, err := s.Editor.Edit(ctx, edit, decide)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if edited.Revision != edited.Previous {
		s.Changed()
	}
	if tag := tagAfter(edit, edited); tag != "" {
		w.Header().Set("ETag", tag)
	}
	s.writeJSON(w, r, wireEdit(edit, edited))
}

// tagAfter is the ETag of the one object that an edit was about; empty when it
// was about more, or is gone.
func tagAfter(edit spec.Edit, edited spec.Edited) string {
	if edit.Precondition == nil {
		return ""
	}
	for _, change := range edited.Changes {
		switch {
		case change.Kind != edit.Precondition.Kind || change.Name != edit.Precondition.Name:
		case change.Op == spec.Removed:
			return ""
		default:
			return etag(edited.Revision)
		}
	}
	return etag(edit.Precondition.Revision)
}

func wireEdit(edit spec.Edit, edited spec.Edited) wire.Edit {
	changes := make([]wire.Change, len(edited.Changes))
	for i, c := range edited.Changes {
		changes[i] = wire.Change{Kind: wire.ChangeKind(c.Kind), Name: c.Name, Op: wire.ChangeOp(c.Op), Before: c.Before, After: c.After}
	}
	return wire.Edit{
		Changes: changes, PreviousRevision: wire.Revision(edited.Previous), Revision: wire.Revision(edited.Revision),
		DryRun: edit.DryRun, Actor: edit.Actor, At: edited.At.UTC(),
	}
}
