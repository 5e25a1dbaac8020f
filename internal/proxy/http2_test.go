package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/proxy"
)

// secureServer serves h over TLS, offering protocols by ALPN, and returns its
// URL and its authority as PEM.
func secureServer(t *testing.T, h http.Handler, change func(*tls.Config), protocols ...string) (url, ca string) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = len(protocols) > 0 && protocols[0] == "h2"
	s.TLS = &tls.Config{NextProtos: protocols, MinVersion: tls.VersionTLS12}
	if change != nil {
		change(s.TLS)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

// plainServer serves h in plain text by HTTP/2 only.
func plainServer(t *testing.T, h http.Handler) string {
	t.Helper()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = &protocols
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// echoProto says how it was asked.
func echoProto(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("Upgrade-Seen", r.Header.Get("Upgrade"))
	_, _ = io.WriteString(w, strings.Join([]string{r.Proto, r.Host, r.RequestURI, string(body)}, " "))
}

func TestBackendProtocols(t *testing.T) {
	both, bothCA := secureServer(t, http.HandlerFunc(echoProto), nil, "h2", "http/1.1")
	old, oldCA := secureServer(t, http.HandlerFunc(echoProto), nil, "http/1.1")
	plain := plainServer(t, http.HandlerFunc(echoProto))
	for name, test := range map[string]struct {
		backend proxy.Backend
		want    string
	}{
		"default over TLS": {proxy.Backend{Endpoints: []string{both}, TLS: proxy.BackendTLS{CA: bothCA}}, "HTTP/1.1"},
		"auto":             {proxy.Backend{Endpoints: []string{both}, Protocol: proxy.Auto, TLS: proxy.BackendTLS{CA: bothCA}}, "HTTP/2.0"},
		"auto, old server": {proxy.Backend{Endpoints: []string{old}, Protocol: proxy.Auto, TLS: proxy.BackendTLS{CA: oldCA}}, "HTTP/1.1"},
		"h2":               {proxy.Backend{Endpoints: []string{both}, Protocol: proxy.H2, TLS: proxy.BackendTLS{CA: bothCA}}, "HTTP/2.0"},
		"h2c":              {proxy.Backend{Endpoints: []string{plain}, Protocol: proxy.H2C}, "HTTP/2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			r.backends["legacy"] = test.backend
			r.install(1, legacyOnly())
			const path = "/a//b/%2F;x=1?q=%zz&;&"
			host := r.addr
			for range 2 { // the second on a kept connection
				_, body := r.do("POST", path, http.Header{"Expect": nil}, strings.NewReader("content"))
				if want := test.want + " " + host + " " + path + " content"; body != want {
					t.Errorf("got  %q\nwant %q", body, want)
				}
			}
		})
	}
}

func TestBackendWithoutHTTP2IsNotAsked(t *testing.T) {
	old, ca := secureServer(t, http.HandlerFunc(echoProto), nil, "http/1.1")
	none, noneCA := serverWithoutALPN(t)
	for name, backend := range map[string]proxy.Backend{
		"other protocols": {Endpoints: []string{old}, Protocol: proxy.H2, TLS: proxy.BackendTLS{CA: ca}},
		"no ALPN":         {Endpoints: []string{none}, Protocol: proxy.H2, TLS: proxy.BackendTLS{CA: noneCA}},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			r.backends["legacy"] = backend
			r.install(1, legacyOnly())
			res, body := r.get("/")
			if code := problem(t, res, body); code != "upstream_unreachable" {
				t.Errorf("code %s", code)
			}
			if entry := r.log.entries(t, 1)[0]; entry["strangler.class"] != "not_sent" || !strings.Contains(entry["error"].(string), "TLS handshake") {
				t.Errorf("logged %v", entry)
			}
		})
	}
}

// TestAFailedHandshakeIsCalledOne by Proxy-Status (RFC 9209) and in the log.
func TestAFailedHandshakeIsCalledOne(t *testing.T) {
	secure, _ := secureServer(t, http.HandlerFunc(echoProto), func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 })
	plain := plainServer(t, http.HandlerFunc(echoProto))
	for endpoint, want := range map[string]string{
		secure: "strangler; error=tls_certificate_error",
		strings.Replace(plain, "http:", "https:", 1): "strangler; error=tls_protocol_error",
		"http://" + reserve(t).address:               "strangler; error=destination_unavailable",
	} {
		r := start(t, map[string]string{"legacy": endpoint})
		r.install(1, legacyOnly())
		res, body := r.get("/")
		if code := problem(t, res, body); code != "upstream_unreachable" || res.Header.Get("Proxy-Status") != want {
			t.Errorf("%s: %s, Proxy-Status %q, want %q", endpoint, code, res.Header.Get("Proxy-Status"), want)
		}
		entry := r.log.entries(t, 1)[0]
		if says := strings.HasPrefix(entry["error"].(string), "TLS handshake: "); says != strings.Contains(want, "tls_") {
			t.Errorf("%s: logged %v", endpoint, entry["error"])
		}
	}
}

