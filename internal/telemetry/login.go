package telemetry

import "github.com/prometheus/client_golang/prometheus"

// DeniedLogins shows how many requests to the admin API bore no token that is
// in force. It may be called once.
func (m *Metrics) DeniedLogins(count func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "strangler_admin_logins_denied_total",
		Help: "Requests to the admin API without a token, or with one that is not in force.",
	}, func() float64 { return float64(count()) }))
}
