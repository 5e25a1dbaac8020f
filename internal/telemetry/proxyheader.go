package telemetry

// ProxyHeaderFault is why a connection was closed instead of taking the client's
// address from its PROXY header, as a label.
type ProxyHeaderFault string

// The faults.
const (
	ProxyHeaderUntrusted ProxyHeaderFault = "untrusted" // the peer is none of the trusted proxies
	ProxyHeaderMissing   ProxyHeaderFault = "missing"   // the first bytes are something else
	ProxyHeaderMalformed ProxyHeaderFault = "malformed" // too long, or saying what cannot be
	ProxyHeaderTruncated ProxyHeaderFault = "truncated" // the connection ended within it
	ProxyHeaderTimeout   ProxyHeaderFault = "timeout"   // it did not come whole in time
)

// ProxyHeaderRefused counts one connection that was closed for its PROXY header.
func (m *Metrics) ProxyHeaderRefused(fault ProxyHeaderFault) {
	m.proxyHeaders.WithLabelValues(string(fault)).Inc()
}
