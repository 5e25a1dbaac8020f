package proxy

import (
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// maxIdlePerEndpoint is how many unused connections to one endpoint are kept.
// More than a small service ever needs; a burst beyond it costs handshakes only.
const maxIdlePerEndpoint = 512

// idleLife is how long an unused connection is kept: shorter than the servers'
// own limit (5 s in Node.js, Apache and uvicorn), so that we, not they, are the
// one to close. A POST that meets a server's close on its way is lost.
const idleLife = 4 * time.Second

// maxResponseHead bounds a response's header section, interim responses included.
const maxResponseHead = 256 << 10

// poolKey says what makes connections interchangeable.
type poolKey struct {
	endpoint     string
	protocol     Protocol
	files        BackendTLS
	connect, tls time.Duration
	shadows      bool // for shadow requests alone
}

// pool is the keep-alive connections to one endpoint.
type pool struct {
	scheme, host string
	name         string // host without its port
	endpoint     string
	transport    *http.Transport
	upgrades     *http.Transport // HTTP/1.1, which alone can upgrade; nil: the endpoint speaks HTTP/2 only
}

// via returns the transport for an exchange; ok is false for an upgrade that
// the endpoint cannot take part in.
func (p *pool) via(upgrade bool) (t *http.Transport, ok bool) {
	switch {
	case !upgrade:
		return p.transport, true
	case p.upgrades == nil:
		return p.transport, false
	default:
		return p.upgrades, true
	}
}

// multiplexed reports whether connections may be HTTP/2, and carry several exchanges.
func (p *pool) multiplexed() bool { return p.upgrades != p.transport }

func (p *pool) closeIdle() {
	p.transport.CloseIdleConnections()
	if p.upgrades != nil {
		p.upgrades.CloseIdleConnections()
	}
}

// pools are the connection pools of the table in service. They outlive tables.
type pools struct {
	names  *names
	logger *slog.Logger
	mu     sync.Mutex // owns byKey, and is held while the table changes
	byKey  map[poolKey]*pool
}

func newPools(known *names, logger *slog.Logger) *pools {
	return &pools{names: known, logger: logger, byKey: make(map[poolKey]*pool)}
}

// get returns the pool of key, a new one if the table in service has none; nil
// for an endpoint that is no URL, which definitions never contain.
func (p *pools) get(key poolKey) *pool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if existing := p.byKey[key]; existing != nil {
		return existing
	}
	u, err := url.Parse(key.endpoint)
	if err != nil || u.Host == "" {
		p.logger.Error("endpoint left out: not a URL", "endpoint", key.endpoint)
		return nil
	}
	return newPool(u, key, p.names, p.logger)
}

// adopt takes in the pools of a table that comes into service. It needs mu.
func (p *pools) adopt(lanes *Lanes) { maps.Copy(p.byKey, lanes.pools) }

// keepOnly forgets the pools that lanes do not use. Exchanges under way keep
// their connections; the idle ones are closed. It needs mu.
func (p *pools) keepOnly(lanes *Lanes) {
	for key, unused := range p.byKey {
		if _, ok := lanes.pools[key]; !ok {
			delete(p.byKey, key)
			unused.closeIdle()
		}
	}
	hosts := make(map[string]struct{}, len(p.byKey))
	for _, used := range p.byKey {
		hosts[used.name] = struct{}{}
	}
	p.names.keepOnly(hosts)
}

// closeIdle closes every connection that is not in use.
func (p *pools) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pool := range p.byKey {
		pool.closeIdle()
	}
}

// newPool makes the connections of one endpoint, none as yet.
func newPool(u *url.URL, key poolKey, known *names, logger *slog.Logger) *pool {
	dial := newDialer(key, known, logger)
	made := &pool{
		scheme: u.Scheme, host: u.Host, name: u.Hostname(), endpoint: u.Scheme + "://" + u.Host,
		transport: dial.transport(key.protocol),
	}
	switch key.protocol {
	case HTTP1:
		made.upgrades = made.transport
	case Auto:
		made.upgrades = dial.transport(HTTP1)
	case H2, H2C:
	}
	return made
}
