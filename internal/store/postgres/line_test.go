package postgres_test

import (
	"bytes"
	"net"
	"sync/atomic"
	"testing"
)

// line forwards connections to a server until something happens to it.
type line struct {
	address string
	cut     atomic.Bool // swallow what is read, as a network does that lost a router's state
	last    string      // once armed, what the line carries to the server before it breaks
	armed   atomic.Bool
}

func newLine(t *testing.T, target string) *line {
	t.Helper()
	u := mustParse(t, target)
	server := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	u.Host = listener.Addr().String()
	l := &line{address: u.String()}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				_ = near.Close()
				continue
			}
			go l.carry(near, far, false)
			go l.carry(far, near, true)
		}
	}()
	return l
}

func (l *line) carry(to, from net.Conn, toServer bool) {
	defer func() { _ = to.Close() }()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if l.cut.Load() {
			continue
		}
		breaks := toServer && l.armed.Load() && bytes.Contains(buffer[:n], []byte(l.last))
		if breaks {
			_ = from.Close() // the router's end: no answer comes through
		}
		if _, err := to.Write(buffer[:n]); err != nil || breaks {
			return
		}
	}
}
