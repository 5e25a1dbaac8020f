package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
)

// dryRunField is the response field by which a backend says that it has changed
// nothing for a request with the marker of shadow requests.
const dryRunField = "Strangler-Dry-Run"

// How long an endpoint is believed, and how long it is left alone after it has
// not shown that it honours the marker: a deployment takes about that long. One
// whose answer to a write has refuted its proof is left alone for longer, each
// time twice as long, for each time something may have been changed.
const (
	proofHolds     = 5 * time.Minute
	proofRetry     = 30 * time.Second
	proofWithin    = 5 * time.Second
	proofDoubt     = 5 * time.Minute
	proofDoubtMost = time.Hour
)

// proofs are which endpoints have shown, for which routes, that they honour the
// marker of a dry run: one handler of a service may, and another not. It is safe
// for concurrent use.
type proofs struct {
	logger *slog.Logger

	mu    sync.Mutex
	known map[proofID]*proof // guarded by mu
}

// proofID is what a proof holds for.
type proofID struct{ route, endpoint string }

// proof is what one endpoint has shown for one route.
type proof struct {
	mu       sync.Mutex // held while the endpoint is asked
	until    time.Time
	honoured bool
	refuted  int // writes whose answers have refuted it, since it last held to its end
}

func newProofs(logger *slog.Logger) *proofs {
	return &proofs{logger: logger, known: make(map[proofID]*proof)}
}

// of returns the proof of an endpoint for a route.
func (p *proofs) of(id proofID) *proof {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[id] == nil {
		p.known[id] = new(proof)
	}
	return p.known[id]
}

// honoured reports whether the endpoint may be sent the copy of a write. If that
// is not known it is asked with OPTIONS, which changes nothing even where the
// marker means nothing (RFC 9110 §9.3.7).
func (p *proofs) honoured(ctx context.Context, id proofID, endpoint *pool, write *http.Request) bool {
	known := p.of(id)
	known.mu.Lock()
	defer known.mu.Unlock()
	if time.Now().Before(known.until) {
		return known.honoured
	}
	if known.honoured {
		known.refuted = 0
	}
	ctx, cancel := context.WithTimeout(ctx, proofWithin)
	defer cancel()
	sent := errand{method: http.MethodOptions}
	res, err := endpoint.transport.RoundTrip(probeOf(write, sent.watched(ctx)))
	switch {
	case err == nil:
		_ = res.Body.Close()
		p.settle(known, id, honours(res), "its answer to the probe lacks "+dryRunField+": 1")
	case errors.Is(ctx.Err(), context.Canceled): // the router stops
		return false
	default:
		p.settle(known, id, false, "the probe failed: "+err.Error())
	}
	return known.honoured
}

// probeOf is the question that goes before a write: the same without its body,
// and without what could make it anything but a question.
func probeOf(write *http.Request, ctx context.Context) *http.Request { //nolint:revive // the probe is of write, and in ctx
	probe := write.Clone(ctx)
	probe.Method, probe.Body, probe.GetBody, probe.ContentLength = http.MethodOptions, nil, nil, 0
	for _, name := range [...]string{"Content-Encoding", "Content-Length", "Content-Type", "Idempotency-Key"} {
		delete(probe.Header, name)
	}
	shadow.DropOverrides(probe.Header)
	return probe
}

// answered looks at the answer to the copy of a write. One that lacks the field
// may have changed something: that must not happen again soon.
func (p *proofs) answered(id proofID, res *http.Response) {
	if honours(res) {
		return
	}
	known := p.of(id)
	known.mu.Lock()
	defer known.mu.Unlock()
	p.logger.Error("an answer to a shadowed write does not say that it was a dry run: it may have changed something",
		"route", id.route, "endpoint", id.endpoint, "status", res.StatusCode, "want", dryRunField+": 1")
	if known.honoured { // of writes that were under way together one counts
		known.refuted++
	}
	p.settle(known, id, false, "its answer to a write lacks "+dryRunField+": 1")
}

// settle keeps what was found out. It needs known.mu.
func (p *proofs) settle(known *proof, id proofID, honoured bool, why string) {
	first := known.until.IsZero()
	before := known.honoured
	known.honoured, known.until = honoured, time.Now().Add(known.lasts(honoured))
	switch {
	case honoured && (first || !before):
		p.logger.Info("the endpoint honours the marker of a dry run: writes are shadowed there", "route", id.route, "endpoint", id.endpoint)
	case !honoured && (first || before):
		p.logger.Error("no writes are shadowed on this endpoint: it has not shown that it honours the marker of a dry run",
			"route", id.route, "endpoint", id.endpoint, "until", known.until.UTC().Format(time.RFC3339), "reason", why)
	}
}

// lasts is for how long something is believed of an endpoint. It needs mu.
func (k *proof) lasts(honoured bool) time.Duration {
	switch {
	case honoured:
		return proofHolds
	case k.refuted == 0:
		return proofRetry
	default:
		return min(proofDoubt<<min(k.refuted-1, 10), proofDoubtMost)
	}
}

func honours(res *http.Response) bool { return res.Header.Get(dryRunField) == "1" }
