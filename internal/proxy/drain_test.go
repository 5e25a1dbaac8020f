package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/proxy"
)

// leaver is a server that a test drains, with the connections it has taken.
type leaver struct {
	*proxy.Server
	t     *testing.T
	addr  string
	taken chan struct{} // one for each
	ended chan error    // of Serve
}

// takenListener says when it has accepted a connection.
type takenListener struct {
	net.Listener
	taken chan struct{}
}

func (l takenListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.taken <- struct{}{}
	}
	return conn, err
}

func startLeaver(t *testing.T, config *tls.Config) *leaver {
	t.Helper()
	r := start(t, map[string]string{"legacy": backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "whole") })})
	r.install(1, legacyOnly())
	ln := takenListener{listen(t), make(chan struct{}, 16)}
	l := &leaver{Server: r.proxy.NewServer(r.proxy, config), t: t, addr: ln.Addr().String(), taken: ln.taken, ended: make(chan error, 1)}
	go func() { l.ended <- l.Serve(ln) }()
	return l
}

// dial connects and waits until the server has the connection.
func (l *leaver) dial() net.Conn {
	l.t.Helper()
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	<-l.taken
	return conn
}

// linger begins to linger, and returns once the listener is closed.
func (l *leaver) linger() (lingered <-chan struct{}) {
	l.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Linger(l.t.Context())
	}()
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := net.Dial("tcp", l.addr)
		if err != nil {
			return done
		}
		_ = conn.Close()
		if time.Now().After(deadline) {
			l.t.Fatal("the listener was not closed")
		}
	}
}

// checkLast asks over a connection and expects to hear that it is over then.
func checkLast(t *testing.T, conn net.Conn, reader *bufio.Reader) {
	t.Helper()
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 0\r\n\r\n")
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(res.Body); res.StatusCode != 200 || string(body) != "whole" || err != nil || !res.Close {
		t.Errorf("%s %q, %v, closing %t, want 200 and the connection's end", res.Status, body, err, res.Close)
	}
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read %d, %v after the last answer", n, err)
	}
}

func TestEveryAnswerAfterAnnounceIsTheLastOfItsConnection(t *testing.T) {
	l := startLeaver(t, nil)
	kept := l.dial()
	reader := bufio.NewReader(kept)
	_, _ = io.WriteString(kept, "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n")
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.Close {
		t.Fatalf("before: closing %t, %v", res.Close, err)
	}
	l.Announce()
	checkLast(t, kept, reader)
	fresh := l.dial() // it still listens
	checkLast(t, fresh, bufio.NewReader(fresh))
	l.Drain(t.Context())
	if err := <-l.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// TestHTTP2ClientsLeaveAfterAnnounce: they hear GOAWAY with an answer, and come
// back over another connection.
func TestHTTP2ClientsLeaveAfterAnnounce(t *testing.T) {
	l := startLeaver(t, nil)
	client := overHTTP2(t)
	reused := func() (again bool) {
		trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { again = info.Reused }}
		req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "POST", "http://"+l.addr+"/", http.NoBody)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, err := io.ReadAll(res.Body); res.StatusCode != 200 || string(body) != "whole" || err != nil {
			t.Errorf("%s %q, %v", res.Status, body, err)
		}
		if res.Header.Get("Connection") != "" {
			t.Error("HTTP/2 has no field Connection")
		}
		return again
	}
	if reused() || !reused() {
		t.Fatal("the second request did not come on the first one's connection")
	}
	l.Announce()
	_ = reused() // hears it
	for deadline := time.Now().Add(20 * time.Second); reused(); {
		if time.Now().After(deadline) {
			t.Fatal("the client keeps to its connection")
		}
	}
	l.Drain(t.Context())
}

// TestLingerServesWhoeverIsConnected: a first request that is on its way when
// the listener closes is served.
func TestLingerServesWhoeverIsConnected(t *testing.T) {
	l := startLeaver(t, nil)
	conn := l.dial()
	lingered := l.linger()
	checkLast(t, conn, bufio.NewReader(conn))
	<-lingered
	l.Drain(t.Context())
}

// TestLingerEndsWithSilentClients: who says nothing is not waited for for long.
func TestLingerEndsWithSilentClients(t *testing.T) {
	l := startLeaver(t, nil)
	l.dial()
	began := time.Now()
	<-l.linger()
	if took := time.Since(began); took < time.Second || took > 10*time.Second {
		t.Errorf("it lingered for %s, want a second", took)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	l.Drain(ended)
}

// TestHandshakesUnderWayAreServed: a listener that closes does not break the TLS
// handshake of a client that had connected.
func TestHandshakesUnderWayAreServed(t *testing.T) {
	cert, key := selfSigned(t, &x509.Certificate{DNSNames: []string{"shop.example"}})
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	l := startLeaver(t, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	conn := l.dial()
	lingered := l.linger()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	secured := tls.Client(conn, &tls.Config{RootCAs: roots, ServerName: "shop.example", MinVersion: tls.VersionTLS12})
	checkLast(t, secured, bufio.NewReader(secured))
	<-lingered
	l.Drain(t.Context())
	if err := <-l.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}
