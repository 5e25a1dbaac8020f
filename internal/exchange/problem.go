package exchange

import (
	"fmt"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// Problem is an answer made by the router itself (RFC 9457), with the reason
// that Proxy-Status (RFC 9209) gives for it.
type Problem struct {
	Code       string // stable, for machines: no_route, upstream_timeout, …
	Status     int
	Title      string        // one sentence for people
	Detail     string        // what was wrong and what to do, when there is more to say
	ProxyError string        // RFC 9209 error type; empty: none fits
	RetryAfter time.Duration // when it makes sense to ask again; 0: nobody knows
	Close      bool          // the client's connection must not be used again
}

// NoRoute answers a request that no route wants, not even a catch-all.
func NoRoute() *Problem {
	return &Problem{
		Code: "no_route", Status: 404, ProxyError: "destination_not_found",
		Title:  "No route matches this request.",
		Detail: "The routing table has no catch-all route; add one with prefix / and the legacy backend.",
	}
}

// NotReady answers while no routing table has been loaded yet.
func NotReady() *Problem {
	return &Problem{
		Code: "not_ready", Status: 503, ProxyError: "proxy_internal_response",
		Title:  "The router has no routing table yet.",
		Detail: "Neither the store nor a saved snapshot could be read so far; it keeps trying.",
	}
}

// Internal answers a request on which the router itself failed.
func Internal() *Problem {
	return &Problem{Code: "internal", Status: 500, ProxyError: "proxy_internal_error", Title: "The router failed on this request."}
}

// unreadableRewrite answers what should be rewritten in a way that this router
// cannot read, and so may not be sent as it is.
func unreadableRewrite(side string) *Problem {
	return &Problem{
		Code: "rewrite_invalid", Status: 500, ProxyError: "proxy_configuration_error",
		Title:  fmt.Sprintf("How to rewrite requests for the %s side cannot be read.", side),
		Detail: "The request was not sent; the router's log names the fault in the definition.",
	}
}

// overloaded answers while a bulkhead of the side is full.
func overloaded(side string) *Problem {
	return &Problem{
		Code: "overloaded", Status: 503, ProxyError: "connection_limit_reached", RetryAfter: time.Second,
		Title:  fmt.Sprintf("The %s backend is given as many requests as it may have at once.", side),
		Detail: "The request was not sent.",
	}
}

// circuitOpen answers while the side's breaker lets no request through; wait is
// how long that takes at least.
func circuitOpen(side string, wait time.Duration) *Problem {
	return &Problem{
		Code: "circuit_open", Status: 503, ProxyError: "destination_unavailable", RetryAfter: max(wait, time.Second),
		Title:  fmt.Sprintf("The %s backend has failed too often and is left alone for a while.", side),
		Detail: "The request was not sent.",
	}
}

// moved answers a request that may not be sent to either side any more.
func moved(side string) *Problem {
	return &Problem{
		Code: "route_moved", Status: 503, ProxyError: "destination_unavailable",
		Title:  fmt.Sprintf("The route left the %s backend while the request waited for another try.", side),
		Detail: "An earlier try was sent; whether it took effect is not known.",
	}
}

func methodRefused(method string) *Problem {
	return &Problem{
		Code: "method_refused", Status: 405, ProxyError: "http_request_denied", Close: true,
		Title: fmt.Sprintf("%s is not forwarded by this router.", method),
	}
}

func badTarget(why string) *Problem {
	return &Problem{
		Code: "bad_target", Status: 400, ProxyError: "http_request_error",
		Title: "The request target cannot be read in one way only.", Detail: why,
	}
}

func badHost(host string) *Problem {
	return &Problem{
		Code: "bad_host", Status: 400, ProxyError: "http_request_error",
		Title: "The Host header is malformed.", Detail: fmt.Sprintf("%q is no host name.", host),
	}
}

func callerDeadline() *Problem {
	return &Problem{
		Code: "caller_deadline", Status: 504, ProxyError: "http_response_timeout",
		Title: "The caller's own deadline has passed.", Detail: "The request was not sent.",
	}
}

// ambiguousLength closes the connection as RFC 9112 §6.3 asks: where the
// message ends is in doubt, and so is where the next one starts.
func ambiguousLength() *Problem {
	return &Problem{
		Code: "ambiguous_length", Status: 400, ProxyError: "http_request_error", Close: true,
		Title:  "Where the request ends is in doubt.",
		Detail: "It has both Content-Length and Transfer-Encoding, or a Transfer-Encoding in HTTP/1.0.",
	}
}

// problemFor is the router's answer when an attempt ended in class before any
// response head could be relayed. Nil: there is nobody left to answer.
func problemFor(class guard.Class, side string) *Problem {
	switch class {
	case guard.NotSent:
		return &Problem{
			Code: "upstream_unreachable", Status: 502, ProxyError: "destination_unavailable",
			Title: fmt.Sprintf("The %s backend could not be reached.", side), Detail: "The request was not sent.",
		}
	case guard.Timeout:
		return &Problem{
			Code: "upstream_timeout", Status: 504, ProxyError: "http_response_timeout",
			Title:  fmt.Sprintf("The %s backend did not answer in time.", side),
			Detail: "The request was sent; whether it took effect is not known.",
		}
	case guard.NoResponse:
		return &Problem{
			Code: "upstream_closed", Status: 502, ProxyError: "connection_terminated",
			Title:  fmt.Sprintf("The %s backend closed the connection without an answer.", side),
			Detail: "The request was sent, or part of it; whether it took effect is not known.",
		}
	case guard.BadResponse:
		return &Problem{
			Code: "upstream_invalid", Status: 502, ProxyError: "http_protocol_error",
			Title: fmt.Sprintf("The %s backend answered with something that is no valid HTTP response.", side),
		}
	case guard.ClientFault:
		return &Problem{
			Code: "bad_body", Status: 400, ProxyError: "http_request_error", Close: true,
			Title: "The request body is malformed or shorter than announced.",
		}
	case guard.ClientGone:
		return nil
	default:
		return Internal()
	}
}
