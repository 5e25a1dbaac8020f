package proxy

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
)

// forward does what the exchange's core says until the client has its answer.
func (f *flow) forward() {
	next := f.Begin(f.lane.limits)
	for {
		switch next.Do {
		case exchange.Send:
			next = f.attempt(next.Within)
		case exchange.Relay:
			next = f.relay(next.Within)
		case exchange.Answer:
			f.answer(next.Problem)
			return
		case exchange.Abort:
			abort()
		case exchange.Done:
			return
		}
	}
}

// attempt sends the request to the lane's backend and waits for a response head.
func (f *flow) attempt(within time.Duration) exchange.Next {
	if problem := f.rewrite(); problem != nil {
		return f.Refused(problem)
	}
	endpoint := f.lane.pick()
	if endpoint == nil {
		f.Err = errNoEndpoint
		return f.AttemptFailed(guard.NotSent)
	}
	f.Endpoint = endpoint.endpoint
	transport, upgrades := endpoint.via(f.Kind == exchange.KindUpgrade)
	out := f.outbound(endpoint, within)
	if !upgrades {
		// HTTP/2 has no upgrades. RFC 9110 §7.8 lets a server ignore the offer.
		delete(out.Header, "Connection")
		delete(out.Header, "Upgrade")
	}
	f.deadline.arm(within, errHeadTimeout)
	res, err := transport.RoundTrip(out) //nolint:bodyclose // f.res: closed by relay and, in every ending, by end
	f.deadline.headArrived()
	f.unpin()
	f.trace.finish()
	f.res = res
	if err == nil {
		err = f.deadline.expired() // a head that came too late: its body is cut off already
	}
	switch {
	case err == nil:
	case errors.Is(f.deadline.expired(), errCallerDeadline) && !f.trace.wrote.Load():
		f.Err = errCallerDeadline
		return f.CallerExpired()
	default:
		f.Err = err
		return f.AttemptFailed(f.classify(err))
	}
	f.FirstByte = time.Since(f.Start)
	if ambiguousResponse(res, f.trace.conn.Load()) {
		f.Err = errAmbiguousResponse
		_ = f.trace.conn.Load().Close()
		return f.AttemptFailed(guard.BadResponse)
	}
	return f.HeadArrived(res.StatusCode, exchange.Fields(res.Header), f.lane.limits)
}

// errAmbiguousResponse: where that answer ends is in doubt, so its connection is closed.
var errAmbiguousResponse = errors.New("the response has both Content-Length and Transfer-Encoding")

var errNoEndpoint = errors.New("the backend has no usable endpoint")

// outbound builds the request for one endpoint: the client's method, target,
// host and body as they came, and the fields that may be passed on.
func (f *flow) outbound(endpoint *pool, within time.Duration) *http.Request {
	in := f.r
	ctx := httptrace.WithClientTrace(f.deadline.start(in.Context(), f.w), f.watch())
	out := in.WithContext(ctx) // method, host, length and trailers are the client's
	out.URL = targetURL(endpoint, f.target)
	out.Header = http.Header(f.OutboundRequest(exchange.Fields(in.Header), f.from))
	hideOverride(out.Header)
	f.rewriteRequest(out, endpoint)
	out.Body, out.GetBody = nil, nil
	out.Close, out.TransferEncoding = false, nil // those are between the client and us
	if in.ContentLength != 0 && in.Body != nil && in.Body != http.NoBody {
		f.body = &clientBody{
			src: in.Body, deadline: &f.deadline, head: within, idle: f.lane.limits.Stream,
			length: in.ContentLength, trailer: in.Trailer, rewrites: f.rewritten,
		}
		f.body.dropTrailers() // the announced ones
		out.Body, out.GetBody = f.body, f.body.unread
		f.deadline.uploading = true
		if endpoint.multiplexed() {
			f.letGo(out)
		}
		if in.ProtoMajor == 1 {
			// A backend may answer before it has read the whole body (413,
			// 401); without this the server would swallow the rest first.
			_ = http.NewResponseController(f.w).EnableFullDuplex()
			if f.expectsContinue() {
				f.body.proceed = f.proceed
			}
		}
	}
	return out
}

// letGo makes the body of a request to an HTTP/2 backend one that never holds
// the transport up: that waits for a read under way before it says that the
// backend has broken the exchange off.
func (f *flow) letGo(out *http.Request) {
	if f.r.ProtoMajor == 1 {
		out.Body, out.GetBody = newDetachedBody(f.body), nil
		return
	}
	body := f.r.Body
	f.body.interrupt = func() { _ = body.Close() } // over HTTP/2 this waits for nobody
}

// targetURL makes net/http write the client's path and query byte for byte:
// Opaque is written as it is. Only a path that starts with "//" cannot travel
// that way, since net/http would take it for an authority.
func targetURL(endpoint *pool, t exchange.Target) *url.URL {
	u := &url.URL{Scheme: endpoint.scheme, Host: endpoint.host, RawQuery: t.Query, ForceQuery: t.HasQuery}
	if !strings.HasPrefix(t.Raw, "//") {
		u.Opaque = t.Raw
		return u
	}
	u.RawPath = t.Raw
	if path, err := url.PathUnescape(t.Raw); err == nil {
		u.Path = path
	}
	return u
}

// classify says whose fault a failed attempt is, and how far it came. Only
// what is certain counts as not sent.
func (f *flow) classify(err error) guard.Class {
	switch limit := f.deadline.expired(); {
	case limit == nil:
	case errors.Is(limit, errUploadTimeout):
		f.Err = limit
		return guard.ClientFault
	case errors.Is(limit, errTableChanged), errors.Is(limit, errReset):
		f.Err = limit
		return guard.NoResponse
	case !f.trace.wrote.Load():
		f.Err = limit
		return guard.NotSent
	default:
		f.Err = limit
		return guard.Timeout
	}
	clientErr := f.body.err()
	if clientErr != nil {
		f.Err = clientErr
	}
	left := f.r.Context().Err() != nil
	switch {
	case left && f.r.ProtoMajor > 1: // where a lost stream breaks the body as well
		return guard.ClientGone
	case clientErr != nil:
		return clientClass(clientErr)
	case left:
		return guard.ClientGone
	case !f.trace.wrote.Load():
		return guard.NotSent
	case f.trace.answered() && !connectionEnded(err):
		return guard.BadResponse
	default:
		return guard.NoResponse
	}
}

// clientClass tells a client that sent nonsense from one that is gone.
func clientClass(err error) guard.Class {
	var netErr net.Error
	if errors.As(err, &netErr) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return guard.ClientGone
	}
	return guard.ClientFault
}

// connectionEnded reports whether an answer stopped short rather than being malformed.
func connectionEnded(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}
