package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// ShadowLane is what asks one side of one route for shadow answers, at one
// moment. It shares nothing with the lane that serves.
type ShadowLane struct {
	Route    string
	Side     routing.Side // that is asked
	Breaker  guard.State
	InFlight int // shadow requests under way
	Queued   int // that wait for their turn
}

// ShadowState is all shadowing of a router at one moment.
type ShadowState struct {
	Copied int64 // bytes of requests and answers that are held for comparison
	Limit  int64 // bytes that may be held
	Lanes  []ShadowLane
}

// ShadowState shows what a scrape finds of shadowing. The function returns a
// copy, with the lanes that have had a shadow request. ShadowState may be called
// once.
func (m *Metrics) ShadowState(state func() ShadowState) {
	m.registry.MustRegister(newShadowStates(state))
}

// shadowStates collects it.
type shadowStates struct {
	state func() ShadowState

	copied, limit             *prometheus.Desc
	breaker, inFlight, queued *prometheus.Desc // of lanes
}

func newShadowStates(state func() ShadowState) *shadowStates {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &shadowStates{
		state:    state,
		copied:   desc("strangler_shadow_copied_bytes", "Bytes of requests and answers that are held for comparison."),
		limit:    desc("strangler_shadow_copied_limit_bytes", "Bytes that may be held for comparison."),
		breaker:  desc("strangler_shadow_breaker_state", "The breaker of a side's shadow requests: 0 closed, 1 half-open, 2 open.", labelRoute, labelSide),
		inFlight: desc("strangler_shadow_in_flight", "Shadow requests under way, by the side that is asked.", labelRoute, labelSide),
		queued:   desc("strangler_shadow_queued", "Shadow requests that wait for their turn.", labelRoute, labelSide),
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
	for _, lane := range state.Lanes {
		side := lane.Side.String()
		send(c.breaker, breakerValue(lane.Breaker), lane.Route, side)
		send(c.inFlight, float64(lane.InFlight), lane.Route, side)
		send(c.queued, float64(lane.Queued), lane.Route, side)
	}
}
