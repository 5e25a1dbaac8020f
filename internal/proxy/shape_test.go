package proxy_test

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRefusedShapes: requests that no two servers read alike, or that a
// reverse proxy has no business with, never reach a backend.
func TestRefusedShapes(t *testing.T) {
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/fine") {
			t.Errorf("%s %s reached the backend", r.Method, r.RequestURI)
		}
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	for name, c := range map[string]struct{ request, status string }{
		"CONNECT":                {"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", "405"},
		"CONNECT to a path":      {"CONNECT /x HTTP/1.1\r\nHost: h\r\n\r\n", "405"},
		"TRACE":                  {"TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", "405"},
		"OPTIONS *":              {"OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "400"},
		"fragment":               {"GET /a#b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "400"},
		"NUL":                    {"GET /a%00b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "400"},
		"encoded line end":       {"GET /a%0d%0ab HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "400"},
		"bare percent":           {"GET /a%zz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "400"},
		"no host":                {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400"},
		"two hosts":              {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", "400"},
		"host with a path":       {"GET / HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n", "400"},
		"host with userinfo":     {"GET / HTTP/1.1\r\nHost: a@b\r\nConnection: close\r\n\r\n", "400"},
		"length and chunks":      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
		"chunks and length":      {"POST / HTTP/1.1\r\nHost: h\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n0\r\n\r\n", "400"},
		"two lengths":            {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "400"},
		"negative length":        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "400"},
		"signed length":          {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nhello", "400"},
		"space before the colon": {"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n", "400"},
		"unknown coding":         {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
		"hidden chunked":         {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501"},
		"header flood":           {"GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 200) + "\r\n", "431"},
		"no HTTP":                {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			got := r.raw(c.request)
			if !strings.HasPrefix(got, "HTTP/1.1 "+c.status) {
				t.Errorf("got %.200q, want %s", got, c.status)
			}
		})
	}
}

// TestSmuggledRequestIsNotServed: the second request hides where a server that
// believes Content-Length would look for it; after the refusal nothing on that
// connection is read any more. Pipelining must not blind the watch. (A chunked
// request in the same packet is refused with it: its connection is in doubt.)
func TestSmuggledRequestIsNotServed(t *testing.T) {
	url := backend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "served "+r.URL.Path) })
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	smuggle := "POST /first HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" +
		"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
	for name, before := range map[string]string{
		"alone":                    "",
		"behind a GET":             "GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
		"behind a body":            "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
		"behind chunks":            "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
		"behind an innocent quote": "POST /d HTTP/1.1\r\nHost: h\r\nContent-Length: 45\r\n\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			got := r.raw(before + smuggle)
			if !strings.Contains(got, "ambiguous_length") || strings.Contains(got, "/smuggled") || strings.Contains(got, "/first") {
				t.Errorf("got %q", got)
			}
			if before != "" && name != "behind chunks" && !strings.Contains(got, "HTTP/1.1 200 ") {
				t.Errorf("the innocent request before it was not answered: %q", got)
			}
		})
	}
}

// TestHTTP2Shapes: over HTTP/2 a CONNECT would become raw bytes on a pooled
// HTTP/1.1 connection if it were forwarded.
func TestHTTP2Connect(t *testing.T) {
	url := backend(t, func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s reached the backend", r.Method) })
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	h2 := &http.Client{Transport: &http.Transport{Protocols: &protocols}}
	defer h2.CloseIdleConnections()
	for _, method := range []string{"CONNECT", "TRACE"} {
		req, _ := http.NewRequest(method, "http://"+r.addr+"/", strings.NewReader("GET / HTTP/1.1\r\nHost: h\r\n\r\n"))
		res, err := h2.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 405 {
			t.Errorf("%s: %d", method, res.StatusCode)
		}
	}
}

// TestOverTLS serves HTTP/1.1 and HTTP/2 by ALPN.
func TestOverTLS(t *testing.T) {
	pair := httptest.NewUnstartedServer(nil)
	pair.StartTLS()
	defer pair.Close()
	url, requests := seen(t)
	r := start(t, map[string]string{"legacy": url}, func(s *settings) {
		s.tls = &tls.Config{Certificates: pair.TLS.Certificates, MinVersion: tls.VersionTLS12}
	})
	r.install(1, legacyOnly())
	for _, http2 := range []bool{false, true} {
		var protocols http.Protocols
		protocols.SetHTTP1(!http2)
		protocols.SetHTTP2(http2)
		roots := pair.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		c := &http.Client{Transport: &http.Transport{TLSClientConfig: roots, Protocols: &protocols}}
		res, err := c.Post("https://"+r.addr+"/", "text/plain", io.MultiReader(strings.NewReader("chunks")))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		c.CloseIdleConnections()
		got := <-requests
		if got.Header.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("%s: X-Forwarded-Proto %q", res.Proto, got.Header.Get("X-Forwarded-Proto"))
		}
		if (res.ProtoMajor == 2) != http2 || res.Close {
			t.Errorf("%s, connection closed %v", res.Proto, res.Close)
		}
	}
}
