package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// copyist sends the copies of a route's requests to one backend. It uses
// connections of its own, and of what the served requests have it uses one thing:
// it adds to the load by which endpoints are chosen, and says nothing of their health.
type copyist struct {
	side      routing.Side
	lane      *lane   // whose rewriting is done
	endpoints []*pool // parallel to those of picker
	picker    *guard.Picker
	stranger  bool // of another trust than who served: it gets no credentials
	build     string
	proofs    *proofs // of dry runs; nil: writes need none
}

// errEventStream ends the reading of an answer that has no end.
var errEventStream = errors.New("the answer is an event stream")

// Ask sends a copy, and reads the answer to its end.
func (c *copyist) Ask(ctx context.Context, r *shadow.Request, body *shadow.Copy) shadow.Reply {
	chosen := c.picker.Pick(rand.Uint64(), time.Now())
	endpoint := poolOf(chosen, c.picker, c.endpoints)
	if endpoint == nil {
		return shadow.Reply{NotAsked: true, Reason: shadow.ReasonNoBackend, Class: guard.ClientGone}
	}
	defer func() { c.picker.Done(chosen, guard.ClientGone, time.Now()) }()
	proves := c.proofs != nil && !shadow.Safe(r.Method)
	sent := errand{method: r.Method}
	out, rewritten, err := c.request(sent.watched(ctx), r, endpoint)
	if err != nil {
		return shadow.Reply{NotAsked: true, Reason: shadow.ReasonNotSent, Class: guard.ClientGone, Err: err}
	}
	if proves && !c.proofs.honoured(ctx, c.proofOf(endpoint), endpoint, out) {
		return shadow.Reply{NotAsked: true, Reason: shadow.ReasonNoProof, Class: guard.ClientGone}
	}
	res, err := endpoint.transport.RoundTrip(out)
	if err != nil {
		return lost(ctx, sent.wrote.Load(), err)
	}
	defer func() { _ = res.Body.Close() }()
	if conn := sent.conn.Load(); ambiguousResponse(res, conn) {
		_ = conn.Close()
		return shadow.Reply{Class: guard.BadResponse, Err: errAmbiguousResponse}
	}
	if proves {
		c.proofs.answered(c.proofOf(endpoint), res)
	}
	reply := c.reply(ctx, r, res, rewritten, body)
	reply.Withheld = c.withholds(r)
	return reply
}

// withholds reports whether a copy goes without the credentials of its request.
func (c *copyist) withholds(r *shadow.Request) bool {
	return c.stranger && (len(r.Header["Authorization"]) > 0 || len(r.Header["Cookie"]) > 0)
}

// proofOf is what a proof of an endpoint is needed for.
func (c *copyist) proofOf(endpoint *pool) proofID {
	return proofID{route: c.lane.guard.id.Route, endpoint: endpoint.endpoint}
}

// request makes the request for an endpoint.
func (c *copyist) request(ctx context.Context, r *shadow.Request, endpoint *pool) (*http.Request, *exchange.Rewritten, error) {
	target, problem := exchange.Inspect(exchange.Head{Method: r.Method, Target: r.Target, Host: r.Host})
	if problem != nil {
		return nil, nil, errors.New(problem.Detail)
	}
	out := (&http.Request{
		Method: r.Method, Host: r.Host, URL: targetURL(endpoint, target), Header: maps.Clone(http.Header(r.Header)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if len(r.Body) > 0 {
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(r.Body)), nil }
		out.Body, _ = out.GetBody()
		out.ContentLength = int64(len(r.Body))
	}
	delete(out.Header, "Expect") // nobody would send the body later
	if c.stranger {
		delete(out.Header, "Authorization")
		delete(out.Header, "Cookie")
	}
	rewritten, err := c.rewrite(r, target, out, endpoint)
	out.Header[shadow.Marker] = []string{"1"} // after rewriting, which may not take it away
	return out, rewritten, err
}

// rewrite does to a copy what the lane does to its requests.
func (c *copyist) rewrite(r *shadow.Request, target exchange.Target, out *http.Request, endpoint *pool) (*exchange.Rewritten, error) {
	if c.lane.rewrite == nil {
		return nil, nil
	}
	x := &exchange.Exchange{Method: r.Method, Scheme: r.Scheme, Host: r.Host}
	x.Assignment.Side = c.side
	rewritten, problem := x.Rewrite(c.lane.rewrite, target)
	if problem != nil {
		return nil, errors.New(problem.Detail)
	}
	rewriteFor(endpoint, out, rewritten)
	return rewritten, nil
}

// reply reads an answer.
func (c *copyist) reply(ctx context.Context, r *shadow.Request, res *http.Response, rewritten *exchange.Rewritten, body *shadow.Copy) shadow.Reply {
	reply := shadow.Reply{Status: res.StatusCode, Build: buildOf(res.Header, c.build), Class: exchange.ClassOf(res.StatusCode)}
	fields := make(exchange.Fields, len(res.Header))
	exchange.InboundResponse(fields, exchange.Fields(res.Header))
	if rewritten != nil {
		rewritten.Response(fields)
	}
	reply.Header = fields
	switch {
	case res.StatusCode == http.StatusSwitchingProtocols:
		return shadow.Reply{Class: guard.BadResponse, Err: errors.New("the backend switched protocols unasked")}
	case strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream"):
		return shadow.Reply{NotAsked: true, Reason: shadow.ReasonEvents, Class: reply.Class, Err: errEventStream}
	}
	if r.Method != http.MethodHead {
		body.Expect(res.ContentLength)
	}
	if err := readInto(body, res.Body); err != nil {
		reply.Err, reply.Class = err, guard.Broken
		if ctx.Err() != nil {
			reply.Class = guard.Timeout
		}
	}
	return reply
}

// readInto reads a body to its end, or to where the copy is given up.
func readInto(body *shadow.Copy, from io.Reader) error {
	pooled := borrowBuffer()
	defer buffers.Put(pooled)
	for {
		if _, failed := body.Failed(); failed {
			return nil
		}
		n, err := from.Read(*pooled)
		_, _ = body.Write((*pooled)[:n])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// lost is the reply where no answer came.
func lost(ctx context.Context, wrote bool, err error) shadow.Reply {
	switch {
	case !wrote:
		return shadow.Reply{NotAsked: true, Reason: shadow.ReasonNotSent, Class: guard.NotSent, Err: err}
	case ctx.Err() != nil:
		return shadow.Reply{Class: guard.Timeout, Err: err}
	default:
		return shadow.Reply{Class: guard.NoResponse, Err: err}
	}
}

// buildOf is the build that an answer names in a field; empty: it does not say.
func buildOf(header http.Header, field string) string {
	if field == "" {
		return ""
	}
	return header.Get(field)
}
