package api

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
)

// server implements the operations; the generated ServerInterface lists them.
type server struct {
	Config
	hosts    map[string]bool                         // as routing.NormalizeHost writes them
	parity   latest[map[string]found]                // by route
	assessed latest[map[string]autopilot.Assessment] // by route
	sessions sessions
	feed     feed
	pages    map[string]page // by path, without the slash before it; nil: there is no dashboard

	examining chan struct{} // holds one: one doctor at a time, so that asking often dials no more
	verifying chan struct{} // holds one: who verifies keeps a connection of the store, and verbs need theirs
}

// open is the role of an operation that needs no token.
const open auth.Role = ""

// operation is one row of openapi.yaml; a test holds the two together.
type operation struct {
	name    string // its operationId, and what the log calls it
	method  string
	path    string
	role    auth.Role // the least that may call it
	handler http.HandlerFunc
}

// operations is every route of the admin API.
func (s *server) operations() []operation {
	const (
		get, put, post, del = http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete

		v1    = "/api/v1"
		route = v1 + "/routes/{route}"
	)
	glue := &ServerInterfaceWrapper{Handler: s, ErrorHandlerFunc: s.badParameter}
	return append([]operation{
		{"GetLivez", get, "/livez", open, glue.GetLivez},
		{"GetReadyz", get, "/readyz", open, glue.GetReadyz},
		{"GetMetrics", get, "/metrics", auth.Viewer, glue.GetMetrics},
		{"GetOpenapi", get, v1 + "/openapi.yaml", auth.Viewer, glue.GetOpenapi},

		{"ListRoutes", get, v1 + "/routes", auth.Viewer, glue.ListRoutes},
		{"GetRoute", get, route, auth.Viewer, glue.GetRoute},
		{"PutRoute", put, route, auth.Admin, glue.PutRoute},
		{"DeleteRoute", del, route, auth.Admin, glue.DeleteRoute},
		{"PromoteRoute", post, route + "/promote", auth.Operator, glue.PromoteRoute},
		{"PauseRoute", post, route + "/pause", auth.Operator, glue.PauseRoute},
		{"ResumeRoute", post, route + "/resume", auth.Operator, glue.ResumeRoute},
		{"RollbackRoute", post, route + "/rollback", auth.Operator, glue.RollbackRoute},
		{"RetireRoute", post, route + "/retire", auth.Operator, glue.RetireRoute},
		{"UndoRoute", post, route + "/undo", auth.Operator, glue.UndoRoute},
		{"RollbackAll", post, v1 + "/rollback", auth.Operator, glue.RollbackAll},
		{"ListEvents", get, v1 + "/events", auth.Viewer, glue.ListEvents},
		{"VerifyEvents", get, v1 + "/events/verify", auth.Viewer, glue.VerifyEvents},
		{"Explain", post, v1 + "/explain", auth.Operator, glue.Explain},

		{"ListBackends", get, v1 + "/backends", auth.Viewer, glue.ListBackends},
		{"GetBackend", get, v1 + "/backends/{backend}", auth.Viewer, glue.GetBackend},
		{"PutBackend", put, v1 + "/backends/{backend}", auth.Admin, glue.PutBackend},
		{"DeleteBackend", del, v1 + "/backends/{backend}", auth.Admin, glue.DeleteBackend},
		{"ListGroups", get, v1 + "/groups", auth.Viewer, glue.ListGroups},
		{"GetGroup", get, v1 + "/groups/{group}", auth.Viewer, glue.GetGroup},
		{"PromoteGroup", post, v1 + "/groups/{group}/promote", auth.Operator, glue.PromoteGroup},
		{"ReshuffleGroup", post, v1 + "/groups/{group}/reshuffle", auth.Admin, glue.ReshuffleGroup},
		{"Apply", post, v1 + "/apply", auth.Admin, glue.Apply},
		{"Export", get, v1 + "/export", auth.Viewer, glue.Export},

		{"ListInstances", get, v1 + "/instances", auth.Viewer, glue.ListInstances},
		{"GetStatus", get, v1 + "/status", auth.Viewer, glue.GetStatus},
		{"Doctor", get, v1 + "/doctor", auth.Viewer, glue.Doctor},
		{"AcceptStore", post, v1 + "/store/accept", auth.Admin, glue.AcceptStore},

		{"CreateSession", post, v1 + "/session", open, glue.CreateSession},
		{"GetSession", get, v1 + "/session", auth.Viewer, glue.GetSession},
		{"EndSession", del, v1 + "/session", auth.Viewer, glue.EndSession},
		{"FollowStream", get, v1 + "/stream", auth.Viewer, glue.FollowStream},

		{"ListTokens", get, v1 + "/tokens", auth.Admin, glue.ListTokens},
		{"CreateToken", post, v1 + "/tokens", auth.Admin, glue.CreateToken},
		{"RevokeToken", del, v1 + "/tokens/{token}", auth.Admin, glue.RevokeToken},
		{"ListRevokedOverrides", get, v1 + "/overrides", auth.Viewer, glue.ListRevokedOverrides},
		{"CreateOverride", post, v1 + "/overrides", auth.Operator, glue.CreateOverride},
		{"RevokeOverride", del, v1 + "/overrides/{override}", auth.Operator, glue.RevokeOverride},
		{"RotateOverrideKey", post, v1 + "/overrides/rotate", auth.Admin, glue.RotateOverrideKey},
	}, slices.Concat(guardOperations(glue), shadowOperations(glue), autopilotOperations(glue))...)
}

