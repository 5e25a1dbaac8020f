package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// badRequest is for requests that cannot be understood.
func badRequest(code, detail, hint string) *problem {
	return newProblem(http.StatusBadRequest, code, "The request cannot be understood.", detail+"; nothing was changed", hint)
}

// badParameter answers for parameters that the generated glue cannot read.
func (s *server) badParameter(w http.ResponseWriter, r *http.Request, err error) {
	s.fail(w, r, badRequest("bad_parameter", err.Error(), ""))
}

func (s *server) noSuchOperation(w http.ResponseWriter, r *http.Request) {
	s.fail(w, r, newProblem(http.StatusNotFound, "no_such_operation", "There is nothing here.",
		fmt.Sprintf("the admin API has no %q", r.URL.Path), "GET /api/v1/openapi.yaml lists what it has"))
}

// wrongMethod answers a path that exists for other methods, and names them.
func (s *server) wrongMethod(router *mux.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete} {
			other := r.Clone(r.Context())
			other.Method = method
			var match mux.RouteMatch
			if router.Match(other, &match) && match.MatchErr == nil {
				allowed = append(allowed, method)
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		s.fail(w, r, newProblem(http.StatusMethodNotAllowed, "wrong_method", "That cannot be done here.",
			fmt.Sprintf("%q takes %s, not %s", r.URL.Path, strings.Join(allowed, ", "), r.Method), ""))
	})
}

// unknown is for a backend, group or route that is not defined.
func unknown(kind, name string, known []string) *problem {
	detail := fmt.Sprintf("there is no %s %q; nothing was changed", kind, name)
	hint := ""
	switch kind {
	case spec.KindGroup: // stranglerctl has no list of groups
	case spec.KindWebhook:
		hint = "list them with: stranglerctl notify ls"
	default:
		hint = "list them with: stranglerctl " + kind + " ls"
	}
	if near := rollout.Near(name, known); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return newProblem(http.StatusNotFound, "unknown_"+kind, "There is no such "+kind+".", detail, hint)
}
