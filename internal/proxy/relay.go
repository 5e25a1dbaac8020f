package proxy

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
)

// relay streams the response to the client. Between two reads of the backend's
// body may lie at most idle.
func (f *flow) relay(idle time.Duration) exchange.Next {
	if f.res.StatusCode == http.StatusSwitchingProtocols {
		return f.tunnel(idle)
	}
	f.writeHead()
	flush := f.Kind.Stream() || f.res.ContentLength < 0
	// A head that came alone is passed on alone: its body may take its time. An
	// answer without a body is not begun early: over HTTP/2 its head has to end
	// the stream, or gRPC's clients miss the trailers they wait for.
	alone := f.res.Body != http.NoBody && !f.try.trace.bodyBegun()
	if (flush || alone) && f.res.ContentLength != 0 {
		_ = http.NewResponseController(f.w).Flush()
	}
	if err := f.copyBody(idle, flush); err != nil {
		f.Err = err
		return f.BodyBroke(f.brokenBy(err))
	}
	if f.res.ProtoMajor == 1 {
		_ = f.res.Body.Close() // now, not later: it completes the trailers
	} // over HTTP/2 they are complete, and Close would wait for the request's end
	f.writeTrailers()
	return f.Relayed(exchange.Fields(f.res.Trailer))
}

// writeHead sends status and header fields.
func (f *flow) writeHead() {
	h := exchange.Fields(f.w.Header())
	exchange.InboundResponse(h, exchange.Fields(f.res.Header))
	f.rewriteResponse(h)
	f.shadowHead(h)
	f.KeepPrivate(h)
	if f.MintsCookie(exchange.Fields(f.r.Header), exchange.Fields(f.res.Header)) {
		cookies := slices.Clone(h["Set-Cookie"])
		h["Set-Cookie"] = append(cookies, f.CohortCookie(newCohortKey()))
	}
	if len(f.res.Trailer) > 0 {
		f.announced = slices.Sorted(maps.Keys(f.res.Trailer))
		h["Trailer"] = []string{strings.Join(f.announced, ", ")}
		if f.r.ProtoMajor == 1 {
			delete(h, "Content-Length") // HTTP/2 has both at once, HTTP/1.1 has trailers after chunks only
		}
	}
	if f.closes() {
		h["Connection"] = []string{"close"}
	}
	f.answered = true
	f.w.WriteHeader(f.res.StatusCode)
}

// buffers are for copying bodies. 32 KiB is what one read of a busy socket
// yields at most in practice; larger ones did not move more bytes per second.
const copyBuffer = 32 << 10

var buffers sync.Pool

// borrowBuffer returns a buffer for one body; give it back with buffers.Put.
func borrowBuffer() *[]byte {
	if b, ok := buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, copyBuffer)
	return &b
}

// copyBody moves the body. The backend's clock runs only while it is waited
// for: a slow client is not its fault, and has a clock of its own.
func (f *flow) copyBody(idle time.Duration, flush bool) error {
	if f.res.Body == http.NoBody {
		return nil
	}
	pooled := borrowBuffer()
	defer buffers.Put(pooled)
	defer f.try.deadline.disarm()
	buf := *pooled
	for {
		f.try.deadline.arm(idle, errIdleTimeout)
		n, readErr := f.res.Body.Read(buf)
		if n > 0 {
			f.try.deadline.arm(f.lane.policy.Timeouts.Stream, errClientStalled)
			sent, err := f.w.Write(buf[:n])
			f.SentBytes += int64(sent)
			f.shadow.Write(buf[:n])
			if err != nil {
				return &clientWriteError{err}
			}
			// A read that did not fill the buffer emptied the socket: what came
			// must not wait here for the rest.
			if flush || (n < len(buf) && f.SentBytes < f.res.ContentLength) {
				_ = http.NewResponseController(f.w).Flush()
			}
		}
		if errors.Is(readErr, io.EOF) {
			return nil
		}
		if readErr != nil {
			return readErr
		}
	}
}

// clientWriteError marks an error on the client's side of the relay.
type clientWriteError struct{ err error }

func (e *clientWriteError) Error() string { return "writing to the client: " + e.err.Error() }
func (e *clientWriteError) Unwrap() error { return e.err }

// brokenBy says whose fault it is that a body did not arrive whole.
func (f *flow) brokenBy(err error) guard.Class {
	var write *clientWriteError
	limit := f.try.deadline.expired()
	if limit != nil {
		f.Err = limit
	}
	switch {
	case errors.As(err, &write):
		return guard.ClientGone
	case errors.Is(limit, errCallerDeadline):
		return guard.ClientGone // by its own word it waits no longer
	case limit != nil:
		return guard.Broken
	case f.r.Context().Err() != nil:
		return guard.ClientGone
	default:
		return guard.Broken
	}
}

// writeTrailers passes the trailers on; those that were not announced need
// net/http's prefix.
func (f *flow) writeTrailers() {
	if len(f.res.Trailer) == 0 {
		return
	}
	// Flushing forces chunks: net/http would otherwise compute a length for a
	// short body and drop the trailers.
	_ = http.NewResponseController(f.w).Flush()
	h := f.w.Header()
	for name, values := range f.res.Trailer {
		switch {
		case !exchange.TrailerPasses(name):
		case slices.Contains(f.announced, name):
			h[name] = values
		default:
			h[http.TrailerPrefix+name] = values
		}
	}
}
