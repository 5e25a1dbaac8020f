package demo

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// door is a listener that can be shut, and opened again at the same address, as
// if the process behind it had crashed and was started anew: meanwhile every
// connection is refused, and those that were open are gone.
type door struct {
	address string
	ended   chan struct{} // closed by Close

	mu     sync.Mutex // owns the rest
	inner  net.Listener
	opened chan struct{} // not nil while the door is shut; closed when it opens
	guests map[net.Conn]struct{}
	over   bool
}

// newDoor returns an open door on a loopback port of its own.
func newDoor(ctx context.Context) (*door, error) {
	inner, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &door{
		address: inner.Addr().String(), ended: make(chan struct{}), inner: inner, guests: make(map[net.Conn]struct{}),
	}, nil
}

// Addr implements net.Listener.
func (d *door) Addr() net.Addr {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inner.Addr()
}

// Accept implements net.Listener. While the door is shut it waits.
func (d *door) Accept() (net.Conn, error) {
	for {
		d.mu.Lock()
		inner, opened := d.inner, d.opened
		d.mu.Unlock()
		if opened != nil {
			select {
			case <-opened:
				continue
			case <-d.ended:
				return nil, net.ErrClosed
			}
		}
		conn, err := inner.Accept()
		if err == nil && d.enter(inner, conn) {
			return &guest{Conn: conn, door: d}, nil
		}
		if err != nil && d.isOpen(inner) {
			return nil, err
		}
	}
}

// enter lets somebody in; false: the door was shut behind them.
func (d *door) enter(through net.Listener, conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inner != through || d.opened != nil {
		_ = conn.Close()
		return false
	}
	d.guests[conn] = struct{}{}
	return true
}

// isOpen reports whether inner ended though nobody has shut the door.
func (d *door) isOpen(inner net.Listener) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.inner == inner && d.opened == nil
}

// Close implements net.Listener: the door stays shut from now on.
func (d *door) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return nil
	}
	d.over = true
	close(d.ended)
	if d.opened != nil {
		return nil // it is shut already
	}
	return d.inner.Close()
}

// Begin refuses everybody, and sends out who is there.
func (d *door) Begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.opened != nil {
		return
	}
	d.opened = make(chan struct{})
	_ = d.inner.Close()
	for conn := range d.guests {
		_ = conn.Close()
	}
}

// reopening is how long End tries: somebody else's connection may have taken
// the port meanwhile.
const reopening = 10 * time.Second

// End lets everybody in again.
func (d *door) End(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reopening)
	defer cancel()
	for {
		inner, err := (&net.ListenConfig{}).Listen(ctx, "tcp", d.address)
		if err == nil {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.opened == nil || d.over {
				return inner.Close()
			}
			d.inner = inner
			close(d.opened)
			d.opened = nil
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s cannot be listened on again: %w", d.address, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// guest is a connection that a door knows of.
type guest struct {
	net.Conn

	door *door
}

// Close implements net.Conn.
func (g *guest) Close() error {
	g.door.mu.Lock()
	delete(g.door.guests, g.Conn)
	g.door.mu.Unlock()
	return g.Conn.Close()
}
