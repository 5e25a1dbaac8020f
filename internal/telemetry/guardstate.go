package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// LaneGuard is one lane's guard at one moment.
type LaneGuard struct {
	Route    string
	Side     routing.Side
	Breaker  guard.State
	InUse    int    // permits of the lane that are out
	Waiting  int    // for a permit
	Streams  int    // open streams that hold no other permit
	Rejected uint64 // since the router began
	Retries  int    // that the budget has room for
}

// BackendGuard is what the lanes of one backend share, at one moment.
type BackendGuard struct {
	Name      string
	InUse     int
	Waiting   int
	Rejected  uint64
	Fallbacks float64 // per second that there is room for
	Endpoints []guard.EndpointState
}

// Guards shows what a scrape finds in the guards: of the lanes that requests
// have met, so that ten thousand quiet routes cost nothing, and of all backends.
// Both functions return copies. Guards may be called once.
func (m *Metrics) Guards(lanes func() []LaneGuard, backends func() []BackendGuard) {
	m.registry.MustRegister(newGuardStates(m, lanes, backends))
}

// guardStates collects them.
type guardStates struct {
	metrics  *Metrics
	lanes    func() []LaneGuard
	backends func() []BackendGuard

	breaker, inUse, waiting, streams, rejected, retries *prometheus.Desc // of lanes
	backendInUse, backendWaiting, backendRejected       *prometheus.Desc
	fallbacks, endpointUp                               *prometheus.Desc
}

func newGuardStates(m *Metrics, lanes func() []LaneGuard, backends func() []BackendGuard) *guardStates {
	lane := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{labelRoute, labelSide}, nil)
	}
	backend := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append([]string{labelBackend}, more...), nil)
	}
	return &guardStates{
		metrics: m, lanes: lanes, backends: backends,
		breaker:         lane("strangler_breaker_state", "The lane's breaker: 0 closed, 1 half-open, 2 open."),
		inUse:           lane("strangler_bulkhead_in_use", "Permits of the lane that are out."),
		waiting:         lane("strangler_bulkhead_waiting", "Exchanges that wait for a permit of the lane."),
		streams:         lane("strangler_bulkhead_streams", "Open streams of the lane, which are capped apart."),
		rejected:        lane("strangler_bulkhead_rejected_total", "Exchanges that found no place in the lane."),
		retries:         lane("strangler_retry_budget_left", "Retries that the lane's budget has room for now."),
		backendInUse:    backend("strangler_backend_bulkhead_in_use", "Permits of the backend that are out, in all lanes together."),
		backendWaiting:  backend("strangler_backend_bulkhead_waiting", "Exchanges that wait for a permit of the backend."),
		backendRejected: backend("strangler_backend_bulkhead_rejected_total", "Exchanges that found no place at the backend."),
		fallbacks:       backend("strangler_fallback_budget_rate", "Fallbacks per second that the backend has room for, as a legacy one."),
		endpointUp:      backend("strangler_endpoint_up", "1: the endpoint is chosen from; 0: it is drained, ill or ejected.", labelEndpoint),
	}
}

// Describe implements prometheus.Collector.
func (c *guardStates) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		c.breaker, c.inUse, c.waiting, c.streams, c.rejected, c.retries,
		c.backendInUse, c.backendWaiting, c.backendRejected, c.fallbacks, c.endpointUp,
	} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *guardStates) Collect(out chan<- prometheus.Metric) {
	lanes, met := c.lanes(), c.metrics.met()
	for i := range lanes {
		if lane := &lanes[i]; met[laneKey{lane.Route, lane.Side}] {
			c.lane(out, lane)
		}
	}
	for _, backend := range c.backends() {
		c.backend(out, &backend)
	}
}

func (c *guardStates) lane(out chan<- prometheus.Metric, l *LaneGuard) {
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64) {
		out <- prometheus.MustNewConstMetric(desc, kind, value, l.Route, l.Side.String())
	}
	send(c.breaker, prometheus.GaugeValue, breakerValue(l.Breaker))
	send(c.inUse, prometheus.GaugeValue, float64(l.InUse))
	send(c.waiting, prometheus.GaugeValue, float64(l.Waiting))
	send(c.streams, prometheus.GaugeValue, float64(l.Streams))
	send(c.rejected, prometheus.CounterValue, float64(l.Rejected))
	send(c.retries, prometheus.GaugeValue, float64(l.Retries))
}

func (c *guardStates) backend(out chan<- prometheus.Metric, b *BackendGuard) {
	send := func(desc *prometheus.Desc, kind prometheus.ValueType, value float64, more ...string) {
		out <- prometheus.MustNewConstMetric(desc, kind, value, append([]string{b.Name}, more...)...)
	}
	send(c.backendInUse, prometheus.GaugeValue, float64(b.InUse))
	send(c.backendWaiting, prometheus.GaugeValue, float64(b.Waiting))
	send(c.backendRejected, prometheus.CounterValue, float64(b.Rejected))
	send(c.fallbacks, prometheus.GaugeValue, b.Fallbacks)
	for _, endpoint := range b.Endpoints {
		up := 0.0
		if endpoint.Healthy && !endpoint.Drained && endpoint.Ejected.IsZero() {
			up = 1
		}
		send(c.endpointUp, prometheus.GaugeValue, up, endpoint.Address)
	}
}

// breakerValue orders the states by how little passes.
func breakerValue(s guard.State) float64 {
	switch s {
	case guard.Open:
		return 2
	case guard.HalfOpen:
		return 1
	default:
		return 0
	}
}

// met returns the lanes that have series.
func (m *Metrics) met() map[laneKey]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	met := make(map[laneKey]bool)
	for key, lane := range m.lanes {
		if lane.series.Load() != nil {
			met[key] = true
		}
	}
	return met
}
