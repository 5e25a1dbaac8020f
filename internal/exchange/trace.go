package exchange

import (
	"encoding/hex"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// TraceID names a distributed trace; zero is none.
type TraceID [16]byte

// SpanID names one piece of work in a trace; zero is none.
type SpanID [8]byte

// Traceparent says which trace a request belongs to, and which span sent it
// (W3C Trace Context, level 1).
type Traceparent struct {
	Trace   TraceID
	Span    SpanID
	Sampled bool // the sender records its span
}

// traceparentLength is that of version 00: 00-<32 digits>-<16 digits>-<2 digits>.
const traceparentLength = 55

// ParseTraceparent reads a traceparent field; false: it is none. Later versions
// may say more behind what is known, which is left out.
func ParseTraceparent(text string) (t Traceparent, ok bool) {
	var version, flags [1]byte
	if len(text) < traceparentLength || text[2] != '-' || text[35] != '-' || text[52] != '-' ||
		!decodeLower(version[:], text[:2]) || !decodeLower(t.Trace[:], text[3:35]) ||
		!decodeLower(t.Span[:], text[36:52]) || !decodeLower(flags[:], text[53:55]) {
		return Traceparent{}, false
	}
	more := text[traceparentLength:]
	switch {
	case version[0] == 0xff, version[0] == 0 && more != "", more != "" && more[0] != '-':
		return Traceparent{}, false
	case t.Trace == TraceID{}, t.Span == SpanID{}:
		return Traceparent{}, false
	}
	t.Sampled = flags[0]&1 == 1
	return t, true
}

// decodeLower fills to from hexadecimal digits, none of them upper case, of
// which text has two for each byte.
func decodeLower(to []byte, text string) bool {
	for i := range to {
		high, low := lowerDigit(text[2*i]), lowerDigit(text[2*i+1])
		if high > 15 || low > 15 {
			return false
		}
		to[i] = high<<4 | low
	}
	return true
}

// lowerDigit is the value of a hexadecimal digit; more than 15: it is none.
func lowerDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	default:
		return 0xff
	}
}

// String writes the field, in version 00.
func (t Traceparent) String() string {
	text := make([]byte, 0, traceparentLength)
	text = hex.AppendEncode(append(text, "00-"...), t.Trace[:])
	text = hex.AppendEncode(append(text, '-'), t.Span[:])
	if t.Sampled {
		return string(append(text, "-01"...))
	}
	return string(append(text, "-00"...))
}

// Caller returns the traceparent among in; false: there is none, or none that
// can be told from another (the field may come once).
func Caller(in Fields) (Traceparent, bool) {
	values := in["Traceparent"]
	if len(values) != 1 {
		return Traceparent{}, false
	}
	return ParseTraceparent(values[0])
}

// Trace is the place of an exchange in a distributed trace, and what there is
// to tell of its tries.
type Trace struct {
	Traceparent             // the exchange's own span
	Caller      Traceparent // zero: the trace begins here
	State       string      // tracestate, on one line; empty: none that could be read
	Tries       []Try       // oldest first; none unless Sampled
}

// Try is one try to have a request answered, as a trace tells it.
type Try struct {
	Span     SpanID
	Start    time.Duration // since the exchange's
	End      time.Duration // since the exchange's Start; 0: it is under way
	Side     routing.Side
	Backend  string
	Endpoint string // scheme://host:port
	Path     string // raw, as sent, without the query
	Status   int    // of the backend's answer; 0: none came
	Class    guard.Class
	Fault    int64 // id of the fault that was injected; 0: none
	Err      error // what went wrong
}

// Propagate makes fields, which go to a backend, say that span sent them.
func (t *Trace) Propagate(fields Fields, span SpanID) {
	fields["Traceparent"] = []string{Traceparent{t.Trace, span, t.Sampled}.String()}
	delete(fields, "Tracestate")
	if t.State != "" {
		fields["Tracestate"] = []string{t.State}
	}
}

// Tracestate returns the tracestate among in, which may be spread over lines.
func Tracestate(in Fields) string { return strings.Join(in["Tracestate"], ",") }
