package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// guardCounters is what the guards of all lanes do, as counters.
type guardCounters struct {
	retries            *prometheus.CounterVec
	retriesRefused     *prometheus.CounterVec
	fallbacks          *prometheus.CounterVec
	fallbacksRefused   *prometheus.CounterVec
	breakerTransitions *prometheus.CounterVec
	faults             *prometheus.CounterVec
}

func newGuardCounters() guardCounters {
	return guardCounters{
		retries: counters("strangler_upstream_retries_total",
			"Tries after the first, by what the try before came to.", labelRoute, labelSide, labelClass),
		retriesRefused: counters("strangler_retry_budget_exhausted_total",
			"Retries that were left out because the lane's budget was used up.", labelRoute, labelSide),
		fallbacks: counters("strangler_fallbacks_total",
			"Requests of new that were given to legacy, by why.", labelRoute, labelCause),
		fallbacksRefused: counters("strangler_fallbacks_refused_total",
			"Requests of new that legacy had no room for, by why they would have been given to it.", labelRoute, labelCause),
		breakerTransitions: counters("strangler_breaker_transitions_total",
			"Changes of the lane's breaker, by the state that followed.", labelRoute, labelSide, labelTo),
		faults: counters("strangler_faults_injected_total",
			"Tries that met an injected fault.", labelRoute, labelSide),
	}
}

func (c *guardCounters) register(registry *prometheus.Registry) {
	registry.MustRegister(c.retries, c.retriesRefused, c.fallbacks, c.fallbacksRefused, c.breakerTransitions, c.faults)
}

// guardSeries are a lane's handles to them. Each is bound when it first counts:
// on most lanes none of this ever happens.
type guardSeries struct {
	retries            handles[retried]
	retriesRefused     handles[struct{}]
	fallbacks          handles[guard.FallbackOn]
	fallbacksRefused   handles[guard.FallbackOn]
	breakerTransitions handles[guard.State]
	faults             handles[struct{}]
}

// retried is why a request was put on a connection once more.
type retried uint8

// What is no class of the try before.
const (
	afterThrottling      retried = iota + 1<<7 // a 429 that says when to come back
	afterStaleConnection                       // the transport itself, since a kept-alive connection was closed
)

// String returns the label.
func (r retried) String() string {
	switch r {
	case afterThrottling:
		return "throttled"
	case afterStaleConnection:
		return "stale_connection"
	default:
		return guard.Class(r).String()
	}
}

// Retried counts a try that follows one which ended in class.
func (l *Lane) Retried(class guard.Class) {
	why := retried(class)
	if class == guard.OK {
		why = afterThrottling
	}
	l.retried(why)
}

// Replayed counts a try that the transport made by itself, on another
// connection, because the kept-alive one was closed.
func (l *Lane) Replayed() { l.retried(afterStaleConnection) }

func (l *Lane) retried(why retried) {
	if s := l.bound(); s != nil {
		count(l, s, &s.guard.retries, l.metrics.guard.retries, why, l.key.route, l.key.side.String(), why.String())
	}
}

// RetryRefused counts a retry that the lane's budget had no room for.
func (l *Lane) RetryRefused() {
	if s := l.bound(); s != nil {
		count(l, s, &s.guard.retriesRefused, l.metrics.guard.retriesRefused, struct{}{}, l.key.route, l.key.side.String())
	}
}

// Injected counts a try that met a fault.
func (l *Lane) Injected() {
	if s := l.bound(); s != nil {
		count(l, s, &s.guard.faults, l.metrics.guard.faults, struct{}{}, l.key.route, l.key.side.String())
	}
}

// crossed counts an exchange that has crossed to legacy, or was refused there.
func (l *Lane) crossed(s *series, x *exchange.Exchange) {
	if x.Fallback != 0 {
		count(l, s, &s.guard.fallbacks, l.metrics.guard.fallbacks, x.Fallback, l.key.route, x.Fallback.String())
	}
	if x.FallbackRefused != 0 {
		count(l, s, &s.guard.fallbacksRefused, l.metrics.guard.fallbacksRefused, x.FallbackRefused, l.key.route, x.FallbackRefused.String())
	}
}

// BreakerChanged counts a change of the breaker of a lane that requests have met.
func (m *Metrics) BreakerChanged(route string, side routing.Side, to guard.State) {
	m.mu.Lock()
	l := m.lanes[laneKey{route, side}]
	m.mu.Unlock()
	if l == nil {
		return
	}
	if s := l.bound(); s != nil {
		count(l, s, &s.guard.breakerTransitions, m.guard.breakerTransitions, to, route, side.String(), to.String())
	}
}

// forget takes the lane's series out of the registry. It needs the mutex of Metrics.
func (s *guardSeries) forget(key laneKey, c *guardCounters) {
	route, side := key.route, key.side.String()
	for _, why := range s.retries.keys() {
		c.retries.DeleteLabelValues(route, side, why.String())
	}
	for _, cause := range s.fallbacks.keys() {
		c.fallbacks.DeleteLabelValues(route, cause.String())
	}
	for _, cause := range s.fallbacksRefused.keys() {
		c.fallbacksRefused.DeleteLabelValues(route, cause.String())
	}
	for _, state := range s.breakerTransitions.keys() {
		c.breakerTransitions.DeleteLabelValues(route, side, state.String())
	}
	c.retriesRefused.DeleteLabelValues(route, side)
	c.faults.DeleteLabelValues(route, side)
}
