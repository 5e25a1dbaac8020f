package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// dryRunField is the response field by which a backend says that it has changed
// nothing for a request with the marker of shadow requests.
const dryRunField = "Strangler-Dry-Run"

// How long an endpoint is believed, and how long it is left alone after it has
// not shown that it honours the marker: a deployment takes about that long.
const (
	proofHolds  = 5 * time.Minute
	proofRetry  = 30 * time.Second
	proofWithin = 5 * time.Second
)

// proofs are which endpoints have shown that they honour the marker of a dry
// run. It is safe for concurrent use.
type proofs struct {
	logger *slog.Logger

	mu    sync.Mutex
	known map[string]*proof // by endpoint; guarded by mu
}

// proof is what one endpoint has shown.
type proof struct {
	mu       sync.Mutex // held while the endpoint is asked
	until    time.Time
	honoured bool
}

func newProofs(logger *slog.Logger) *proofs {
	return &proofs{logger: logger, known: make(map[string]*proof)}
}

// of returns the proof of an endpoint.
func (p *proofs) of(endpoint *pool) *proof {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[endpoint.endpoint] == nil {
		p.known[endpoint.endpoint] = new(proof)
	}
	return p.known[endpoint.endpoint]
}

// honoured reports whether the endpoint may be sent the copy of a write. If that
// is not known it is asked with OPTIONS, which changes nothing even where the
// marker means nothing (RFC 9110 §9.3.7).
func (p *proofs) honoured(ctx context.Context, endpoint *pool, write *http.Request) bool {
	known := p.of(endpoint)
	known.mu.Lock()
	defer known.mu.Unlock()
	if time.Now().Before(known.until) {
		return known.honoured
	}
	ctx, cancel := context.WithTimeout(ctx, proofWithin)
	defer cancel()
	sent := errand{method: http.MethodOptions}
	probe := write.Clone(sent.watched(ctx))
	probe.Method, probe.Body, probe.ContentLength = http.MethodOptions, nil, 0
	delete(probe.Header, "Content-Type")
	delete(probe.Header, "Content-Length")
	res, err := endpoint.transport.RoundTrip(probe)
	if err != nil {
		p.settle(known, endpoint, false, "the probe failed: "+err.Error())
		return false
	}
	_ = res.Body.Close()
	p.settle(known, endpoint, honours(res), "its answer to the probe lacks "+dryRunField+": 1")
	return known.honoured
}

// answered looks at the answer to the copy of a write. One that lacks the field
// may have changed something: that must not happen twice.
func (p *proofs) answered(endpoint *pool, res *http.Response) {
	if honours(res) {
		return
	}
	known := p.of(endpoint)
	known.mu.Lock()
	defer known.mu.Unlock()
	p.logger.Error("an answer to a shadowed write does not say that it was a dry run: it may have changed something",
		"endpoint", endpoint.endpoint, "status", res.StatusCode, "want", dryRunField+": 1")
	p.settle(known, endpoint, false, "its answer to a write lacks "+dryRunField+": 1")
}

// settle keeps what was found out. It needs known.mu.
func (p *proofs) settle(known *proof, endpoint *pool, honoured bool, why string) {
	first := known.until.IsZero()
	before := known.honoured
	known.honoured, known.until = honoured, time.Now().Add(proofHolds)
	if !honoured {
		known.until = time.Now().Add(proofRetry)
	}
	switch {
	case honoured && (first || !before):
		p.logger.Info("the endpoint honours the marker of a dry run: writes are shadowed there", "endpoint", endpoint.endpoint)
	case !honoured && (first || before):
		p.logger.Error("no writes are shadowed on this endpoint: it has not shown that it honours the marker of a dry run",
			"endpoint", endpoint.endpoint, "reason", why)
	}
}

func honours(res *http.Response) bool { return res.Header.Get(dryRunField) == "1" }
