package shadow

import "strconv"

// Reason says why a request was not compared.
type Reason uint8

// The reasons, in the order in which they are met.
const (
	ReasonMethod      Reason = iota // the route does not say what copies of writes may do
	ReasonUpgrade                   // a WebSocket, or another upgraded connection
	ReasonEvents                    // server-sent events
	ReasonGRPC                      // gRPC
	ReasonConditional               // it asks for an answer only if something has changed
	ReasonRange                     // it asks for a part
	ReasonOneTime                   // it looks as if it could take effect once only
	ReasonLoop                      // it is a shadow request itself
	ReasonNoBackend                 // the other side has no endpoint to ask
	ReasonBreakerOpen               // the breaker of the shadow lane is open
	ReasonDropped                   // the shadow lane's queue is full
	ReasonMemory                    // there is no room left for copies
	ReasonTooLarge                  // a body is larger than what is copied
	ReasonNoProof                   // the new side has not shown that it honours the marker of a dry run
	ReasonNotSent                   // the shadow request did not reach its backend
	ReasonFallback                  // the answer came from legacy because new could not give one
	ReasonFault                     // the answer, or the way to it, was that of an injected fault
	ReasonPrimary                   // the client did not get the whole answer of a backend
	ReasonOverBudget                // comparing took more steps than are allowed
	ReasonUndecodable               // the coding of a body is not known, or the body is damaged
	ReasonBomb                      // a body grows beyond reason when it is decompressed
	ReasonStopped                   // the router, or the shadowing of the route, stopped meanwhile
	ReasonInternal                  // the router failed on it, which is a bug

	reasonCount
)

// String returns the reason's name as metrics, the store and the API write it.
func (r Reason) String() string {
	names := [...]string{
		"method", "upgrade", "events", "grpc", "conditional", "range", "one_time", "loop", "no_backend",
		"breaker_open", "dropped", "memory", "too_large", "no_proof", "not_sent", "fallback", "fault", "primary",
		"over_budget", "undecodable", "bomb", "stopped", "internal",
	}
	if int(r) < len(names) {
		return names[r]
	}
	return "reason(" + strconv.Itoa(int(r)) + ")"
}