// serverWithoutALPN ends every connection after the handshake.
func serverWithoutALPN(t *testing.T) (url, ca string) {
	t.Helper()
	cert, key := selfSigned(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	ln := tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context())
			_ = conn.Close()
		}
	}()
	return "https://" + ln.Addr().String(), string(cert)
}

// TestUpgradesAndHTTP2: where there is HTTP/1.1 it takes the upgrades; where
// there is not, the offer is dropped and the request served.
func TestUpgradesAndHTTP2(t *testing.T) {
	both, ca := secureServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "echo" || r.ProtoMajor != 1 {
			echoProto(w, r)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = io.WriteString(conn, line)
	}), nil, "h2", "http/1.1")
	const request = "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

	auto := start(t, nil)
	auto.backends["legacy"] = proxy.Backend{Endpoints: []string{both}, Protocol: proxy.Auto, TLS: proxy.BackendTLS{CA: ca}}
	auto.install(1, legacyOnly())
	if answer := auto.raw(request + "hello\n"); !strings.HasPrefix(answer, "HTTP/1.1 101 ") || !strings.HasSuffix(answer, "\r\n\r\nhello\n") {
		t.Errorf("auto: %q", answer)
	}

	only := start(t, nil)
	only.backends["legacy"] = proxy.Backend{Endpoints: []string{plainServer(t, http.HandlerFunc(echoProto))}, Protocol: proxy.H2C}
	only.install(1, legacyOnly())
	answer := only.raw(strings.Replace(request, "Connection: Upgrade", "Connection: Upgrade, close", 1))
	if !strings.HasPrefix(answer, "HTTP/1.1 200 ") || !strings.Contains(answer, "Upgrade-Seen: \r\n") || !strings.Contains(answer, "HTTP/2.0 shop.example / ") {
		t.Errorf("h2c: %q", answer)
	}
}

// TestBackendEndsBeforeTheUpload: an HTTP/2 backend that answers, or breaks
// off, while the client still has its request open is not held up by that.
func TestBackendEndsBeforeTheUpload(t *testing.T) {
	url := plainServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = r.Body.Read(make([]byte, 5))
		if r.URL.Path == "/break" {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Trailer", "Outcome")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = io.WriteString(w, "enough")
		w.Header().Set("Outcome", "early")
	}))
	r := start(t, nil)
	r.backends["legacy"] = proxy.Backend{Endpoints: []string{url}, Protocol: proxy.H2C}
	r.install(1, legacyOnly())
	for name, protocols := range clientProtocols() {
		t.Run(name, func(t *testing.T) {
			transport := &http.Transport{Protocols: protocols}
			defer transport.CloseIdleConnections()
			for path, want := range map[string]int{"/answer": 413, "/break": 502} {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				body, writer := io.Pipe()
				go func() { _, _ = io.WriteString(writer, "begin") }()
				req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.addr+path, body)
				res, err := transport.RoundTrip(req)
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				text, err := io.ReadAll(res.Body)
				if err != nil || res.StatusCode != want {
					t.Errorf("%s: status %d, body %q, %v", path, res.StatusCode, text, err)
				}
				if want == 413 && (string(text) != "enough" || res.Trailer.Get("Outcome") != "early") {
					t.Errorf("%s: body %q, trailers %v", path, text, res.Trailer)
				}
				_ = writer.Close()
				_ = res.Body.Close()
				cancel()
			}
		})
	}
}

// clientProtocols are what clients in plain text speak.
func clientProtocols() map[string]*http.Protocols {
	var h1, h2 http.Protocols
	h1.SetHTTP1(true)
	h2.SetUnencryptedHTTP2(true)
	return map[string]*http.Protocols{"HTTP/1.1": &h1, "HTTP/2": &h2}
}

