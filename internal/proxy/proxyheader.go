package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"

	"github.com/pires/go-proxyproto"

	"github.com/stranglerfig/strangler/internal/telemetry"
)

// Where a PROXY header ends is known after so many bytes: of version 1 it is the
// longest line, of version 2 what comes before the addresses.
const (
	maxHeaderLine = 107
	headerPrefix  = 16
)

// proxyHeader is what a balancer says of the client whose bytes it passes on.
type proxyHeader struct {
	client  netip.AddrPort // not valid: it names none, as for the balancer's own checks
	secured bool           // the client speaks TLS to the balancer
}

// readProxyHeader reads a PROXY header, version 1 or 2, and nothing behind it.
func readProxyHeader(r *bufio.Reader) (proxyHeader, error) {
	if err := awaitProxyHeader(r); err != nil {
		return proxyHeader{}, err
	}
	header, err := proxyproto.Read(r)
	if err != nil || header.Command.IsLocal() {
		return proxyHeader{}, err
	}
	said := proxyHeader{}
	if said.client, err = headerClient(header.SourceAddr); err != nil {
		return proxyHeader{}, err
	}
	said.secured, err = headerSecured(header)
	return said, err
}

// awaitProxyHeader waits until the header's size can be seen. proxyproto gives up
// on a line of version 1 that comes in two pieces, which the protocol
// recommends to tolerate; and it reports a stump of a signature as no header.
func awaitProxyHeader(r *bufio.Reader) error {
	first, err := r.Peek(1)
	if err != nil {
		return &emptyConnection{err}
	}
	switch first[0] {
	case proxyproto.SIGV1[0]:
		for n := 1; n <= maxHeaderLine; n = r.Buffered() + 1 {
			if _, err = r.Peek(n); err != nil {
				return err
			}
			if line, _ := r.Peek(r.Buffered()); bytes.IndexByte(line, '\n') >= 0 {
				break
			}
		}
		return nil
	case proxyproto.SIGV2[0]:
		_, err = r.Peek(headerPrefix)
		return err
	default:
		return proxyproto.ErrNoProxyProtocol
	}
}

// emptyConnection is a connection that ended before its first byte.
type emptyConnection struct{ err error }

func (e *emptyConnection) Error() string { return "nothing was sent: " + e.err.Error() }

func (e *emptyConnection) Unwrap() error { return e.err }

// headerClient is the client's address. A client on a socket file has none that
// could be passed on.
func headerClient(source net.Addr) (netip.AddrPort, error) {
	var client netip.AddrPort
	switch source := source.(type) {
	case *net.TCPAddr:
		client = source.AddrPort()
	case *net.UDPAddr: // HTTP/3 that the balancer has turned into a stream
		client = source.AddrPort()
	default:
		return client, nil
	}
	addr := client.Addr().Unmap()
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() {
		return netip.AddrPort{}, fmt.Errorf("the client cannot have the address %s", addr)
	}
	return netip.AddrPortFrom(addr, client.Port()), nil
}

// headerSecured reports whether the header has the extension PP2_TYPE_SSL with
// the bit PP2_CLIENT_SSL.
func headerSecured(header *proxyproto.Header) (bool, error) {
	extensions, err := header.TLVs()
	for _, extension := range extensions {
		if extension.Type == proxyproto.PP2_TYPE_SSL && len(extension.Value) > 0 {
			return extension.Value[0]&1 != 0, err
		}
	}
	return false, err
}

// headerFault names what was wrong with a header; "" for a connection that ended
// before it, or by our own hand: balancers look that way whether a port is open.
func headerFault(err error) telemetry.ProxyHeaderFault {
	var empty *emptyConnection
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return telemetry.ProxyHeaderTimeout
	case errors.As(err, &empty), errors.Is(err, net.ErrClosed):
		return ""
	case errors.Is(err, proxyproto.ErrNoProxyProtocol):
		return telemetry.ProxyHeaderMissing
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return telemetry.ProxyHeaderTruncated
	default:
		return telemetry.ProxyHeaderMalformed
	}
}
