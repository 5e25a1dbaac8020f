package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// BackendOptions is how backends are reached.
type BackendOptions struct {
	TLS *tls.Config // nil: the system's roots
}

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
	connect, tls time.Duration
}

// pool is the keep-alive connections to one endpoint.
type pool struct {
	scheme, host string
	endpoint     string
	transport    *http.Transport
}

// pools are the connection pools of the table in service. They outlive tables.
type pools struct {
	options BackendOptions
	mu      sync.Mutex // owns byKey, and is held while the table changes
	byKey   map[poolKey]*pool
}

func newPools(o BackendOptions) *pools {
	return &pools{options: o, byKey: make(map[poolKey]*pool)}
}

// get returns the pool of key, a new one if the table in service has none; nil
// for an endpoint that is no URL, which definitions never contain.
func (p *pools) get(key poolKey, logger *slog.Logger) *pool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if existing := p.byKey[key]; existing != nil {
		return existing
	}
	u, err := url.Parse(key.endpoint)
	if err != nil || u.Host == "" {
		logger.Error("endpoint left out: not a URL", "endpoint", key.endpoint)
		return nil
	}
	return &pool{scheme: u.Scheme, host: u.Host, endpoint: u.Scheme + "://" + u.Host, transport: p.transport(key)}
}

// adopt takes in the pools of a table that comes into service. It needs mu.
func (p *pools) adopt(lanes *Lanes) { maps.Copy(p.byKey, lanes.pools) }

// keepOnly forgets the pools that lanes do not use. Exchanges under way keep
// their connections; the idle ones are closed. It needs mu.
func (p *pools) keepOnly(lanes *Lanes) {
	for key, unused := range p.byKey {
		if _, ok := lanes.pools[key]; !ok {
			delete(p.byKey, key)
			unused.transport.CloseIdleConnections()
		}
	}
}

// closeIdle closes every connection that is not in use.
func (p *pools) closeIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pool := range p.byKey {
		pool.transport.CloseIdleConnections()
	}
}

// transport is net/http's, with nothing done to messages behind our back: no
// decompression, no proxy from the environment, HTTP/1.1 only.
func (p *pools) transport(key poolKey) *http.Transport {
	dialer := &net.Dialer{Timeout: key.connect, ControlContext: checkDialled}
	t := &http.Transport{
		DisableCompression:     true,
		MaxIdleConns:           0,
		MaxIdleConnsPerHost:    maxIdlePerEndpoint,
		IdleConnTimeout:        idleLife,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxResponseHead,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return watchResponses(conn), nil
		},
	}
	t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return p.handshake(ctx, conn, address, key.tls)
	}
	return t
}

// handshake speaks TLS over conn; on failure conn is closed.
func (p *pools) handshake(ctx context.Context, conn net.Conn, address string, limit time.Duration) (net.Conn, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if p.options.TLS != nil {
		config = p.options.TLS.Clone()
	}
	if config.ServerName == "" {
		if host, _, err := net.SplitHostPort(address); err == nil {
			config.ServerName = host
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("TLS handshake: %w", err)
	}
	return watchResponses(secured), nil
}
