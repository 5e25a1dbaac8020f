package telemetry

import (
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Lane counts the exchanges of one route's one side. Its series come into being
// with its first exchange, so that ten thousand quiet routes cost nothing, and
// go when the table no longer has the route.
type Lane struct {
	metrics  *Metrics
	key      laneKey
	inFlight atomic.Int64
	series   atomic.Pointer[series] // nil: no exchange yet, or forgotten
	live     bool                   // the table has the route; guarded by metrics.mu
}

// series are the handles of one lane, bound once.
type series struct {
	duration, upstream prometheus.Observer
	attempts           prometheus.Counter
	requests           handles[outcome]
	cohortKeys         handles[source]
	keyChanged         handles[struct{}]
	guard              guardSeries
}

// outcome is what a request is counted by: a method of ours and a status.
type outcome struct {
	method method
	status uint16 // 0: other
}

// Begin notes that an exchange is under way. Every Begin has one End.
func (l *Lane) Begin() { l.inFlight.Add(1) }

// Leave takes back a Begin: the exchange goes on in another lane, after so many
// attempts in this one.
func (l *Lane) Leave(attempts int) {
	l.inFlight.Add(-1)
	if attempts == 0 {
		return
	}
	if s := l.bound(); s != nil {
		s.attempts.Add(float64(attempts))
	}
}

// End records a finished exchange.
func (l *Lane) End(x *exchange.Exchange) {
	l.inFlight.Add(-1)
	l.metrics.end(x)
	s := l.bound()
	if s == nil {
		return // the route has left the table meanwhile
	}
	l.request(s, x)
	if x.HeadTook > 0 {
		s.upstream.Observe(x.HeadTook.Seconds())
	}
	if x.Kind != exchange.KindUpgrade && x.Kind != exchange.KindEvents {
		s.duration.Observe(x.Duration.Seconds())
	}
	if here := x.Attempts - x.Elsewhere; here > 0 {
		s.attempts.Add(float64(here))
	}
	l.crossed(s, x)
	if x.Assignment.Stage == routing.StageCanary && x.Assignment.Reason != routing.ReasonOverride {
		l.cohortKey(s, &x.Assignment)
	}
}

// end counts what belongs to no lane.
func (m *Metrics) end(x *exchange.Exchange) {
	if x.Problem != nil {
		m.problem(x.Problem.Code)
	}
	if x.Class == guard.ClientFault {
		m.clientFaults.Inc()
	}
}

// bound returns the lane's handles; nil when the table has no such route.
func (l *Lane) bound() *series {
	if s := l.series.Load(); s != nil {
		return s
	}
	m := l.metrics
	m.mu.Lock()
	defer m.mu.Unlock()
	s := l.series.Load()
	if s == nil && l.live {
		route, side := l.key.route, l.key.side.String()
		s = &series{
			duration: m.duration.WithLabelValues(route, side),
			upstream: m.upstream.WithLabelValues(route, side),
			attempts: m.attempts.WithLabelValues(route, side),
		}
		l.series.Store(s)
	}
	return s
}

func (l *Lane) request(s *series, x *exchange.Exchange) {
	key := outcome{method: methodOf(x.Method)}
	if x.Status >= 100 && x.Status <= 599 {
		key.status = uint16(x.Status)
	}
	counter, ok := s.requests.get(key)
	if !ok {
		counter = bind(l, s, &s.requests, l.metrics.requests, key,
			l.key.route, l.key.side.String(), key.method.String(), key.code())
	}
	if counter != nil {
		counter.Inc()
	}
}

func (l *Lane) cohortKey(s *series, a *routing.Assignment) {
	key := sourceOf(a)
	counter, ok := s.cohortKeys.get(key)
	if !ok {
		counter = bind(l, s, &s.cohortKeys, l.metrics.cohortKeys, key, l.key.route, key.String())
	}
	if counter != nil {
		counter.Inc()
	}
	if !a.KeyChanged {
		return
	}
	if counter, ok = s.keyChanged.get(struct{}{}); !ok {
		counter = bind(l, s, &s.keyChanged, l.metrics.keyChanged, struct{}{}, l.key.route)
	}
	if counter != nil {
		counter.Inc()
	}
}

// count counts one of what happens too seldom for its labels to matter.
func count[K comparable](l *Lane, s *series, cache *handles[K], vec *prometheus.CounterVec, key K, labels ...string) {
	counter, ok := cache.get(key)
	if !ok {
		counter = bind(l, s, cache, vec, key, labels...)
	}
	if counter != nil {
		counter.Inc()
	}
}

// bind makes the counter of a label set met for the first time; nil when the
// lane's series were forgotten meanwhile, which must not bring one back.
func bind[K comparable](l *Lane, s *series, cache *handles[K], vec *prometheus.CounterVec, key K, labels ...string) prometheus.Counter {
	l.metrics.mu.Lock()
	defer l.metrics.mu.Unlock()
	if l.series.Load() != s {
		return nil
	}
	counter := vec.WithLabelValues(labels...)
	cache.put(key, counter)
	return counter
}

// forget takes the lane's series out of the registry. It needs metrics.mu.
func (l *Lane) forget() {
	s := l.series.Swap(nil)
	if s == nil {
		return
	}
	m, route, side := l.metrics, l.key.route, l.key.side.String()
	m.duration.DeleteLabelValues(route, side)
	m.upstream.DeleteLabelValues(route, side)
	m.attempts.DeleteLabelValues(route, side)
	for _, key := range s.requests.keys() {
		m.requests.DeleteLabelValues(route, side, key.method.String(), key.code())
	}
	for _, key := range s.cohortKeys.keys() {
		m.cohortKeys.DeleteLabelValues(route, key.String())
	}
	m.keyChanged.DeleteLabelValues(route)
	s.guard.forget(l.key, &m.guard)
}

// code is the status as a label.
func (o outcome) code() string {
	if o.status == 0 {
		return "other"
	}
	return strconv.Itoa(int(o.status))
}
