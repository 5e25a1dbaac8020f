package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

const (
	// headerTimeout bounds a PROXY header. A balancer sends it with its first packet.
	headerTimeout = 5 * time.Second
	// headerBuffer holds a header of the usual size; the rest of it goes on to the reader.
	headerBuffer = 256
	// refusalEvery is how often a refused connection is written to the log.
	refusalEvery = 10 * time.Second
)

// balancedListener takes connections from load balancers that say by a PROXY
// header whose bytes they pass on. With it every connection is such a one: a
// router that took others as well could be reached around its balancer, and a
// header that a client made up could not be told from a balancer's.
type balancedListener struct {
	net.Listener
	trusts   func(netip.Addr) bool
	refusals *refusals
}

// Accept waits for the next connection of a trusted peer. It does not wait for
// the header: whoever is slow with it holds up nobody else.
func (l balancedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.trusts(addressOf(conn.RemoteAddr())) {
			return &balancedConn{Conn: conn, refusals: l.refusals}, nil
		}
		l.refusals.report(telemetry.ProxyHeaderUntrusted, conn.RemoteAddr(), errStranger)
		_ = conn.Close()
	}
}

var errStranger = errors.New("the peer is none of the trusted proxies")

// addressOf is the address of a TCP peer; not valid for any other.
func addressOf(peer net.Addr) netip.Addr {
	if tcp, ok := peer.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// balancedConn is a connection from a balancer. Its header is read when its own
// goroutine first asks for the client's address or bytes; both net/http and the
// TLS handshake do that before they set deadlines. proxyproto.Conn would do
// much the same, but keeps the whole header, cannot be half closed, and takes a
// slow header for none.
type balancedConn struct {
	net.Conn
	refusals *refusals

	once   sync.Once
	header proxyHeader // fixed after once, as the next two
	remote net.Addr
	failed bool

	rest []byte // came in one read with the header; the reader's
}

// arrive reads the header, once. Without a good one the connection is closed.
func (c *balancedConn) arrive() {
	c.once.Do(func() {
		c.remote = c.Conn.RemoteAddr()
		_ = c.SetReadDeadline(time.Now().Add(headerTimeout))
		reader := bufio.NewReaderSize(c.Conn, headerBuffer)
		header, err := readProxyHeader(reader)
		if err != nil {
			c.failed = true
			if fault := headerFault(err); fault != "" {
				c.refusals.report(fault, c.remote, err)
			}
			_ = c.Close()
			return
		}
		_ = c.SetReadDeadline(time.Time{})
		rest, _ := reader.Peek(reader.Buffered())
		c.header, c.rest = header, bytes.Clone(rest)
		if header.client.IsValid() {
			c.remote = net.TCPAddrFromAddrPort(header.client)
		}
	})
}

// Read reads what the client sent. A refused connection is at its end: there is
// nobody who could make use of an answer.
func (c *balancedConn) Read(p []byte) (int, error) {
	c.arrive()
	if c.failed {
		return 0, io.EOF
	}
	if len(c.rest) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.rest)
	if c.rest = c.rest[n:]; len(c.rest) == 0 {
		c.rest = nil
	}
	return n, nil
}

// RemoteAddr is the client's address; the balancer's where its header names none.
func (c *balancedConn) RemoteAddr() net.Addr {
	c.arrive()
	return c.remote
}

// CloseWrite ends the sending direction, where the connection can.
func (c *balancedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}

type balancedKey struct{}

// connContext hands what is known of a connection to its requests.
func connContext(ctx context.Context, conn net.Conn) context.Context {
	ctx = watchContext(ctx, conn)
	if watched, ok := conn.(*watchedConn); ok {
		conn = watched.Conn
	}
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if balanced, ok := conn.(*balancedConn); ok {
		return context.WithValue(ctx, balancedKey{}, balanced)
	}
	return ctx
}

// throughBalancer adds to a request's origin what the PROXY header said. Where
// that names no client, the peer is the balancer, but the bytes may be
// anybody's: what they say of where they come from is not believed.
func (f *flow) throughBalancer(from *exchange.Origin) {
	conn, ok := f.r.Context().Value(balancedKey{}).(*balancedConn)
	if !ok {
		return
	}
	from.Trusted = from.Trusted && conn.header.client.IsValid()
	if conn.header.secured {
		from.Scheme = "https"
	}
}

// refusals counts the connections that were closed for their PROXY header, and
// writes some of them to the log: a stranger must not be able to fill a disk.
type refusals struct {
	metrics *telemetry.Metrics
	logger  *slog.Logger

	mu         sync.Mutex // owns the rest
	next       time.Time
	suppressed int
}

func (r *refusals) report(fault telemetry.ProxyHeaderFault, peer net.Addr, err error) {
	r.metrics.ProxyHeaderRefused(fault)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if now.Before(r.next) {
		r.suppressed++
		return
	}
	r.logger.Warn("a connection was closed: with --proxy-protocol each begins with a PROXY header, from one of --trusted-proxies",
		"reason", string(fault), "peer", peer.String(), "error", err, "suppressed", r.suppressed)
	r.next, r.suppressed = now.Add(refusalEvery), 0
}
