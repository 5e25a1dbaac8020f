package telemetry

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stranglerfig/strangler/internal/routing"
)

// resultSkipped is the result of a request about which nothing can be said.
const resultSkipped = "skipped"

// shadowCounters is what becomes of the shadow requests of all routes.
type shadowCounters struct {
	comparisons *prometheus.CounterVec
	skipped     *prometheus.CounterVec
	took        *prometheus.HistogramVec
}

func newShadowCounters() shadowCounters {
	return shadowCounters{
		comparisons: counters("strangler_shadow_comparisons_total",
			"Requests of a route's sample, by what came of comparing: match, mismatch or skipped. Noise is among the mismatches.", labelRoute, labelResult),
		skipped: counters("strangler_shadow_skipped_total",
			"Requests of a route's sample about which nothing can be said, by why.", labelRoute, labelReason),
		took: histograms("strangler_shadow_request_duration_seconds",
			"Shadow requests, from when they were sent to the end of their answer, by the side that was asked."),
	}
}

func (c *shadowCounters) register(registry *prometheus.Registry) {
	registry.MustRegister(c.comparisons, c.skipped, c.took)
}

// Shadow counts the shadow requests of one route. Like those of a Lane, its
// series come with the first of them and go with the route.
type Shadow struct {
	metrics *Metrics
	route   string
	series  atomic.Pointer[shadowSeries] // nil: nothing was counted yet, or it was forgotten
	live    bool                         // the table has the route; guarded by metrics.mu
}

// shadowSeries are one route's handles.
type shadowSeries struct {
	results, reasons handles[string]
}

// Shadow returns the counters of one route. The same route has the same ones
// for ever.
func (m *Metrics) Shadow(route string) *Shadow {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.shadows[route]
	if s == nil {
		s = &Shadow{metrics: m, route: route}
		m.shadows[route] = s
	}
	if !s.live {
		s.live, m.unsettled = true, true // until the next table says otherwise
	}
	return s
}

// Compared counts one comparison by its result: "match" or "mismatch".
func (s *Shadow) Compared(result string) {
	if series := s.bound(); series != nil {
		s.count(series, &series.results, s.metrics.shadow.comparisons, result)
	}
}

// Skipped counts one request of the sample about which nothing can be said, by
// the reason, and as a comparison that was skipped. It never waits for a table
// that is being set, since it is called while a client is served.
func (s *Shadow) Skipped(reason string) {
	series := s.bound()
	if series == nil {
		return
	}
	s.count(series, &series.reasons, s.metrics.shadow.skipped, reason)
	s.count(series, &series.results, s.metrics.shadow.comparisons, resultSkipped)
}

// Took records how long the answer of a side to a shadow request took.
func (s *Shadow) Took(side routing.Side, duration time.Duration) {
	if s.bound() == nil {
		return
	}
	s.metrics.mu.Lock() // no client waits here
	defer s.metrics.mu.Unlock()
	if s.series.Load() != nil {
		s.metrics.shadow.took.WithLabelValues(s.route, side.String()).Observe(duration.Seconds())
	}
}

// bound returns the route's handles; nil when the table has no such route.
func (s *Shadow) bound() *shadowSeries {
	if series := s.series.Load(); series != nil {
		return series
	}
	s.metrics.mu.Lock()
	defer s.metrics.mu.Unlock()
	series := s.series.Load()
	if series == nil && s.live {
		series = &shadowSeries{}
		s.series.Store(series)
	}
	return series
}

// count counts one by a word of the router's own. What comes after the route has
// gone must not bring a series back.
func (s *Shadow) count(series *shadowSeries, cache *handles[string], vec *prometheus.CounterVec, word string) {
	counter, ok := cache.get(word)
	if !ok {
		s.metrics.mu.Lock()
		defer s.metrics.mu.Unlock()
		if s.series.Load() != series {
			return
		}
		counter = vec.WithLabelValues(s.route, word)
		cache.put(word, counter)
	}
	counter.Inc()
}

// forget takes the route's series out of the registry. It needs metrics.mu.
func (s *Shadow) forget() {
	series := s.series.Swap(nil)
	if series == nil {
		return
	}
	c := &s.metrics.shadow
	for _, result := range series.results.keys() {
		c.comparisons.DeleteLabelValues(s.route, result)
	}
	for _, reason := range series.reasons.keys() {
		c.skipped.DeleteLabelValues(s.route, reason)
	}
	for _, side := range []routing.Side{routing.Legacy, routing.New} {
		c.took.DeleteLabelValues(s.route, side.String())
	}
}
