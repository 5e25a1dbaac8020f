package proxy

import (
	"net/http"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Rewrite makes one side of a route rewrite what it sends; nil: it sends what
// came. route is the position in the definitions that the table was compiled
// from. It may not be called any more once the lanes are installed.
func (l *Lanes) Rewrite(route int, side routing.Side, rewrite *exchange.Rewrite) {
	if lane := l.byRoute[route].side(side); lane != nil { // an invalid route has none
		lane.rewrite = rewrite
	}
}

// rewrite works out what the lane's backend is sent in place of the request.
func (f *flow) rewrite() (problem *exchange.Problem) {
	f.rewritten = nil
	if f.lane.rewrite != nil {
		f.rewritten, problem = f.Rewrite(f.lane.rewrite, f.target)
	}
	return problem
}

// rewriteRequest changes out, which is otherwise finished.
func (f *flow) rewriteRequest(out *http.Request, endpoint *pool) {
	if w := f.rewritten; w != nil {
		rewriteFor(endpoint, out, w)
	}
}

// rewriteFor makes out the request that w says an endpoint is sent.
func rewriteFor(endpoint *pool, out *http.Request, w *exchange.Rewritten) {
	out.URL, out.Host = targetURL(endpoint, w.Target), w.Host
	w.Request(exchange.Fields(out.Header))
}

// rewriteResponse changes the fields for the client, before ours are added.
func (f *flow) rewriteResponse(out exchange.Fields) {
	if f.rewritten != nil {
		f.rewritten.Response(out)
	}
}
