package telemetry

// Notification counts an attempt to tell a webhook what happened, by what became
// of it. Webhooks are named in definitions, so that there are few.
func (m *Metrics) Notification(webhook, result string) {
	m.notifications.WithLabelValues(webhook, result).Inc()
}
