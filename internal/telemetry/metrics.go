package telemetry

import (
	"iter"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/stranglerfig/strangler/internal/routing"
)

// The names of labels. Their values are names of routes, backends and endpoints,
// the router's own words, and status codes: never anything a client can choose freely.
const (
	labelRoute    = "route"
	labelSide     = "side"
	labelMethod   = "method"
	labelCode     = "code"
	labelSource   = "source"
	labelResult   = "result"
	labelReason   = "reason"
	labelClass    = "class"
	labelCause    = "cause"
	labelTo       = "to"
	labelBackend  = "backend"
	labelEndpoint = "endpoint"
	labelWebhook  = "webhook"
)

// Metrics is everything the router counts, in a registry of its own.
type Metrics struct {
	registry *prometheus.Registry

	requests      *prometheus.CounterVec
	duration      *prometheus.HistogramVec
	upstream      *prometheus.HistogramVec
	attempts      *prometheus.CounterVec
	cohortKeys    *prometheus.CounterVec
	keyChanged    *prometheus.CounterVec
	overrides     *prometheus.CounterVec
	problems      *prometheus.CounterVec
	clientFaults  prometheus.Counter
	proxyHeaders  *prometheus.CounterVec
	notifications *prometheus.CounterVec
	weight        *prometheus.GaugeVec
	revision      prometheus.Gauge
	guard         guardCounters
	shadow        shadowCounters

	mu         sync.Mutex
	lanes      map[laneKey]*Lane       // guarded by mu; a lane is never taken out, because somebody may hold it
	shadows    map[string]*Shadow      // by route; as lanes
	routes     map[string]*routeWeight // of the table being served; guarded by mu
	generation uint64                  // of the table; guarded by mu
	unsettled  bool                    // lanes and shadows may not fit routes; guarded by mu

	byCode   handles[string]         // problems by code
	byResult handles[OverrideResult] // overrides by result
}

// routeWeight is the gauge of one route, and the last table that had the route.
type routeWeight struct {
	gauge      prometheus.Gauge
	generation uint64
}

type laneKey struct {
	route string
	side  routing.Side
}

// New returns metrics with nothing counted yet. version is the program's.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		lanes:    make(map[laneKey]*Lane), shadows: make(map[string]*Shadow), routes: make(map[string]*routeWeight),
	}
	m.requests = counters("strangler_requests_total",
		"Exchanges that ended, by what the client was sent; other: nothing.", labelRoute, labelSide, labelMethod, labelCode)
	m.duration = histograms("strangler_request_duration_seconds",
		"From the request's arrival to its end; without upgrades and server-sent events, which last as long as they like.")
	m.upstream = histograms("strangler_upstream_request_duration_seconds",
		"From the beginning of the last try until the backend's response head.")
	m.attempts = counters("strangler_upstream_attempts_total",
		"How often a request was put on a connection to a backend.", labelRoute, labelSide)
	m.cohortKeys = counters("strangler_cohort_keys_total",
		"Requests of routes in canary, by where their cohort key came from.", labelRoute, labelSource)
	m.keyChanged = counters("strangler_cohort_key_changed_total",
		"Requests of routes in canary that carry a weaker cohort key as well, by which they would be on the other side.", labelRoute)
	m.overrides = counters("strangler_overrides_total",
		"Overrides that requests bore, by what became of them.", labelResult)
	m.problems = counters("strangler_problems_total",
		"Answers made by the router itself, by problem code.", labelCode)
	m.clientFaults = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "strangler_client_faults_total",
		Help: "Exchanges that ended because the client sent a malformed or lying body; no backend is to blame.",
	})
	m.proxyHeaders = counters("strangler_proxy_protocol_rejected_total",
		"Connections closed because of their PROXY header, by what was wrong with it.", labelReason)
	m.notifications = counters("strangler_notifications_total",
		"Attempts to tell webhooks what happened, by what became of them.", labelWebhook, labelResult)
	m.weight = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "strangler_route_weight_ratio",
		Help: "Share of the route's cohorts that new serves, from 0 to 1.",
	}, []string{labelRoute})
	m.revision = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "strangler_config_revision",
		Help: "Revision of the table being served.",
	})
	m.guard = newGuardCounters()
	m.guard.register(m.registry)
	m.shadow = newShadowCounters()
	m.shadow.register(m.registry)
	m.registry.MustRegister(
		m.requests, m.duration, m.upstream, m.attempts, m.cohortKeys, m.keyChanged, m.overrides, m.problems, m.clientFaults, m.proxyHeaders, m.notifications, m.weight, m.revision,
		buildInfo(version), newInFlight(m), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Handler serves what was counted, in the format the scraper asks for; native
// histograms need the protobuf one.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// SetTable tells which table is being served: its revision, and every route
// with its weight. What was counted for any other route is forgotten, so that
// the series do not pile up as routes come and go.
func (m *Metrics) SetTable(revision routing.Revision, weights iter.Seq2[string, routing.Weight]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.generation++
	for route, weight := range weights {
		r := m.routes[route]
		if r == nil {
			r = &routeWeight{gauge: m.weight.WithLabelValues(route)}
			m.routes[route] = r
			m.unsettled = true
		}
		r.generation = m.generation
		r.gauge.Set(float64(weight) / float64(routing.FullWeight))
	}
	for route, r := range m.routes {
		if r.generation != m.generation {
			delete(m.routes, route)
			m.weight.DeleteLabelValues(route)
			m.unsettled = true
		}
	}
	if m.unsettled {
		m.settle()
	}
	m.revision.Set(float64(revision))
}

// settle makes every lane and shadow live or forgotten, as its route is in the
// table or not. It needs mu.
func (m *Metrics) settle() {
	for key, lane := range m.lanes {
		lane.live = key.route == "" || m.routes[key.route] != nil
		if !lane.live {
			lane.forget()
		}
	}
	for route, shadow := range m.shadows {
		shadow.live = m.routes[route] != nil
		if !shadow.live {
			shadow.forget()
		}
	}
	m.unsettled = false
}

// Lane returns the counters of one route's one side. The same pair has the same
// lane for ever; route "" is for requests that end before they have a route.
func (m *Metrics) Lane(route string, side routing.Side) *Lane {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := laneKey{route, side}
	lane := m.lanes[key]
	if lane == nil {
		lane = &Lane{metrics: m, key: key}
		m.lanes[key] = lane
	}
	if !lane.live {
		lane.live, m.unsettled = true, true // until the next table says otherwise
	}
	return lane
}

// problem counts one answer of the router's own.
func (m *Metrics) problem(code string) {
	counter, ok := m.byCode.get(code)
	if !ok {
		counter = m.problems.WithLabelValues(code)
		m.byCode.put(code, counter)
	}
	counter.Inc()
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// histograms are classic and native at once. The classic bounds are those that
// the OpenTelemetry HTTP conventions advise for http.server.request.duration.
func histograms(name, help string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help,
		Buckets: []float64{.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10},

		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}, []string{labelRoute, labelSide})
}

func buildInfo(version string) prometheus.Collector {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name:        "strangler_build_info",
		Help:        "Always 1; its labels say which program this is.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	})
	gauge.Set(1)
	return gauge
}
