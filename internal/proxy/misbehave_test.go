package proxy_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// villain is a server of ours that misbehaves, and counts what reaches it.
type villain struct {
	url     string
	heads   atomic.Int32  // requests of which the head has come in
	closing chan struct{} // closed at the end of the test

	mu    sync.Mutex // owns the rest
	conns map[net.Conn]bool
	tasks sync.WaitGroup
}

// script is what a villain does with one request on a connection. It reports
// whether the connection lives on.
type script func(v *villain, conn net.Conn, request *http.Request) bool

// misbehaving runs a villain that reads each request whole before it acts.
func misbehaving(act script) func(t testing.TB) *villain {
	return impatient(func(v *villain, conn net.Conn, request *http.Request) bool {
		_, _ = io.Copy(io.Discard, request.Body)
		return act(v, conn, request)
	})
}

// impatient runs a villain that acts as soon as the head of a request is there.
func impatient(act script) func(t testing.TB) *villain {
	return func(t testing.TB) *villain {
		return accepting(t, listen(t), "http://", func(v *villain, conn net.Conn) {
			in := bufio.NewReader(conn)
			for {
				request, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				v.heads.Add(1)
				if !act(v, conn, request) {
					return
				}
			}
		})
	}
}

// accepting runs a villain that hands each connection to serve, and closes it
// afterwards.
func accepting(t testing.TB, ln net.Listener, scheme string, serve func(*villain, net.Conn)) *villain {
	t.Helper()
	v := &villain{url: scheme + ln.Addr().String(), closing: make(chan struct{}), conns: map[net.Conn]bool{}}
	v.tasks.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			if v.keep(conn) {
				v.tasks.Go(func() { defer v.drop(conn); serve(v, conn) })
			}
		}
	})
	t.Cleanup(func() { _ = ln.Close(); v.end() })
	return v
}

// keep remembers a connection, so that end closes it; after end it is refused.
func (v *villain) keep(conn net.Conn) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	select {
	case <-v.closing:
		_ = conn.Close()
		return false
	default:
		v.conns[conn] = true
		return true
	}
}

func (v *villain) drop(conn net.Conn) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.conns, conn)
	_ = conn.Close()
}

// end closes everything and waits until nothing of the villain runs any more.
func (v *villain) end() {
	v.mu.Lock()
	close(v.closing)
	for conn := range v.conns {
		_ = conn.Close()
	}
	v.mu.Unlock()
	v.tasks.Wait()
}

// sends answers with bytes as they are, and closes.
func sends(text string) func(testing.TB) *villain {
	return misbehaving(func(_ *villain, conn net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(conn, text)
		return false
	})
}

// resetsAfter answers with bytes as they are, and resets the connection.
func resetsAfter(text string) func(testing.TB) *villain {
	return misbehaving(func(_ *villain, conn net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(conn, text)
		_ = conn.(*net.TCPConn).SetLinger(0) // closing it sends RST instead of FIN
		return false
	})
}

// stalls sends text and then nothing, but stays.
func stalls(text string) func(testing.TB) *villain {
	return misbehaving(func(v *villain, conn net.Conn, _ *http.Request) bool {
		_, _ = io.WriteString(conn, text)
		<-v.closing
		return false
	})
}

// repeats sends text without end; with a pause, slowly.
func repeats(first, text string, pause time.Duration) func(testing.TB) *villain {
	return misbehaving(func(v *villain, conn net.Conn, _ *http.Request) bool {
		_, err := io.WriteString(conn, first)
		for err == nil {
			select {
			case <-v.closing:
				return false
			case <-time.After(pause):
				_, err = io.WriteString(conn, text)
			}
		}
		return false
	})
}

// answersEarly answers as soon as the head is there and never reads the body.
func answersEarly(text string) func(testing.TB) *villain {
	return impatient(func(v *villain, conn net.Conn, request *http.Request) bool {
		_, _ = io.WriteString(conn, text)
		if request.ContentLength != 0 {
			<-v.closing
		}
		return false
	})
}

// refuses has no listener behind its address.
func refuses(t testing.TB) *villain {
	t.Helper()
	return &villain{url: "http://" + reserve(t).address}
}

// unnamed is a host whose name nobody knows (RFC 6761 §6.4).
func unnamed(testing.TB) *villain { return &villain{url: "http://gone.invalid:80"} }

// swallows never answers a SYN: its queue of connections that wait to be
// accepted has room for one, and is full.
func swallows(t testing.TB) *villain {
	t.Helper()
	full := reserve(t)
	full.listen(t, 0)
	for range 8 {
		conn, err := net.DialTimeout("tcp", full.address, 250*time.Millisecond)
		if err != nil {
			return &villain{url: "http://" + full.address}
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Skip("this system accepts connections beyond a listener's backlog")
	return nil
}

// mute speaks TLS, but never in a handshake.
func mute(t testing.TB) *villain {
	return accepting(t, listen(t), "https://", func(v *villain, _ net.Conn) { <-v.closing })
}

// expired shows a certificate that was valid once.
func expired(t testing.TB) *villain {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(-time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return accepting(t, tls.NewListener(listen(t), config), "https://", func(v *villain, conn net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			v.heads.Add(1) // nobody should come this far
		}
	})
}

// longHead is a field that is longer than any head may be.
var longHead = "X-Long: " + strings.Repeat("x", 300<<10) + "\r\n"
