package proxy

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/stranglerfig/strangler/internal/exchange"
)

// Tracer follows exchanges through distributed traces.
type Tracer interface {
	// Begin gives x its Trace; in are the fields of its request.
	Begin(x *exchange.Exchange, in exchange.Fields)
	// End is told of x once it is over, and must not keep it.
	End(x *exchange.Exchange)
}

// joinTrace finds the trace that the request belongs to.
func (f *flow) joinTrace() {
	in := exchange.Fields(f.r.Header)
	if tracer := f.proxy.tracer; tracer != nil {
		tracer.Begin(&f.Exchange, in)
		return
	}
	if _, ok := exchange.Caller(in); ok { // then all the digits are where they belong
		f.TraceID = in["Traceparent"][0][3:35]
	}
}

// beginSpan makes the try about to begin a span of its own, which the fields in
// out say to the backend.
func (f *flow) beginSpan(out exchange.Fields, endpoint *pool) {
	t := f.Trace
	if t == nil {
		return
	}
	var span exchange.SpanID
	binary.BigEndian.PutUint64(span[:], rand.Uint64()|1) // zero is no id
	t.Propagate(out, span)
	if !t.Sampled {
		return
	}
	path := f.target.Raw
	if f.rewritten != nil {
		path = f.rewritten.Target.Raw
	}
	t.Tries = append(t.Tries, exchange.Try{
		Span: span, Start: f.at, Side: f.Assignment.Side, Backend: f.Backend, Endpoint: endpoint.endpoint, Path: path,
	})
}

// span is that of the try under way; nil: there is none to tell of.
func (f *flow) span() *exchange.Try {
	if f.Trace == nil || len(f.Trace.Tries) == 0 {
		return nil
	}
	last := &f.Trace.Tries[len(f.Trace.Tries)-1]
	if last.End != 0 {
		return nil
	}
	return last
}

// faultSpan notes the fault that the try under way meets.
func (f *flow) faultSpan(id int64) {
	if span := f.span(); span != nil {
		span.Fault = id
	}
}

// headSpan notes what the try under way came to, as far as the head of its
// response says. A response that is relayed goes on.
func (f *flow) headSpan() {
	span := f.span()
	if span == nil {
		return
	}
	span.Status, span.Class, span.Err = f.Status, f.Class, f.Err
	if f.res == nil {
		f.endSpan()
	}
}

// endSpan ends the one under way.
func (f *flow) endSpan() {
	if span := f.span(); span != nil {
		span.End = max(f.at, 1)
	}
}

// endTrace tells of the exchange, which is over.
func (f *flow) endTrace() {
	if f.Trace == nil {
		return
	}
	if span := f.span(); span != nil { // its response was relayed, or a panic came between
		span.Class, span.Err, span.End = f.Class, f.Err, f.Duration
	}
	f.proxy.tracer.End(&f.Exchange)
}
