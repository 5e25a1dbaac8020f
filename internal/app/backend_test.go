package app_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/app"
)

// TestBackendFileThatIsMissing: one backend fails with a reason, everything
// else is served, and putting the file in place is enough.
func TestBackendFileThatIsMissing(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "secure %s", r.Proto)
	}))
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	legacy, file := monolith(t), filepath.Join(t.TempDir(), "ca.pem")
	var log lockedBuffer
	r := run(t, func(c *app.Config) { c.Legacy = legacy }, app.Env{Version: "test", Stdout: io.Discard, Stderr: &log})
	r.get(t, "/")
	r.apply(t, fmt.Sprintf(`
backends:
  - {name: secure, endpoints: [%q], protocol: h2, tls: {ca: %s}}
routes:
  - {name: secure, match: {prefix: /secure}, legacy: secure}
`, secure.URL, file))

	status, body := 200, ""
	for status == 200 { // until the router has heard of it
		status, body = r.get(t, "/secure")
	}
	if status != 502 || !strings.Contains(body, "upstream_unreachable") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := r.get(t, "/elsewhere"); status != 200 || body != "monolith /elsewhere" {
		t.Errorf("%d %s", status, body)
	}
	if text := log.String(); !strings.Contains(text, file) || !strings.Contains(text, `"backend":"secure"`) {
		t.Errorf("the file is not named: %s", text)
	}
	replaceFile(t, file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	if status, body := r.get(t, "/secure"); status != 200 || body != "secure HTTP/2.0" {
		t.Errorf("%d %s", status, body)
	}
}

// TestHealthChecksAreThoseOfTheDefinitions: the endpoint that answers users but
// not its health check gets no requests, until the checks are taken back.
func TestHealthChecksAreThoseOfTheDefinitions(t *testing.T) {
	serving := func(name string, health int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/up" {
				w.WriteHeader(health)
				return
			}
			_, _ = io.WriteString(w, name)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	well, ill := serving("well", 204), serving("ill", 500)
	var log lockedBuffer
	r := run(t, func(*app.Config) {}, app.Env{Version: "test", Stdout: io.Discard, Stderr: &log})
	define := func(health string) {
		r.apply(t, fmt.Sprintf(`
backends: [{name: two, endpoints: [%q, %q]%s}]
routes: [{name: catch-all, match: {prefix: /}, legacy: two}]
`, well, ill, health))
	}
	define(", health: {path: /up, interval: 100ms, healthy: 1, unhealthy: 2}")
	within(t, "the ill endpoint is found", func() bool { return strings.Contains(log.String(), "endpoint is ill") })
	for range 30 {
		if status, body := r.get(t, "/"); status != 200 || body != "well" {
			t.Fatalf("%d %s", status, body)
		}
	}
	define("")
	within(t, "it is used again", func() bool { _, body := r.get(t, "/"); return body == "ill" })
}

// within waits for what the router does in its own time.
func within(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

// apply sends definitions to the router.
func (r running) apply(t *testing.T, definitions string) {
	t.Helper()
	req, _ := http.NewRequest(http.MethodPost, "http://"+r.AdminAddr().String()+"/api/v1/apply", strings.NewReader(definitions))
	req.Header.Set("Authorization", "Bearer token-of-the-test")
	req.Header.Set("Content-Type", "application/yaml")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		t.Fatalf("apply: %d %s", res.StatusCode, text)
	}
}
