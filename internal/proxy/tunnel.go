package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
)

// tunnelBuffer is small since a tunnel holds two of them for as long as it lives.
const tunnelBuffer = 4 << 10

// tunnels are the upgraded connections. The http.Server no longer knows them,
// so a drain has to end them itself.
type tunnels struct {
	mu      sync.Mutex // owns the rest
	count   int        // tunnels, and connections about to become one
	open    map[net.Conn]struct{}
	closed  bool          // closeAll has been called
	drained chan struct{} // made by drain, closed when the last tunnel ends
}

// enter announces a tunnel while the server still knows its connection, so
// that no drain overlooks it. Every enter has one leave.
func (t *tunnels) enter() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
}

// add is told the client's connection of an announced tunnel.
func (t *tunnels) add(c net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = c.Close()
		return
	}
	if t.open == nil {
		t.open = make(map[net.Conn]struct{})
	}
	t.open[c] = struct{}{}
}

// leave ends a tunnel; c is nil when none came of it.
func (t *tunnels) leave(c net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, c)
	if t.count--; t.count == 0 && t.drained != nil {
		close(t.drained)
		t.drained = nil
	}
}

// drain returns a channel that is closed when no tunnel is open any more.
func (t *tunnels) drain() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	drained := make(chan struct{})
	if t.count == 0 {
		close(drained)
		return drained
	}
	t.drained = drained
	return drained
}

// closeAll ends every tunnel and returns how many there were.
func (t *tunnels) closeAll() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for c := range t.open {
		_ = c.Close()
	}
	return len(t.open)
}

// tunnel joins client and backend after both agreed on an upgrade, until one
// of them ends it or neither says anything for idle.
func (f *flow) tunnel(idle time.Duration) exchange.Next {
	backend, ok := f.res.Body.(io.ReadWriteCloser)
	if !ok || !exchange.Offered(exchange.Fields(f.r.Header), exchange.Fields(f.res.Header)) {
		f.Err = fmt.Errorf("the backend switched to %q, the client asked for %q", f.res.Header["Upgrade"], f.r.Header["Upgrade"])
		return f.AttemptFailed(guard.BadResponse, f.ended())
	}
	f.proxy.tunnels.enter()
	client, rw, err := http.NewResponseController(f.w).Hijack()
	defer func() { f.proxy.tunnels.leave(client) }()
	if err != nil {
		f.Err = err
		return f.AttemptFailed(guard.ClientFault, f.ended())
	}
	if watched, ok := client.(*watchedConn); ok {
		watched.watch.off()
	}
	f.proxy.tunnels.add(client)
	defer client.Close()  //nolint:errcheck // the tunnel is over; there is nobody to tell
	defer backend.Close() //nolint:errcheck // as above
	f.answered = true
	if err := f.writeUpgrade(rw.Writer); err != nil {
		f.Err = err
		return f.BodyBroke(guard.ClientGone)
	}
	f.SentBytes = join(client, rw.Reader, backend, idle)
	return exchange.Next{Do: exchange.Done}
}

// writeUpgrade sends the 101 with the backend's fields.
func (f *flow) writeUpgrade(w *bufio.Writer) error {
	h := make(exchange.Fields, len(f.res.Header)+2)
	exchange.InboundResponse(h, exchange.Fields(f.res.Header))
	f.rewriteResponse(h)
	h["Connection"], h["Upgrade"] = []string{"Upgrade"}, f.res.Header["Upgrade"]
	if _, err := w.WriteString("HTTP/1.1 101 Switching Protocols\r\n"); err != nil {
		return err
	}
	if err := http.Header(h).Write(w); err != nil {
		return err
	}
	if _, err := w.WriteString("\r\n"); err != nil {
		return err
	}
	return w.Flush()
}

// join copies both ways until both directions have ended, or nothing moved for
// idle. It returns how many bytes the client was sent.
func join(client net.Conn, buffered io.Reader, backend io.ReadWriteCloser, idle time.Duration) int64 {
	watchdog := time.AfterFunc(idle, func() {
		_ = client.Close()
		_ = backend.Close()
	})
	defer watchdog.Stop()
	alive := func() { watchdog.Reset(idle) }

	var sent atomic.Int64
	upload := make(chan struct{})
	go func() {
		defer close(upload)
		pump(backend, buffered, alive, nil)
		halfClose(backend)
	}()
	pump(client, backend, alive, &sent)
	halfClose(client)
	<-upload
	return sent.Load()
}

// pump copies until an error or the end, and says so after each read. When it
// cannot write any more it ends the source as well, so that nobody waits.
func pump(dst io.Writer, src io.Reader, alive func(), count *atomic.Int64) {
	buf := make([]byte, tunnelBuffer)
	for {
		n, err := src.Read(buf)
		alive()
		if n > 0 {
			if _, werr := dst.Write(buf[:n]); werr != nil {
				closeBoth(dst, src)
				return
			}
			if count != nil {
				count.Add(int64(n))
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				closeBoth(dst, src)
			}
			return
		}
	}
}

func closeBoth(a io.Writer, b io.Reader) {
	for _, end := range [...]any{a, b} {
		if c, ok := end.(io.Closer); ok {
			_ = c.Close()
		}
	}
}

// halfClose passes an end of stream on where the connection can express it,
// and otherwise ends the connection.
func halfClose(c io.Closer) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		if half.CloseWrite() == nil {
			return
		}
	}
	_ = c.Close()
}
