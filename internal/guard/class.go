package guard

// Class is what became of one attempt, as far as retry, fallback, breaker and
// statistics need to know.
type Class uint8

// The classes. ClientFault and ClientGone say nothing about the backend and
// must never count against it.
const (
	OK          Class = iota // a response that is not a failure arrived and was relayed
	NotSent                  // no byte of the request reached the backend: dial, TLS, or a connection already closed
	NoResponse               // the request, or part of it, was sent; no response head came back
	Timeout                  // a deadline of ours passed before the response head
	Failure                  // the backend answered with a status that means failure
	BadResponse              // the backend answered with something that is no valid response
	Broken                   // the response started and then ended too early or too late
	ClientFault              // the client sent a malformed or lying body
	ClientGone               // the client went away before the end
)

var classNames = [...]string{
	"ok", "not_sent", "no_response", "timeout", "failure", "bad_response", "broken", "client_fault", "client_gone",
}

// String returns the class's name as logs and metrics write it.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "unknown"
}

// BackendFault reports whether the attempt counts as a failure of the backend.
func (c Class) BackendFault() bool {
	switch c {
	case NotSent, NoResponse, Timeout, Failure, BadResponse, Broken:
		return true
	default:
		return false
	}
}
