package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// How spans are brought to the collector.
const (
	waitingMost   = 4096             // spans waiting beyond which more are dropped
	batchMost     = 512              // spans sent at once, as OpenTelemetry's own processor does
	flushEvery    = 2 * time.Second  // a span is sent at the latest after this, when the collector keeps up
	exportTimeout = 10 * time.Second // for one batch, repetitions included
	complainEvery = time.Minute      // a collector that is away is no news every second
)

// queue brings finished spans to an exporter, on a goroutine of its own. It
// never keeps anybody waiting: what finds no room is dropped and counted.
type queue struct {
	exporter sdk.SpanExporter
	logger   *slog.Logger
	waiting  chan sdk.ReadOnlySpan
	abort    context.CancelFunc // of the export under way
	stop     chan struct{}      // closed by Shutdown
	done     chan struct{}      // closed when the goroutine has ended
	once     sync.Once          // closes stop

	exported, dropped, failed atomic.Uint64

	complained time.Time // when it was last said that spans are lost; the goroutine owns it
	told       uint64    // of the lost ones; the goroutine owns it
}

// newQueue returns a queue that works until Shutdown.
func newQueue(exporter sdk.SpanExporter, logger *slog.Logger) *queue {
	ctx, abort := context.WithCancel(context.Background())
	q := &queue{
		exporter: exporter, logger: logger, abort: abort,
		waiting: make(chan sdk.ReadOnlySpan, waitingMost), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go q.run(ctx)
	return q
}

// OnStart implements sdk.SpanProcessor.
func (q *queue) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd implements sdk.SpanProcessor.
func (q *queue) OnEnd(span sdk.ReadOnlySpan) {
	select {
	case <-q.stop:
		q.dropped.Add(1)
		return
	default:
	}
	select {
	case q.waiting <- span:
	default:
		q.dropped.Add(1)
	}
}

// ForceFlush implements sdk.SpanProcessor; nobody calls it.
func (q *queue) ForceFlush(context.Context) error { return nil }

// Shutdown implements sdk.SpanProcessor: it sends what waits, and gives up when
// ctx ends.
func (q *queue) Shutdown(ctx context.Context) error {
	q.once.Do(func() { close(q.stop) })
	before := q.failed.Load()
	select {
	case <-q.done:
	case <-ctx.Done():
		q.abort()
		<-q.done
	}
	q.abort()
	left := len(q.waiting)
	q.dropped.Add(uint64(left))
	if lost := q.failed.Load() - before + uint64(left); lost > 0 {
		return fmt.Errorf("the collector does not take the last %d spans; they are lost", lost)
	}
	return nil
}

// run sends batches until there is nothing left to wait for.
func (q *queue) run(ctx context.Context) {
	defer close(q.done)
	batch := make([]sdk.ReadOnlySpan, 0, batchMost)
	for {
		select {
		case span := <-q.waiting:
			batch = q.collect(append(batch[:0], span))
			q.send(ctx, batch)
			clear(batch)
		case <-q.stop:
			if len(q.waiting) == 0 || ctx.Err() != nil {
				_ = q.exporter.Shutdown(ctx)
				return
			}
		}
	}
}

// collect fills a batch, but does not wait for it longer than flushEvery.
func (q *queue) collect(batch []sdk.ReadOnlySpan) []sdk.ReadOnlySpan {
	late := time.NewTimer(flushEvery)
	defer late.Stop()
	for len(batch) < batchMost {
		select {
		case span := <-q.waiting: // before all else: at the end, batches are to be full ones
			batch = append(batch, span)
			continue
		default:
		}
		select {
		case span := <-q.waiting:
			batch = append(batch, span)
		case <-late.C:
			return batch
		case <-q.stop:
			return batch
		}
	}
	return batch
}

// send exports a batch. It is not kept for later when that fails: the spans
// that come meanwhile need the room.
func (q *queue) send(ctx context.Context, batch []sdk.ReadOnlySpan) {
	limited, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	err := q.exporter.ExportSpans(limited, batch)
	if err == nil {
		q.exported.Add(uint64(len(batch)))
		return
	}
	lost := q.failed.Add(uint64(len(batch))) + q.dropped.Load()
	if now := time.Now(); q.complained.IsZero() || now.Sub(q.complained) >= complainEvery {
		q.logger.Warn("the collector does not take traces: they are lost, requests are served as before",
			"error", err, "spans", lost-q.told)
		q.complained, q.told = now, lost
	}
}
