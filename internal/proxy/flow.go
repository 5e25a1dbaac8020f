package proxy

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// statusClientGone is what logs show when the client left before an answer
// (nginx's number; it is never sent).
const statusClientGone = 499

// flow is one exchange as this driver sees it: the exchange itself, and the
// net/http values its bytes come from and go to. The handler's goroutine owns
// it, except for the fields marked otherwise.
type flow struct {
	exchange.Exchange

	proxy  *Proxy
	w      http.ResponseWriter
	r      *http.Request
	from   exchange.Origin
	target exchange.Target

	gen      *generation
	request  routing.Request
	route    *routing.Route
	lane     *lane         // nil until assigned
	counted  bool          // the request was entered on its lane
	at       time.Duration // since Start, when the clock was last read
	stumbled bool          // a try on the lane failed after it was sent, and was made once more
	entered  time.Duration // since Start, when it came to the lane
	permits  permits
	metrics  *telemetry.Lane

	rewritten *exchange.Rewritten // nil: the lane's requests go as they came

	shadow *shadow.Job     // nil: the other side is not asked
	served routing.Side    // that shadow was begun for
	copied *shadow.Request // its body is yet to come; nil: it is not waited for

	body         *clientBody     // nil without a request body
	callerLeaves time.Time       // no wait for the backend goes beyond it; zero: the caller did not say
	try          *attempt        // under way, or the one whose response is relayed; nil: no table yet
	avoid        *guard.Endpoint // the one of the last try that is over; nil: none
	first        attempt         // room for the only one that most exchanges have
	connections  atomic.Int32    // that the request was put on, the transport's own replays included
	inform       inform
	res          *http.Response
	announced    []string // the response's trailers, as far as its head names them
	answered     bool     // a final status was given to the client's side

	closeAfter bool // the client's connection must not be used again
}

// maxRequestID is how long a request id of the client's may be; a longer one is
// replaced, since it goes into every log on the way.
const maxRequestID = 128

// open starts an exchange.
func (p *Proxy) open(w http.ResponseWriter, r *http.Request) *flow {
	f := &flow{proxy: p, w: w, r: r, metrics: p.unrouted}
	f.Start = time.Now()
	f.Method, f.Host, f.Protocol = r.Method, r.Host, r.Proto
	if strings.HasPrefix(r.RequestURI, "/") { // a URL may hold a password: inspect cuts the path out of it
		f.Path, _, _ = strings.Cut(r.RequestURI, "?")
	}
	f.UserAgent = r.UserAgent()
	f.joinTrace()
	f.RequestID = r.Header.Get("X-Request-Id")
	if f.RequestID == "" || len(f.RequestID) > maxRequestID {
		f.RequestID = newRequestID()
	}
	f.from = f.origin()
	f.Client = exchange.ClientAddress(exchange.Fields(r.Header), f.from, p.trusts)
	// Nobody upgrades with a body under way, and HTTP/1.0 cannot (RFC 9110 §7.8).
	upgradable := r.ProtoMajor == 1 && r.ProtoMinor > 0 && r.ContentLength == 0
	f.Kind = exchange.RequestKind(upgradable, exchange.Fields(r.Header))
	if f.Kind == exchange.KindGRPC {
		if total := exchange.GRPCTimeout(exchange.Fields(r.Header)); total > 0 {
			f.callerLeaves = f.Start.Add(total)
		}
	}
	return f
}

// origin says where the request came from, and by which scheme its client asked.
func (f *flow) origin() exchange.Origin {
	peer, err := netip.ParseAddrPort(f.r.RemoteAddr)
	if err == nil {
		f.Peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	}
	from := exchange.Origin{Peer: f.Peer.Addr(), Scheme: "http", Host: f.r.Host}
	from.PeerText = peerText(f.r.RemoteAddr, from.Peer)
	from.Trusted = f.proxy.trusts(from.Peer)
	if overTLS(f.r) {
		from.Scheme = "https"
	}
	if f.proxy.refusals != nil {
		f.throughBalancer(&from)
	}
	f.Scheme = from.Scheme
	if from.Trusted && f.r.Header.Get("X-Forwarded-Proto") == "https" {
		f.Scheme = "https"
	}
	return from
}

// peerText is the address part of RemoteAddr without another allocation where
// it can be cut out of it.
func peerText(remote string, addr netip.Addr) string {
	if i := strings.LastIndexByte(remote, ':'); i > 0 && remote[0] != '[' {
		return remote[:i]
	}
	return addr.String()
}

