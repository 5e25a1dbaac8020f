package app_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/app"
)

// doctor returns the message and the hint of the check with this code; empty
// when there is none.
func (r running) doctor(t *testing.T, code string) (message, hint string) {
	t.Helper()
	req, _ := http.NewRequest(http.MethodGet, "http://"+r.AdminAddr().String()+"/api/v1/doctor", nil)
	req.Header.Set("Authorization", "Bearer token-of-the-test")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var checks []struct{ Code, Message, Hint string }
	if err := json.NewDecoder(res.Body).Decode(&checks); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", res.Status, err)
	}
	for _, check := range checks {
		if check.Code == code {
			return check.Message, check.Hint
		}
	}
	return "", ""
}

// TestDoctorFindsAForgottenBalancer, and finds nothing once it is trusted.
func TestDoctorFindsAForgottenBalancer(t *testing.T) {
	legacy := monolith(t)
	for _, trusted := range []bool{false, true} {
		r := run(t, func(c *app.Config) {
			c.Legacy, c.Instance = legacy, "router-7"
			if trusted {
				c.TrustedProxies = []string{"127.0.0.0/8"}
			}
		}, quiet())
		r.get(t, "/")
		if message, _ := r.doctor(t, "forwarded_dropped"); message != "" {
			t.Errorf("before: %q", message)
		}
		req, _ := http.NewRequest(http.MethodGet, "http://"+r.DataAddr().String()+"/", nil)
		req.Header.Set("X-Forwarded-For", "203.0.113.9")
		for range 3 {
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body) // so that the next one comes on this connection, when this one has ended
			_ = res.Body.Close()
		}
		r.get(t, "/")
		message, hint := r.doctor(t, "forwarded_dropped")
		if found := strings.HasPrefix(message, "router-7 drops the X-Forwarded-* of peers that it does not trust: 127.0.0.1 (") &&
			strings.Contains(hint, "--trusted-proxies 127.0.0.1/32;"); found == trusted {
			t.Errorf("trusted %v: %q, %q", trusted, message, hint)
		}
	}
}
