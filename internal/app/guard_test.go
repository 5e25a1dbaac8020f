package app_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/app"
)

// refusing is the URL of a port that nothing listens on.
func refusing(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return "http://" + l.Addr().String()
}

// TestTheGuardIsThatOfTheDefinitions: what people write about retry, breaker and
// fallback is in force from the next table on.
func TestTheGuardIsThatOfTheDefinitions(t *testing.T) {
	legacy := monolith(t)
	r := run(t, func(c *app.Config) { c.Legacy = legacy }, quiet())
	r.get(t, "/")
	fresh := refusing(t)
	define := func(guard string) {
		r.apply(t, fmt.Sprintf(`
backends: [{name: fresh, endpoints: [%q]}]
routes: [{name: orders, match: {prefix: /orders}, legacy: legacy, new: fresh, guard: {new: {%s}}}]
`, fresh, guard))
	}
	eventually := func(status int, text string) {
		t.Helper()
		within(t, text, func() bool {
			got, body := r.get(t, "/orders")
			return got == status && strings.Contains(body, text)
		})
	}
	define("retry: off, fallback: off, breaker: off")
	r.admin(t, http.MethodPost, "/api/v1/routes/orders/promote", "application/json", `{"to": "100%"}`)
	eventually(502, "upstream_unreachable")
	for range 20 {
		if status, body := r.get(t, "/orders"); status != 502 {
			t.Fatalf("with the breaker off: %d %s", status, body)
		}
	}
	define("retry: off, fallback: off, breaker: {consecutive: 2, open: 1m}")
	eventually(503, "circuit_open")
	define("retry: off, fallback: {on: [timeout]}, breaker: {consecutive: 2, open: 1m}")
	if status, body := r.get(t, "/orders"); status != 503 {
		t.Fatalf("without the cause: %d %s", status, body)
	}
	define("retry: off, fallback: {on: [open]}, breaker: {consecutive: 2, open: 1m}")
	eventually(200, "monolith /orders")
}
