package telemetry_test

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/telemetry"
)

func TestRefusedProxyHeadersAreCountedByReason(t *testing.T) {
	m := telemetry.New("")
	for _, fault := range []telemetry.ProxyHeaderFault{
		telemetry.ProxyHeaderUntrusted, telemetry.ProxyHeaderTimeout, telemetry.ProxyHeaderUntrusted,
	} {
		m.ProxyHeaderRefused(fault)
	}
	want := always(0, 0)
	want[`strangler_proxy_protocol_rejected_total{reason="untrusted"}`] = 2
	want[`strangler_proxy_protocol_rejected_total{reason="timeout"}`] = 1
	wantSeries(t, m, want)
}
