package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/app"
)

// admin asks the admin API and returns the answer's body; media is what body is.
func (r running) admin(t *testing.T, method, path, media, body string) string {
	t.Helper()
	req, _ := http.NewRequest(method, "http://"+r.AdminAddr().String()+path, strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer token-of-the-test")
	req.Header.Set("Content-Type", media)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	return string(text)
}

// TestRewritingFromTheFileToTheBackend: what people apply is what the backend
// gets and the client sees, and export gives it back.
func TestRewritingFromTheFileToTheBackend(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://orders.internal/v2/orders/43")
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Host, r.RequestURI, r.Header.Get("X-Tenant"))
	}))
	defer backend.Close()
	legacy := monolith(t)
	r := run(t, func(c *app.Config) { c.Legacy = legacy }, quiet())
	r.get(t, "/")
	const rewrite = `rewrite: {new: {path: "/v2/orders/{id}", host: orders.internal, set_headers: {X-Tenant: acme}}}`
	r.admin(t, http.MethodPost, "/api/v1/apply", "application/yaml", `
backends: [{name: orders, endpoints: ["`+backend.URL+`"]}]
routes:
  - name: orders
    match: {path: "/orders/{id}"}
    legacy: legacy
    new: orders
    plan: {steps: [100%]}
    `+rewrite+"\n")
	if text := r.admin(t, http.MethodGet, "/api/v1/export", "", ""); !strings.Contains(text, "    "+rewrite+"\n") {
		t.Errorf("the export lacks the rewriting:\n%s", text)
	}
	if _, body := r.get(t, "/orders/42"); body != "monolith /orders/42" {
		t.Errorf("legacy: %q", body)
	}
	r.admin(t, http.MethodPost, "/api/v1/routes/orders/promote", "application/json", `{"to": "100%"}`)
	for deadline := time.Now().Add(10 * time.Second); ; {
		res, err := http.Get("http://" + r.DataAddr().String() + "/orders/42?a")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if strings.HasPrefix(string(body), "monolith") && time.Now().Before(deadline) {
			continue // the promotion has not arrived yet
		}
		want := "http://" + r.DataAddr().String() + "/orders/43"
		if got := res.Header.Get("Location"); string(body) != "orders.internal /v2/orders/42?a acme" || got != want {
			t.Errorf("%q, Location %s", body, got)
		}
		return
	}
}
