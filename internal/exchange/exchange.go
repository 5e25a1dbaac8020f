package exchange

import (
	"net/netip"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Exchange is one request and all that became of it.
type Exchange struct {
	Start     time.Time
	RequestID string
	Method    string
	Scheme    string // http or https, as the client used it
	Host      string // as the client sent it
	Path      string // raw, as the client sent it, without the query
	Protocol  string // HTTP/1.1, HTTP/2.0
	Peer      netip.AddrPort
	Client    netip.Addr // the client behind trusted proxies; the peer's address without them
	UserAgent string
	TraceID   string // from traceparent, or of the trace that begins here; empty without one
	Trace     *Trace // nil: nobody follows it

	Assignment routing.Assignment // zero Route: the request ended before it was assigned

	Backend         string           // name of the backend that was asked last
	Endpoint        string           // scheme://host:port that was asked last
	Attempts        int              // how often a request was put on a connection, the transport's own replays included
	Elsewhere       int              // of Attempts, those on lanes that the exchange has left
	Retries         int              // tries after the first on its lane, those before a fallback included
	RetryRefused    bool             // a retry was left out because the lane's budget was used up
	Fallback        guard.FallbackOn // why new's request was given to legacy; 0: it was not
	FallbackRefused guard.FallbackOn // why it would have been, had legacy's budget had room
	Queued          time.Duration    // waited for permits
	Fault           int64            // id of the fault that was injected into a try; 0: none
	Kind            Kind
	Class           guard.Class
	Problem         *Problem // set when the router itself answered
	Status          int      // what the client was sent; 0: nothing; 499 is logged as such when it left before
	RequestBytes    int64    // of the body, read from the client
	SentBytes       int64    // of the body, written to the client

	FirstByte time.Duration // from Start until the response head of the backend; 0: none came
	HeadTook  time.Duration // the same from the beginning of that try
	Duration  time.Duration // from Start to the end
	Err       error         // what went wrong, for the log; never shown to the client

	// ForwardedDropped: an untrusted peer said whom it forwards for, and that was
	// not passed on.
	ForwardedDropped bool

	guard  guarded
	values singles // room for the fields that every request gets
}

// Kind is how an exchange's bytes flow; it decides which timeouts apply.
type Kind uint8

// The kinds of exchange.
const (
	KindPlain   Kind = iota
	KindUpgrade      // an upgraded connection: WebSocket and others
	KindEvents       // server-sent events
	KindGRPC
)

// String returns the kind's name as logs write it.
func (k Kind) String() string {
	switch k {
	case KindUpgrade:
		return "upgrade"
	case KindEvents:
		return "events"
	case KindGRPC:
		return "grpc"
	default:
		return "plain"
	}
}

// Stream reports whether the exchange has no end in sight: no whole-exchange timeout.
func (k Kind) Stream() bool { return k != KindPlain }
