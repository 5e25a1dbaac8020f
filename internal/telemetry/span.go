package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Spans shows what became of the spans that traces are made of. It may be
// called once.
func (m *Metrics) Spans(count func() (exported, dropped, failed uint64)) {
	for result, pick := range map[string]func(exported, dropped, failed uint64) uint64{
		"exported": func(exported, _, _ uint64) uint64 { return exported },
		"dropped":  func(_, dropped, _ uint64) uint64 { return dropped },
		"failed":   func(_, _, failed uint64) uint64 { return failed },
	} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "strangler_trace_spans_total",
			Help:        "Spans of traces: taken by the collector, dropped because too many waited, or not taken.",
			ConstLabels: prometheus.Labels{labelResult: result},
		}, func() float64 { return float64(pick(count())) }))
	}
}
