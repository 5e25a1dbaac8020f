package proxy

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// Options is what a Proxy needs besides a table.
type Options struct {
	Trusted       []netip.Prefix // peers whose X-Forwarded-* and Forwarded are believed
	ProxyProtocol bool           // every connection comes from one of Trusted, and begins with a PROXY header
	Metrics       *telemetry.Metrics
	Counts        *stats.Counts // nil: nobody asks for them
	Board         *stats.Board  // what is seen of each lane; nil: nobody asks
	AccessLog     *telemetry.AccessLog
	Overrides     Overrides      // nil: none is believed
	Resolver      *net.Resolver  // of the backends' names; nil: the system's
	Tracer        Tracer         // nil: no exchange is followed
	Shadows       *shadow.Engine // nil: the other side is never asked
	Logger        *slog.Logger

	// OnBreaker is told of every change of a breaker, by the goroutine of the
	// request that made it; nil: nobody asks.
	OnBreaker func(LaneID, guard.Change)
}

// Proxy is the handler of the data listener. It answers 503 until the first Install.
type Proxy struct {
	current    atomic.Pointer[generation]
	pools      *pools
	guards     *guards
	checkups   *checkups
	names      *names
	controlled atomic.Pointer[controlled] // nil: none yet
	trusted    []netip.Prefix
	refusals   *refusals // nil: connections begin without a PROXY header
	untrusted  forwarders
	metrics    *telemetry.Metrics
	counts     *stats.Counts
	board      *stats.Board    // nil: nobody asks
	unrouted   *telemetry.Lane // for requests that end before they have a route
	accessLog  *telemetry.AccessLog
	tracer     Tracer // nil: off
	overrides  Overrides
	revoked    atomic.Pointer[map[string]struct{}] // ids of overrides; nil: none
	shadows    *shadow.Engine                      // nil: off
	proofs     *proofs
	logger     *slog.Logger
	tunnels    tunnels
	leaving    atomic.Bool // every answer is the last one of its connection
}

// New returns a Proxy without a table.
func New(o Options) *Proxy {
	if o.Counts == nil {
		o.Counts = stats.New()
	}
	if o.Overrides == nil {
		o.Overrides = new(auth.OverrideKeys)
	}
	known := newNames(o.Resolver, o.Logger)
	p := &Proxy{
		names:     known,
		pools:     newPools(known, o.Logger),
		checkups:  newCheckups(known, o.Logger),
		guards:    newGuards(o.Logger, o.breakerChanged),
		trusted:   unmapped(o.Trusted),
		metrics:   o.Metrics,
		counts:    o.Counts,
		board:     o.Board,
		unrouted:  o.Metrics.Lane("", routing.Legacy),
		accessLog: o.AccessLog,
		tracer:    o.Tracer,
		overrides: o.Overrides,
		shadows:   o.Shadows,
		proofs:    newProofs(o.Logger),
		logger:    o.Logger,
	}
	if o.ProxyProtocol {
		p.refusals = &refusals{metrics: o.Metrics, logger: o.Logger}
	}
	return p
}

// Close ends what the Proxy does by itself: health checks, and look-ups of
// names. Exchanges are not its business; they end with their server.
func (p *Proxy) Close() {
	p.checkups.close()
	p.names.end()
}

// ServeHTTP takes one request through the data plane.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := p.open(w, r)
	defer f.end() // record it once, in every ending

	if problem := f.inspect(); problem != nil {
		f.answer(problem)
		return
	}
	if !f.pin() { // 1. one table for the whole exchange
		f.answer(exchange.NotReady())
		return
	}
	if !f.match() { // 2. the route it belongs to
		f.answer(exchange.NoRoute())
		return
	}
	f.assign()  // 3. the side that serves it
	f.shade()   // and whether the other is asked as well, beside it
	f.forward() // 4. through that lane, and back
}

// breakerChanged counts a change of a breaker, and passes it on.
func (o Options) breakerChanged(id LaneID, change guard.Change) {
	o.Metrics.BreakerChanged(id.Route, id.Side, change.After.State)
	if o.OnBreaker != nil {
		o.OnBreaker(id, change)
	}
}

// Ready reports whether a table is being served.
func (p *Proxy) Ready() bool { return p.current.Load() != nil }

// Table returns the table being served; nil before the first Install.
func (p *Proxy) Table() *routing.Table {
	if g := p.current.Load(); g != nil {
		return g.table
	}
	return nil
}

// unmapped writes networks of IPv4 addresses in the form of IPv6 as what they
// are: peers' addresses come so, whatever the socket, and netip compares the forms.
func unmapped(networks []netip.Prefix) []netip.Prefix {
	plain := make([]netip.Prefix, len(networks))
	for i, network := range networks {
		plain[i] = network
		if bits := network.Bits() - 96; network.Addr().Is4In6() && bits >= 0 {
			plain[i] = netip.PrefixFrom(network.Addr().Unmap(), bits)
		}
	}
	return plain
}

// trusts reports whether addr is one of the trusted proxies.
func (p *Proxy) trusts(addr netip.Addr) bool {
	for _, prefix := range p.trusted {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
