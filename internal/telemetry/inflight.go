package telemetry

import "github.com/prometheus/client_golang/prometheus"

// inFlight collects how many exchanges each lane has under way. The lanes count
// for themselves, so that an exchange which outlives its route's series cannot
// leave a count behind, or take one too many away.
type inFlight struct {
	metrics *Metrics
	desc    *prometheus.Desc
}

func newInFlight(m *Metrics) *inFlight {
	return &inFlight{m, prometheus.NewDesc("strangler_requests_in_flight",
		"Exchanges under way.", []string{labelRoute, labelSide}, nil)}
}

// Describe implements prometheus.Collector.
func (c *inFlight) Describe(out chan<- *prometheus.Desc) { out <- c.desc }

// Collect implements prometheus.Collector: lanes that have, or had, an exchange.
func (c *inFlight) Collect(out chan<- prometheus.Metric) {
	for _, lane := range c.metrics.used() {
		out <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, float64(lane.inFlight.Load()),
			lane.key.route, lane.key.side.String())
	}
}

// used returns the lanes with something to show.
func (m *Metrics) used() []*Lane {
	m.mu.Lock()
	defer m.mu.Unlock()
	var lanes []*Lane
	for _, lane := range m.lanes {
		if lane.series.Load() != nil || lane.inFlight.Load() != 0 {
			lanes = append(lanes, lane)
		}
	}
	return lanes
}
