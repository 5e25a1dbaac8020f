package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// Times of a door that stops.
const (
	sweepFor = time.Second           // how long it goes on accepting at most
	handOut  = 20 * time.Millisecond // how long taking a connection from the queue may take
	// settledShared is for a port that a newer process has taken over: nobody new
	// comes, but a client far away may still be about to complete a connection.
	settledShared = 200 * time.Millisecond
)

// door is one of the router's two listeners. It may be open from the start or
// wait for open, and it can stop without losing who stands in its queue.
type door struct {
	*net.TCPListener // nil before open

	flag    string
	address net.Addr
	join    func() (*net.TCPListener, error) // makes the listener of a door that is not open yet; nil: it is
	abandon func()                           // releases what join would have used
	settle  time.Duration                    // how long nobody may have come before a stopping door closes
	// queued reports whether a connection waits to be accepted.
	queued func(*net.TCPListener) bool
	// inherited: the queue outlives this process, and what is in it is for the next one.
	inherited bool

	stopping atomic.Pointer[time.Time] // when sweeping ends; nil: not stopping
	stopped  chan struct{}             // closed by an Accept that found the queue empty
}

// openDoor opens a port at once and says which flag asked for it when that fails.
func openDoor(flag, address string) (*door, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return nil, listenError(flag, address, err)
	}
	return newDoor(flag, listener.(*net.TCPListener)), nil //nolint:errcheck // "tcp" has no other
}

func newDoor(flag string, listener *net.TCPListener) *door {
	return &door{
		TCPListener: listener, flag: flag, address: listener.Addr(), settle: settled, queued: queued, stopped: make(chan struct{}),
	}
}

// listenError says which flag asked for a port that could not be had.
func listenError(flag, address string, err error) error {
	advice := "write host:port, like 127.0.0.1:8080 or :8080"
	if errors.Is(err, syscall.EADDRINUSE) {
		advice = "another program listens there: stop it, or name another port"
	}
	return fmt.Errorf("%w: --%s %s: %w; %s", ErrConfig, flag, address, err, advice)
}

// open begins to listen, if the door does not do so already.
func (g *door) open() error {
	if g.join == nil {
		return nil
	}
	listener, err := g.join()
	if err != nil {
		return err
	}
	g.join, g.TCPListener = nil, listener
	return nil
}

// Addr is the address of the port, also before open.
func (g *door) Addr() net.Addr { return g.address }

// Accept waits for the next connection. Once the door stops it hands out those
// that are in the queue, then closes the listener.
func (g *door) Accept() (net.Conn, error) {
	for {
		conn, err := g.TCPListener.Accept()
		end := g.stopping.Load()
		switch {
		case end == nil:
			return conn, err
		case err == nil:
			g.wait(g.settle, *end)
			return conn, nil
		case errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(*end) && g.queued(g.TCPListener):
			g.wait(handOut, *end)
		default:
			_ = g.TCPListener.Close()
			g.sayStopped()
			return nil, net.ErrClosed
		}
	}
}

// wait lets the next Accept wait that long for whoever is still to come.
func (g *door) wait(long time.Duration, end time.Time) {
	next := time.Now().Add(long)
	if next.After(end) {
		next = end
	}
	_ = g.SetDeadline(next)
}

func (g *door) sayStopped() {
	select {
	case <-g.stopped:
	default:
		close(g.stopped)
	}
}

// stop closes the door in peace: every connection that had been made is handed
// out first. Somebody has to be in Accept.
func (g *door) stop() {
	end := time.Now().Add(sweepFor)
	if g.inherited || g.TCPListener == nil || !g.stopping.CompareAndSwap(nil, &end) {
		_ = g.Close()
		return
	}
	g.wait(g.settle, end)
	select {
	case <-g.stopped:
	case <-time.After(2 * sweepFor): // nobody accepts any more
	}
	_ = g.Close()
}

// Close closes the door at once. Closing twice does no harm.
func (g *door) Close() error {
	if g.TCPListener != nil {
		return g.TCPListener.Close()
	}
	if g.abandon != nil {
		g.abandon()
		g.abandon = nil
	}
	return nil
}