// newRequestID returns 128 random bits in hex. They need to be distinct, not secret.
func newRequestID() string {
	var raw [16]byte
	binary.LittleEndian.PutUint64(raw[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(raw[8:], rand.Uint64())
	var text [32]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

// inspect refuses what is not forwarded at all.
func (f *flow) inspect() *exchange.Problem {
	head := exchange.Head{Method: f.Method, Target: f.r.RequestURI, Host: f.Host, HTTP2: f.r.ProtoMajor == 2}
	switch watch := watchOf(f.r.Context()); {
	case f.r.ProtoMajor != 1:
	case len(f.r.TransferEncoding) > 0:
		head.Ambiguous = watch.sawAmbiguous()
		// Where the head could not be followed, net/http has settled on the
		// chunks, and closing afterwards is what RFC 9112 §6.3 then asks for.
		f.closeAfter = !watch.follows()
	case f.r.ProtoMinor == 0:
		// HTTP/1.0 has no chunks, so net/http drops the field (RFC 9112 §6.1).
		head.Ambiguous = watch.sawCoding()
		f.closeAfter = !watch.follows()
	}
	target, problem := exchange.Inspect(head)
	f.target = target
	if problem == nil {
		f.Path = target.Raw
	}
	return problem
}

// pin takes hold of the table in service, for the whole exchange.
func (f *flow) pin() bool {
	f.gen = f.proxy.acquire()
	if f.gen == nil {
		return false
	}
	f.begin(&f.first, f.gen)
	return true
}

// match finds the route; false: there is none.
func (f *flow) match() bool {
	f.request = routing.Request{
		Method: f.Method, Host: routing.NormalizeHost(f.Host), Path: f.target.Path,
		RawQuery: f.target.Query, Header: f.r.Header, Client: f.Client,
	}
	f.route = f.gen.table.Match(&f.request)
	return f.route != nil
}

// assign decides the side, and with it the lane.
func (f *flow) assign() {
	f.Assignment = f.gen.table.Assign(f.route, &f.request)
	f.override()
	f.use(f.gen.lanes.byRoute[f.route.Index].side(f.Assignment.Side))
}

// end records the exchange, whatever its ending: a panic passes through here too.
func (f *flow) end() {
	cause := recover()
	aborted := cause != nil && !f.survive(cause)
	f.Duration = time.Since(f.Start)
	f.permits.release()
	if f.try != nil {
		f.try.leave(f.Class, f.Start.Add(f.Duration))
		f.try.deadline.stop()
	}
	if f.res != nil {
		_ = f.res.Body.Close()
	}
	f.endUpload()
	f.endShadow(aborted)
	f.Attempts = int(f.connections.Load())
	if f.Status == 0 && f.Class == guard.ClientGone {
		f.Status = statusClientGone
	}
	if f.lane == nil {
		f.metrics.Begin()
	}
	if f.lane != nil && f.Attempts > 0 {
		f.lane.counts.Add(f.Method)
	}
	if f.lane != nil {
		f.record(f.Start.Add(f.Duration))
	}
	if peer := f.Peer.Addr(); f.ForwardedDropped && !f.proxy.trusts(peer) {
		f.proxy.untrusted.note(peer, f.Start)
	}
	f.metrics.End(&f.Exchange)
	f.proxy.accessLog.Log(&f.Exchange)
	f.endTrace()
	if aborted {
		abort()
	}
}

// survive handles a panic. It reports whether the client has a whole answer.
func (f *flow) survive(cause any) bool {
	if cause == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
		return false
	}
	f.Err = fmt.Errorf("panic: %v", cause)
	f.proxy.logger.Error("the router failed on a request: this is a bug in it",
		"request_id", f.RequestID, "error", f.Err, "stack", string(debug.Stack()))
	f.finishInterims()
	return !f.answered && f.apologise()
}

// apologise answers for a panic. It reports whether the client has that answer:
// what has failed once may fail again, and the permits are yet to be given back.
func (f *flow) apologise() (whole bool) {
	defer func() { whole = recover() == nil }()
	f.answer(exchange.Internal())
	return true
}

// lingering is how long the rest of a request body is taken in after an
// answer that did not wait for it, so that the client reads the answer.
const lingering = 5 * time.Second

// endUpload ends the transport's reading of the request body, and leaves what
// has not come in to the server, which reads some of it before it closes the
// connection, but not for ever.
func (f *flow) endUpload() {
	if f.body != nil {
		f.RequestBytes = f.body.end(f.w)
	}
	if f.r.ProtoMajor == 1 && !f.uploaded() {
		_ = http.NewResponseController(f.w).SetReadDeadline(time.Now().Add(lingering))
	}
}

// uploaded reports whether the client has sent all of its request.
func (f *flow) uploaded() bool {
	if f.body == nil {
		return f.r.ContentLength == 0
	}
	return f.body.whole()
}

// closes reports whether the client's connection ends with this answer. It
// must when the request has not come in whole: net/http would look for the
// next request wherever reading the rest of this one failed. It does so too
// when the router is about to stop; over HTTP/2 that becomes a GOAWAY.
func (f *flow) closes() bool {
	leaving := f.proxy.leaving.Load()
	if f.r.ProtoMajor != 1 {
		return leaving
	}
	if !f.uploaded() {
		f.closeAfter = true
		// Or the server would swallow the rest first.
		_ = http.NewResponseController(f.w).EnableFullDuplex()
	}
	return f.closeAfter || leaving
}

// abort ends the client's connection: it must see that its answer is not whole.
func abort() { panic(http.ErrAbortHandler) }
