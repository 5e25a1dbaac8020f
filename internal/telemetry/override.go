package telemetry

// OverrideResult is what became of a signed override, as a label.
type OverrideResult string

// The results.
const (
	OverrideObeyed       OverrideResult = "obeyed"
	OverrideOtherRoute   OverrideResult = "other_route" // it is for another route than the request's
	OverrideSuspended    OverrideResult = "suspended"   // its route is rolled back or retired, or lacks the side
	OverrideRevoked      OverrideResult = "revoked"
	OverrideExpired      OverrideResult = "expired"
	OverrideMalformed    OverrideResult = "malformed"
	OverrideUnknownKey   OverrideResult = "unknown_key"
	OverrideBadSignature OverrideResult = "bad_signature"
)

// Override counts one override that a request bore.
func (m *Metrics) Override(result OverrideResult) {
	counter, ok := m.byResult.get(result)
	if !ok {
		counter = m.overrides.WithLabelValues(string(result))
		m.byResult.put(result, counter)
	}
	counter.Inc()
}