// TestClientCertificates: the backend gets the certificate in the files, a
// renewed one from the next handshake on, and a clear fault without the files.
func TestClientCertificates(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, caFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), filepath.Join(dir, "ca.pem")
	url, ca := secureServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close") // the next request needs a new handshake
		_, _ = io.WriteString(w, r.TLS.ServerName+" "+r.TLS.PeerCertificates[0].Subject.CommonName)
	}), func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert })
	r := start(t, nil)
	r.backends["legacy"] = proxy.Backend{Endpoints: []string{url}, TLS: proxy.BackendTLS{
		CA: caFile, ServerName: "example.com", Cert: certFile, Key: keyFile,
	}}
	r.install(1, legacyOnly())

	res, body := r.get("/")
	if code := problem(t, res, body); code != "upstream_unreachable" {
		t.Errorf("without files: %s", code)
	}
	if entry := r.log.entries(t, 1)[0]; !strings.Contains(entry["error"].(string), "tls.ca cannot be used: stat "+caFile) {
		t.Errorf("logged %v", entry["error"])
	}
	if err := r.backends["legacy"].TLS.Check(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Check: %v", err)
	}

	writeFile(t, caFile, []byte(ca))
	for _, name := range []string{"first", "second"} {
		cert, key := selfSigned(t, &x509.Certificate{Subject: subject(name)})
		writeFile(t, certFile, cert)
		writeFile(t, keyFile, key)
		if _, body := r.get("/"); body != "example.com "+name {
			t.Errorf("%s: %q", name, body)
		}
	}
	if err := r.backends["legacy"].TLS.Check(); err != nil {
		t.Errorf("Check: %v", err)
	}

	wrong := start(t, nil)
	wrong.backends["legacy"] = proxy.Backend{Endpoints: []string{url}, TLS: proxy.BackendTLS{CA: ca, ServerName: "other.example"}}
	wrong.install(1, legacyOnly())
	res, body = wrong.get("/")
	if code := problem(t, res, body); code != "upstream_unreachable" {
		t.Errorf("another name: %s", code)
	}
	if entry := wrong.log.entries(t, 1)[0]; !strings.Contains(entry["error"].(string), "other.example") {
		t.Errorf("logged %v", entry["error"])
	}
}

// TestLostHTTP2ConnectionIsReplaced: exchanges after a connection broke get a new one.
func TestLostHTTP2ConnectionIsReplaced(t *testing.T) {
	ln := listen(t)
	conns := make(chan net.Conn, 4)
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	s := &http.Server{
		Handler: http.HandlerFunc(echoProto), Protocols: &protocols,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { conns <- c; return ctx },
	}
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close() })
	r := start(t, nil)
	r.backends["legacy"] = proxy.Backend{Endpoints: []string{"http://" + ln.Addr().String()}, Protocol: proxy.H2C}
	r.install(1, legacyOnly())
	if res, _ := r.get("/"); res.StatusCode != 200 {
		t.Fatalf("status %d", res.StatusCode)
	}
	_ = (<-conns).Close()
	for deadline := time.Now().Add(10 * time.Second); ; { // until the router has noticed
		if res, _ := r.get("/"); res.StatusCode == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the broken connection is still used")
		}
	}
	_ = (<-conns).Close()
}

// TestHTTP1OverTLSIsWatched: a head with two lengths is refused over TLS, too,
// and a chunked upload keeps its connection.
func TestHTTP1OverTLSIsWatched(t *testing.T) {
	cert, key := selfSigned(t, &x509.Certificate{DNSNames: []string{"shop.example"}})
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	legacy := backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, r.Header.Get("X-Forwarded-Proto")+" "+string(body))
	})
	r := start(t, map[string]string{"legacy": legacy}, func(s *settings) {
		s.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	})
	r.install(1, legacyOnly())
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	conn, err := tls.Dial("tcp", r.addr, &tls.Config{RootCAs: roots, ServerName: "shop.example", MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	reader := bufio.NewReader(conn)
	for range 2 {
		_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		if res.Close || string(body) != "https abc" {
			t.Errorf("close %v, body %q", res.Close, body)
		}
	}
	_, _ = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	if code := problem(t, res, string(body)); code != "ambiguous_length" || !res.Close {
		t.Errorf("code %s, close %v", code, res.Close)
	}
}

// TestSlowHandshakesHoldNobody: clients that say nothing after connecting do
// not keep others from being served, nor the listener from closing.
func TestSlowHandshakesHoldNobody(t *testing.T) {
	cert, key := selfSigned(t, &x509.Certificate{DNSNames: []string{"shop.example"}})
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, map[string]string{"legacy": named(t, "legacy")}, func(s *settings) {
		s.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	})
	r.install(1, legacyOnly())
	for range 20 {
		silent, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		transport := &http.Transport{
			ForceAttemptHTTP2: h2,
			TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "shop.example", MinVersion: tls.VersionTLS12},
		}
		res, err := (&http.Client{Transport: transport}).Get("https://" + r.addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		if res.Proto != name {
			t.Errorf("%s, want %s", res.Proto, name)
		}
		_ = res.Body.Close()
		transport.CloseIdleConnections()
	}
}
