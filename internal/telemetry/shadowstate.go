package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// ShadowLane is what sends one route's shadow requests, at one moment. It shares
// nothing with the lanes that serve.
type ShadowLane struct {
	Route    string
	InFlight int            // shadow requests under way
	Queued   int            // that wait for their turn
	Breakers [2]guard.State // by routing.Side, of the side that is asked
}

// ShadowState is all shadowing of a router at one moment.
type ShadowState struct {
	Copied int64 // bytes of requests and answers that are held for comparison
	Limit  int64 // bytes that may be held
	Lanes  []ShadowLane
}

// ShadowState shows what a scrape finds of shadowing. Of lanes that have compared
// nothing yet it shows nothing. The function returns a copy. ShadowState may be
// called once.
func (m *Metrics) ShadowState(state func() ShadowState) {
	m.registry.MustRegister(newShadowStates(m, state))
}

// shadowStates collects it.
type shadowStates struct {
	metrics *Metrics
	state   func() ShadowState

	copied, limit             *prometheus.Desc
	breaker, inFlight, queued *prometheus.Desc // of lanes
}

func newShadowStates(m *Metrics, state func() ShadowState) *shadowStates {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &shadowStates{
		metrics: m, state: state,
		copied:   desc("strangler_shadow_copied_bytes", "Bytes of requests and answers that are held for comparison."),
		limit:    desc("strangler_shadow_copied_limit_bytes", "Bytes that may be held for comparison."),
		breaker:  desc("strangler_shadow_breaker_state", "The breaker of a side's shadow requests: 0 closed, 1 half-open, 2 open.", labelRoute, labelSide),
		inFlight: desc("strangler_shadow_in_flight", "Shadow requests under way.", labelRoute),
		queued:   desc("strangler_shadow_queued", "Shadow requests that wait for their turn.", labelRoute),
	}
}

// Describe implements prometheus.Collector.
func (c *shadowStates) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{c.copied, c.limit, c.breaker, c.inFlight, c.queued} {
		out <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *shadowStates) Collect(out chan<- prometheus.Metric) {
	send := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	state := c.state()
	send(c.copied, float64(state.Copied))
	send(c.limit, float64(state.Limit))
	met := c.metrics.shadowed()
	for _, lane := range state.Lanes {
		if !met[lane.Route] {
			continue
		}
		send(c.inFlight, float64(lane.InFlight), lane.Route)
		send(c.queued, float64(lane.Queued), lane.Route)
		for side, breaker := range lane.Breakers {
			send(c.breaker, breakerValue(breaker), lane.Route, routing.Side(side).String())
		}
	}
}

// shadowed returns the routes of which something was compared or left out.
func (m *Metrics) shadowed() map[string]bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	met := make(map[string]bool)
	for route, shadow := range m.shadows {
		if shadow.series.Load() != nil {
			met[route] = true
		}
	}
	return met
}
