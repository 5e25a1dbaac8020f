package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stranglerfig/strangler/internal/guard"
)

// Health is how each endpoint of a backend is asked whether it is well. It is
// while it answers 2xx or 3xx in time; redirects are not followed.
type Health struct {
	Path      string        // with a query, if need be
	Interval  time.Duration // between two checks, more or less by a tenth
	Timeout   time.Duration // of one check, until the response head
	Healthy   int           // good checks in a row that make an ill endpoint well
	Unhealthy int           // bad ones that make a well one ill
}

// firstCheck is the longest wait for the first check of an endpoint. It is
// drawn, so that a new table does not ask all endpoints at the same moment.
const firstCheck = time.Second

// checkupKey says what makes two checkups the same.
type checkupKey struct {
	backend  string
	endpoint *guard.Endpoint
	protocol Protocol
	files    BackendTLS
	health   Health
}

// checkups are the health checks of the table in service.
type checkups struct {
	names  *names
	logger *slog.Logger

	mu      sync.Mutex // owns the rest
	running map[checkupKey]*checkup
	closed  bool
}

func newCheckups(known *names, logger *slog.Logger) *checkups {
	return &checkups{names: known, logger: logger, running: make(map[checkupKey]*checkup)}
}

// adopt starts and stops checks, so that those of lanes are running. An
// endpoint that is no longer asked is well again.
func (c *checkups) adopt(lanes *Lanes) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	wanted, asked := lanes.checkups()
	for key, running := range c.running {
		if _, ok := wanted[key]; ok {
			continue
		}
		running.stop()
		delete(c.running, key)
		if _, still := asked[key.endpoint]; !still {
			key.endpoint.SetHealthy(true)
			key.endpoint.SetFault("")
		}
	}
	for key := range wanted {
		if c.running[key] == nil {
			c.running[key] = startCheckup(key, c.names, c.logger)
		}
	}
}

// checkups are those that the backends of lanes want, and the endpoints of these.
func (l *Lanes) checkups() (wanted map[checkupKey]struct{}, asked map[*guard.Endpoint]struct{}) {
	wanted, asked = make(map[checkupKey]struct{}), make(map[*guard.Endpoint]struct{})
	for name, b := range l.backends {
		if b.definition.Health == nil || b.picker == nil {
			continue
		}
		for _, endpoint := range b.picker.Endpoints() {
			wanted[checkupKey{name, endpoint, b.definition.Protocol, b.definition.TLS, *b.definition.Health}] = struct{}{}
			asked[endpoint] = struct{}{}
		}
	}
	return wanted, asked
}

// close ends all checks and waits for them.
func (c *checkups) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for key, running := range c.running {
		running.stop()
		<-running.ended
		delete(c.running, key)
	}
}

// checkup asks one endpoint again and again.
type checkup struct {
	key       checkupKey
	url       string
	transport *http.Transport
	logger    *slog.Logger
	cancel    context.CancelFunc
	ended     chan struct{}

	mu        sync.Mutex // owns the rest
	stopped   bool       // nothing is entered any more
	ill       bool
	good, bad int // checks in a row
}

func startCheckup(key checkupKey, known *names, logger *slog.Logger) *checkup {
	dial := newDialer(poolKey{
		endpoint: key.endpoint.Address(), files: key.files, connect: key.health.Timeout, tls: key.health.Timeout,
	}, known, logger)
	c := &checkup{
		key: key, url: key.endpoint.Address() + key.health.Path, transport: dial.transport(key.protocol), logger: logger,
		ended: make(chan struct{}), ill: !key.endpoint.State(time.Now()).Healthy,
	}
	if u, err := url.Parse(key.endpoint.Address()); err == nil { // it may end in a slash
		c.url = u.Scheme + "://" + u.Host + key.health.Path
	}
	c.transport.DisableKeepAlives = true // to connect is part of the check
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	go c.run(ctx)
	return c
}

// stop ends the checks; one that is under way changes nothing any more.
func (c *checkup) stop() {
	c.cancel()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
}

// run ends with ctx.
func (c *checkup) run(ctx context.Context) {
	defer close(c.ended)
	interval := c.key.health.Interval
	timer := time.NewTimer(rand.N(min(interval, firstCheck) + 1))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			c.enter(c.check(ctx))
			timer.Reset(interval - interval/10 + rand.N(interval/5+1))
		}
	}
}

// check asks once.
func (c *checkup) check(ctx context.Context) error {
	timeout := c.key.health.Timeout
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, errHeadTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("User-Agent", "strangler-health")
	response, err := c.transport.RoundTrip(request)
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, errHeadTimeout):
		return fmt.Errorf("no answer within %s", timeout)
	case err != nil:
		return err
	}
	// So that the server does not see its answer cut off; but it is the head that counts.
	_, _ = io.CopyN(io.Discard, response.Body, maxDrain)
	_ = response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 399 {
		return fmt.Errorf("it answered %d", response.StatusCode)
	}
	return nil
}

// enter counts what a check found; nil: the endpoint is well.
func (c *checkup) enter(fault error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	endpoint, logger := c.key.endpoint, c.logger.With("backend", c.key.backend, "endpoint", c.key.endpoint.Address())
	if fault == nil {
		endpoint.SetFault("")
		c.good, c.bad = c.good+1, 0
		if c.ill && c.good >= c.key.health.Healthy {
			c.ill = false
			endpoint.SetHealthy(true)
			logger.Info("endpoint is well again", "checks", c.good)
		}
		return
	}
	endpoint.SetFault(faultText(fault))
	c.good, c.bad = 0, c.bad+1
	if !c.ill && c.bad >= c.key.health.Unhealthy {
		c.ill = true
		endpoint.SetHealthy(false)
		logger.Warn("endpoint is ill: it gets no requests while another one is well", "checks", c.bad, "error", faultText(fault))
	}
}

// maxFaultText bounds what is kept of a fault, in bytes.
const maxFaultText = 200

// faultText is a fault as it is shown to people. What the backend said may be
// in it, so it is short and printable.
func faultText(fault error) string {
	text := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, fault.Error())
	if len(text) > maxFaultText {
		text = strings.ToValidUTF8(text[:maxFaultText], "") + "…"
	}
	return text
}
