package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
)

// How the access log trades memory for system calls.
const (
	flushEvery  = 250 * time.Millisecond // a line is written at the latest after this
	flushAt     = 32 << 10               // bytes waiting that are written at once
	waitingMost = 1 << 20                // bytes waiting beyond which lines are dropped

	closeTimeout = 2 * time.Second // a full pipe must not keep a router from stopping
)

// AccessLog writes one JSON object per exchange, with attributes named as in the
// OpenTelemetry HTTP conventions where they have a name; see appendLine.
//
// Lines wait in memory and a goroutine writes them, so a slow disk or a full
// pipe never slows a request. When a megabyte waits, further lines are dropped,
// and a line that says how many takes their place.
type AccessLog struct {
	path  string    // reopened by Reopen; empty: the writer was given
	lines sync.Pool // of *[]byte: buffers in which lines are made

	mu      sync.Mutex
	waiting []byte // whole lines; guarded by mu
	dropped int    // lines, since the last one that was kept; guarded by mu
	closed  bool   // guarded by mu

	first chan struct{} // one slot: the first line is waiting
	full  chan struct{} // one slot: flushAt bytes are waiting
	stop  chan struct{} // closed by Close
	done  chan struct{} // closed when the writing goroutine has ended

	out     sync.Mutex
	w       io.Writer // nil: off; guarded by out
	spare   []byte    // what waiting was before the last flush; guarded by out
	torn    bool      // the last write ended inside a line; guarded by out
	lastErr error     // of the last write; guarded by out
}

// NewAccessLog returns a log that writes to w until Close.
func NewAccessLog(w io.Writer) *AccessLog {
	a := &AccessLog{
		w:     w,
		first: make(chan struct{}, 1),
		full:  make(chan struct{}, 1),
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
	}
	go a.run()
	return a
}

// OpenAccessLog returns the log that --access-log asks for: a file that is
// appended to, "-" for stdout, or "off" for a log that writes nothing. A file
// that does not exist yet is made for its owner alone; one that does keeps its
// permissions.
func OpenAccessLog(path string, stdout io.Writer) (*AccessLog, error) {
	switch path {
	case "off":
		return nil, nil // a nil log is one that is off
	case "-":
		return NewAccessLog(stdout), nil
	}
	file, err := openLog(path)
	if err != nil {
		return nil, err
	}
	a := NewAccessLog(file)
	a.path = path
	return a, nil
}

// Log notes a finished exchange. It never waits for the writer. A nil AccessLog
// is one that is off.
func (a *AccessLog) Log(x *exchange.Exchange) {
	if a == nil {
		return
	}
	line, ok := a.lines.Get().(*[]byte)
	if !ok {
		line = new(make([]byte, 0, 1024))
	}
	*line = appendLine((*line)[:0], x)
	a.enqueue(*line)
	a.lines.Put(line)
}

func (a *AccessLog) enqueue(line []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	if len(a.waiting)+len(line) > waitingMost {
		a.dropped++
		return
	}
	if len(a.waiting) == 0 {
		poke(a.first)
	}
	a.waiting = append(a.waiting, line...)
	if len(a.waiting) >= flushAt {
		poke(a.full)
	}
}

// run writes what waits, soon after the first line or when there is enough.
func (a *AccessLog) run() {
	defer close(a.done)
	for {
		select {
		case <-a.first:
		case <-a.stop:
			a.flush()
			return
		}
		select {
		case <-a.full:
		case <-time.After(flushEvery):
		case <-a.stop:
		}
		a.flush()
	}
}

// flush writes what waits.
func (a *AccessLog) flush() {
	a.out.Lock()
	defer a.out.Unlock()
	a.mu.Lock()
	batch, dropped := a.waiting, a.dropped
	a.waiting, a.dropped = a.spare[:0], 0
	a.mu.Unlock()
	if dropped > 0 {
		batch = appendDropped(batch, dropped)
	}
	if lost := a.write(batch); lost > 0 {
		a.mu.Lock()
		a.dropped += dropped + lost - min(dropped, 1) // the line about dropped ones is no loss
		a.mu.Unlock()
	}
	a.spare = batch
}

// write returns how many lines could not be written. It needs out.
func (a *AccessLog) write(batch []byte) (lost int) {
	if len(batch) == 0 {
		return 0
	}
	if a.torn {
		if _, a.lastErr = a.w.Write([]byte("\n")); a.lastErr == nil {
			a.torn = false
		}
	}
	n, err := a.w.Write(batch)
	a.lastErr = err
	if err == nil {
		return 0
	}
	a.torn = a.torn || n > 0 && batch[n-1] != '\n'
	return bytes.Count(batch[n:], []byte("\n"))
}

// Reopen closes the file and opens its path again, as log rotation wants it
// after the file was moved. When that fails the old file stays in use. A log
// that was not opened by path has nothing to reopen.
func (a *AccessLog) Reopen() error {
	if a == nil || a.path == "" {
		return nil
	}
	file, err := openLog(a.path)
	if err != nil {
		return fmt.Errorf("%w; the access log goes on in the file that was open", err)
	}
	a.flush() // these lines belong to the old file
	a.out.Lock()
	old := a.w
	a.w, a.torn = file, false
	a.out.Unlock()
	return closeLog(old)
}

// Close writes what waits and closes the file, if the log opened it. It returns
// the error of the last write, and gives up on a writer that is stuck. Whatever
// is logged afterwards is lost.
func (a *AccessLog) Close() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	again := a.closed
	a.closed = true
	a.mu.Unlock()
	if again {
		return nil
	}
	close(a.stop)
	select {
	case <-a.done:
	case <-time.After(closeTimeout):
		return errors.New("close the access log: its writer does not take the last lines; they are lost")
	}
	a.out.Lock()
	defer a.out.Unlock()
	if a.path == "" {
		return a.lastErr
	}
	return errors.Join(a.lastErr, closeLog(a.w))
}

func openLog(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the access log: %w", err)
	}
	return file, nil
}

func closeLog(w io.Writer) error {
	if c, ok := w.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// appendDropped appends a line that stands for lines that were dropped.
func appendDropped(buf []byte, n int) []byte {
	buf = append(buf, `{"time":"`...)
	buf = appendTime(buf, time.Now().UTC())
	buf = append(buf, `","level":"WARN","msg":"access log lines dropped","dropped":`...)
	buf = strconv.AppendInt(buf, int64(n), 10)
	return append(buf, "}\n"...)
}

// poke fills a channel of one slot; when it is full already, that is as good.
func poke(slot chan<- struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}