// guardOperations are those about what protects both sides. Endpoints are
// drained by who is on call, and so an operator may.
func guardOperations(glue *ServerInterfaceWrapper) []operation {
	const (
		get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete

		v1      = "/api/v1"
		backend = v1 + "/backends/{backend}"
	)
	return []operation{
		{"DrainEndpoint", post, backend + "/drain", auth.Operator, glue.DrainEndpoint},
		{"ReadyEndpoint", post, backend + "/ready", auth.Operator, glue.ReadyEndpoint},
		{"ListBreakers", get, v1 + "/breakers", auth.Viewer, glue.ListBreakers},
		{"ResetBreaker", post, v1 + "/breakers/{route}/reset", auth.Operator, glue.ResetBreaker},
		{"ListFaults", get, v1 + "/faults", auth.Viewer, glue.ListFaults},
		{"StartFault", post, v1 + "/faults", auth.Operator, glue.StartFault},
		{"StopFaults", del, v1 + "/faults", auth.Operator, glue.StopFaults},
		{"StopFault", del, v1 + "/faults/{fault}", auth.Operator, glue.StopFault},
	}
}

// shadowOperations are those about comparing the two sides. Values that users
// sent and got are for those who may change the route.
func shadowOperations(glue *ServerInterfaceWrapper) []operation {
	const (
		get, post, del = http.MethodGet, http.MethodPost, http.MethodDelete

		v1       = "/api/v1"
		route    = v1 + "/routes/{route}"
		exemplar = v1 + "/exemplars/{exemplar}"
	)
	return []operation{
		{"ListDifferences", get, v1 + "/differences", auth.Viewer, glue.ListDifferences},
		{"GetDifferences", get, route + "/differences", auth.Viewer, glue.GetDifferences},
		{"GetExemplar", get, exemplar, auth.Operator, glue.GetExemplar},
		{"ReplayExemplar", post, exemplar + "/replay", auth.Admin, glue.ReplayExemplar},
		{"ListRules", get, route + "/rules", auth.Viewer, glue.ListRules},
		{"AddRule", post, route + "/rules", auth.Operator, glue.AddRule},
		{"PreviewRule", post, route + "/rules/preview", auth.Operator, glue.PreviewRule},
		{"RemoveRule", del, route + "/rules/{rule}", auth.Operator, glue.RemoveRule},
		{"StartShadow", post, route + "/shadow", auth.Operator, glue.StartShadow},
		{"StopShadow", del, route + "/shadow", auth.Operator, glue.StopShadow},
	}
}

// autopilotOperations are those about whether routes may go on, and who is told.
func autopilotOperations(glue *ServerInterfaceWrapper) []operation {
	const (
		get, post = http.MethodGet, http.MethodPost

		v1    = "/api/v1"
		route = v1 + "/routes/{route}"
	)
	return []operation{
		{"ListGates", get, v1 + "/gates", auth.Viewer, glue.ListGates},
		{"GetGates", get, route + "/gates", auth.Viewer, glue.GetGates},
		{"SetAutopilot", post, route + "/autopilot", auth.Operator, glue.SetAutopilot},
		{"GetAutopilot", get, v1 + "/autopilot", auth.Viewer, glue.GetAutopilot},
		{"Freeze", post, v1 + "/freeze", auth.Operator, glue.Freeze},
		{"Unfreeze", post, v1 + "/unfreeze", auth.Operator, glue.Unfreeze},
		{"GetStatistics", get, route + "/statistics", auth.Viewer, glue.GetStatistics},
		{"ListWebhooks", get, v1 + "/webhooks", auth.Viewer, glue.ListWebhooks},
		{"TestWebhook", post, v1 + "/webhooks/{webhook}/test", auth.Operator, glue.TestWebhook},
	}
}

// handler puts the operations on a router. What matches none of them is
// answered by a problem as well.
func (s *server) handler() http.Handler {
	router := mux.NewRouter().SkipClean(true) // a cleaning redirect would answer for the wrong operation
	for _, op := range s.operations() {
		methods := []string{op.method}
		if op.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		router.Handle(op.path, s.admit(op)).Methods(methods...).Name(op.name)
	}
	router.NotFoundHandler = s.logged("NotFound", s.dashboard(http.HandlerFunc(s.noSuchOperation)))
	router.MethodNotAllowedHandler = s.logged("MethodNotAllowed", s.wrongMethod(router))
	return s.hardened(router)
}

// admit is everything that happens to a request before its operation sees it.
func (s *server) admit(op operation) http.Handler {
	handler := limited(op.handler)
	if op.role != open {
		handler = s.authenticated(op.role, handler)
	}
	if op.role != open || op.method != http.MethodGet { // probes ask by any name
		handler = s.addressed(handler)
	}
	return s.logged(op.name, handler)
}
