package exchange

import "time"

// Problem is an answer made by the router itself (RFC 9457), with the reason
// that Proxy-Status (RFC 9209) gives for it.
type Problem struct {
	Code       string // stable, for machines: no_route, upstream_timeout, …
	Status     int
	Title      string // one sentence for people
	Detail     string // what was wrong and what to do, when there is more to say
	ProxyError string // RFC 9209 error type; empty: none fits
	Close      bool   // the client's connection must not be used again
	RetryAfter time.Duration
}
