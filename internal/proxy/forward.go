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
	"github.com/stranglerfig/strangler/internal/routing"
)

// forward does what the exchange's core says until the client has its answer.
func (f *flow) forward() {
	next := f.Begin(&f.lane.policy, exchange.Fields(f.r.Header), f.at)
	for {
		switch next.Do {
		case exchange.Admit:
			next = f.admit()
		case exchange.Send:
			next = f.attempt(next.Within)
		case exchange.Retry:
			next = f.retry(next.Wait)
		case exchange.FallBack:
			next = f.fallBack()
		case exchange.Relay:
			next = f.deliver(next.Within)
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

// attempt tries the lane's backend, if its breaker lets it.
func (f *flow) attempt(within time.Duration) exchange.Next {
	if next, moved := f.follow(); moved {
		return next
	}
	if problem := f.rewrite(); problem != nil {
		return f.Refused(problem)
	}
	try, now := f.try, f.now()
	f.Err = nil // of the try before
	ticket, ok := f.lane.guard.breaker.Allow(now)
	if !ok {
		f.Err = errCircuitOpen
		return f.Blocked(f.lane.guard.breaker.State(now).Until.Sub(now), f.replayable())
	}
	try.ticket, try.owes, try.used, try.sent = ticket, true, true, now
	f.count(now)
	next := f.ask(within)
	f.headSpan()
	if f.inconclusive() {
		try.blameless = true
		return next
	}
	try.report(f.Class, f.now())
	return next
}

// inconclusive reports whether the end of the try says nothing about the backend.
func (f *flow) inconclusive() bool {
	for _, reason := range [...]error{errCallerDeadline, errTableChanged, errBodyAstray, errNoEndpoint} {
		if errors.Is(f.Err, reason) {
			return true
		}
	}
	return false
}

// count enters the request on its lane, once.
func (f *flow) count(now time.Time) {
	if f.counted {
		return
	}
	f.counted = true
	f.lane.guard.budget.Request(now)
	if f.Assignment.Side == routing.Legacy && f.Fallback == 0 {
		f.lane.backend.fallback.Served(now)
	}
}

// failed ends a try without a usable response head.
func (f *flow) failed(class guard.Class, err error) exchange.Next {
	f.Err = err
	return f.AttemptFailed(class, f.ended())
}

// ask sends the request to one of the backend's endpoints and waits for a response head.
func (f *flow) ask(within time.Duration) exchange.Next {
	endpoint := f.pick()
	if endpoint == nil {
		f.Err = errNoEndpoint
		return f.NoEndpoint(f.replayable())
	}
	f.Endpoint = endpoint.endpoint
	transport, upgrades := endpoint.via(f.Kind == exchange.KindUpgrade)
	try := f.try
	out := f.outbound(endpoint, within)
	if !upgrades {
		// HTTP/2 has no upgrades. RFC 9110 §7.8 lets a server ignore the offer.
		delete(out.Header, "Connection")
		delete(out.Header, "Upgrade")
	}
	try.deadline.arm(within, errHeadTimeout)
	res, err := f.roundTrip(transport, out) //nolint:bodyclose // f.res: closed by relay and, in every ending, by end
	try.deadline.headArrived()
	try.unpin()
	f.finishInterims()
	f.res = res
	if err == nil {
		err = try.deadline.expired() // a head that came too late: its body is cut off already
	}
	f.tick()
	switch {
	case err == nil:
	case errors.Is(try.deadline.expired(), errCallerDeadline) && !try.trace.wrote.Load():
		f.Err = errCallerDeadline
		return f.CallerExpired()
	default:
		f.Err = err
		return f.AttemptFailed(f.classify(err), f.ended())
	}
	f.FirstByte, f.HeadTook = f.at, f.now().Sub(try.sent)
	if ambiguousResponse(res, try.trace.conn.Load()) {
		_ = try.trace.conn.Load().Close()
		return f.failed(guard.BadResponse, errAmbiguousResponse)
	}
	return f.HeadArrived(res.StatusCode, exchange.Fields(res.Header), f.ended())
}

// roundTrip asks the backend, unless a fault answers in its place.
func (f *flow) roundTrip(transport *http.Transport, out *http.Request) (*http.Response, error) {
	if by, meets := f.injection(); meets {
		f.faultSpan(by.Fault)
		if res, err := f.injected(by); res != nil || err != nil {
			return res, err
		}
	}
	return transport.RoundTrip(out)
}

// deliver relays the response, and tells the breaker when that failed though
// its head was fine.
func (f *flow) deliver(idle time.Duration) exchange.Next {
	if f.lost() {
		return f.BodyBroke(guard.ClientGone)
	}
	if f.Kind.Stream() {
		f.streams()
	}
	class := f.Class
	f.body.forget(f.try.upload)
	next := f.relay(idle)
	if f.Class != class && f.Class.BackendFault() {
		f.try.ticket.Broke(f.tick())
	}
	return next
}

// errAmbiguousResponse: where that answer ends is in doubt, so its connection is closed.
var errAmbiguousResponse = errors.New("the response has both Content-Length and Transfer-Encoding")

var (
	errNoEndpoint  = errors.New("the backend has no usable endpoint")
	errCircuitOpen = errors.New("the breaker is open")
)

// outbound builds the request for one endpoint: the client's method, target,
// host and body as they came, and the fields that may be passed on.
func (f *flow) outbound(endpoint *pool, within time.Duration) *http.Request {
	in := f.r
	ctx := httptrace.WithClientTrace(f.try.deadline.start(in.Context(), f.w), f.try.watch())
	out := in.WithContext(ctx) // method, host, length and trailers are the client's
	out.URL = targetURL(endpoint, f.target)
	out.Header = http.Header(f.OutboundRequest(exchange.Fields(in.Header), f.from))
	hideOverride(out.Header)
	f.beginSpan(exchange.Fields(out.Header), endpoint)
	hasBody := in.ContentLength != 0 && in.Body != nil && in.Body != http.NoBody
	f.copyRequest(exchange.Fields(out.Header), hasBody)
	f.rewriteRequest(out, endpoint)
	out.Body, out.GetBody = nil, nil
	out.Close, out.TransferEncoding = false, nil // those are between the client and us
	if hasBody {
		f.sendBody(out, endpoint, within)
	}
	return out
}

// sendBody makes the client's body that of out.
func (f *flow) sendBody(out *http.Request, endpoint *pool, within time.Duration) {
	in := f.r
	if f.body == nil {
		f.body = &clientBody{src: in.Body, length: in.ContentLength, trailer: in.Trailer, begun: f.Start, copy: f.shadow.Upload()}
		if limit := f.KeepsBody(); limit > 0 && in.ContentLength <= limit {
			f.body.record = &record{limit: limit}
		}
		f.body.dropTrailers(f.rewritten) // the announced ones
	}
	up := &upload{body: f.body, deadline: &f.try.deadline, head: within, idle: f.lane.policy.Timeouts.Stream, rewrites: f.rewritten}
	f.try.upload = up
	out.Body, out.GetBody = up, up.unread
	f.try.deadline.uploading = true
	if endpoint.multiplexed() {
		f.letGo(out, up)
	}
	if in.ProtoMajor == 1 {
		// A backend may answer before it has read the whole body (413,
		// 401); without this the server would swallow the rest first.
		_ = http.NewResponseController(f.w).EnableFullDuplex()
		if f.expectsContinue() {
			up.proceed = f.try.proceed
		}
	}
}

// letGo makes the body of a request to an HTTP/2 backend one that never holds
// the transport up: that waits for a read under way before it says that the
// backend has broken the exchange off.
func (f *flow) letGo(out *http.Request, up *upload) {
	if f.r.ProtoMajor == 1 {
		out.Body, out.GetBody = newDetachedBody(up), nil
		return
	}
	body := f.r.Body
	up.interrupt = func() { _ = body.Close() } // over HTTP/2 this waits for nobody
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
	try := f.try
	switch limit := try.deadline.expired(); {
	case limit == nil:
	case errors.Is(limit, errUploadTimeout):
		f.Err = limit
		return guard.ClientFault
	case errors.Is(limit, errTableChanged), errors.Is(limit, errReset), errors.Is(limit, errReplays):
		f.Err = limit
		return guard.NoResponse
	case !try.trace.wrote.Load():
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
	case !try.trace.wrote.Load():
		return guard.NotSent
	case try.trace.answered() && !connectionEnded(err):
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
