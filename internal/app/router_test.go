package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/app"
)

func quiet() app.Env { return app.Env{Version: "test", Stdout: io.Discard, Stderr: io.Discard} }

// occupiedPort is an address somebody else listens on.
func occupiedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln.Addr().String()
}

// stop ends a router that was built and not run.
func stop(t *testing.T, r *app.Router) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(app.ErrInterrupted)
	if err := r.Run(ctx); err != nil {
		t.Error(err)
	}
}

// running is a router in the background.
type running struct {
	*app.Router
	end func() error
}

func run(t *testing.T, change func(*app.Config), env app.Env) running {
	t.Helper()
	config := app.Config{
		Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", AccessLog: "off", AdminToken: "token-of-the-test",
		Database: "sqlite:" + filepath.Join(t.TempDir(), "s.db"), DrainTimeout: 5 * time.Second,
	}
	change(&config)
	router, err := app.NewRouter(t.Context(), config, env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- router.Run(ctx) }()
	r := running{Router: router, end: func() error {
		cancel(app.ErrInterrupted)
		err := <-ended
		ended <- err
		return err
	}}
	t.Cleanup(func() {
		if err := r.end(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return r
}

// get asks the router's data listener until it is ready.
func (r running) get(t *testing.T, path string) (int, string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		res, err := http.Get("http://" + r.DataAddr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if !strings.Contains(string(body), "not_ready") || time.Now().After(deadline) {
			return res.StatusCode, string(body)
		}
	}
}

func monolith(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "monolith %s", r.RequestURI)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestLegacyFrontsAMonolithAtOnce(t *testing.T) {
	legacy := monolith(t)
	r := run(t, func(c *app.Config) { c.Legacy = legacy }, quiet())
	if status, body := r.get(t, "/any?thing"); status != 200 || body != "monolith /any?thing" {
		t.Errorf("%d %q", status, body)
	}
}

func TestHealthPathFollowsReadiness(t *testing.T) {
	legacy := monolith(t)
	r := run(t, func(c *app.Config) { c.Legacy, c.HealthPath = legacy, "/up" }, quiet())
	r.get(t, "/")
	if status, body := r.get(t, "/up"); status != 200 || body != "ok\n" {
		t.Errorf("%d %q", status, body)
	}
	if status, body := r.get(t, "/upper"); status != 200 || body != "monolith /upper" {
		t.Errorf("/upper: %d %q", status, body)
	}
}

func TestSecondRouterOnOneSQLiteFileIsRefused(t *testing.T) {
	file := "sqlite:" + filepath.Join(t.TempDir(), "s.db")
	run(t, func(c *app.Config) { c.Database = file }, quiet())
	config := app.Config{Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", AccessLog: "off", Database: file}
	_, err := app.NewRouter(t.Context(), config, quiet())
	if err == nil || !strings.Contains(err.Error(), "PostgreSQL") {
		t.Errorf("%v does not show the way out", err)
	}
}

// TestSeedIsNotRepeated: --legacy with another URL on a store that has
// definitions changes nothing and says so.
func TestSeedIsNotRepeated(t *testing.T) {
	legacy, file := monolith(t), "sqlite:"+filepath.Join(t.TempDir(), "s.db")
	first := run(t, func(c *app.Config) { c.Legacy, c.Database = legacy, file }, quiet())
	first.get(t, "/")
	if err := first.end(); err != nil {
		t.Fatal(err)
	}
	var log lockedBuffer
	second := run(t, func(c *app.Config) { c.Legacy, c.Database = "http://127.0.0.1:9", file }, app.Env{Version: "test", Stdout: io.Discard, Stderr: &log})
	if status, body := second.get(t, "/"); status != 200 || body != "monolith /" {
		t.Errorf("%d %q", status, body)
	}
	if text := log.String(); !strings.Contains(text, "--legacy is not applied") || !strings.Contains(text, "127.0.0.1:9") {
		t.Errorf("the difference was not reported: %s", text)
	}
}

func TestFirstTokenOnATerminal(t *testing.T) {
	var log lockedBuffer
	env := app.Env{Version: "test", Stdout: io.Discard, Stderr: &log, Terminal: true}
	file := "sqlite:" + filepath.Join(t.TempDir(), "s.db")
	r := run(t, func(c *app.Config) { c.AdminToken, c.Database = "", file }, env)
	_, after, found := strings.Cut(log.String(), "export STRANGLER_TOKEN=")
	if !found {
		t.Fatalf("no token was shown: %s", log.String())
	}
	if !strings.Contains(log.String(), "  export STRANGLER_SERVER=http://"+r.AdminAddr().String()+"\n  export STRANGLER_TOKEN=") {
		t.Errorf("the admin listener is not where stranglerctl looks, and nobody says so: %s", log.String())
	}
	secret := strings.Fields(after)[0]
	if status := adminStatus(t, r, secret); status != 200 {
		t.Errorf("the shown token is answered with %d", status)
	}
	if status := adminStatus(t, r, "strangler_wrong"); status != 401 {
		t.Errorf("another token is answered with %d", status)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	var again lockedBuffer
	run(t, func(c *app.Config) { c.AdminToken, c.Database = "", file }, app.Env{Version: "test", Stdout: io.Discard, Stderr: &again, Terminal: true})
	if strings.Contains(again.String(), "STRANGLER_TOKEN=") {
		t.Error("a second token was made at the second start")
	}
}

func adminStatus(t *testing.T, r running, token string) int {
	t.Helper()
	req, _ := http.NewRequest(http.MethodGet, "http://"+r.AdminAddr().String()+"/api/v1/routes", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var list []any
	if res.StatusCode == 200 {
		if err := json.NewDecoder(res.Body).Decode(&list); err != nil {
			t.Errorf("routes are no array: %v", err)
		}
	}
	return res.StatusCode
}

// TestRestartWithoutItsStore: the snapshot file alone is enough to serve.
func TestRestartWithoutItsStore(t *testing.T) {
	legacy, dir := monolith(t), t.TempDir()
	settings := func(database string) func(*app.Config) {
		return func(c *app.Config) { c.Legacy, c.Database, c.StateDir = legacy, database, filepath.Join(dir, "state") }
	}
	first := run(t, settings("sqlite:"+filepath.Join(dir, "s.db")), quiet())
	first.get(t, "/")
	if err := first.end(); err != nil {
		t.Fatal(err)
	}
	// A PostgreSQL that is not there; nothing listens on port 9 (discard).
	second := run(t, settings("postgres://u:p@127.0.0.1:9/none?connect_timeout=1"), quiet())
	if status, body := second.get(t, "/still"); status != 200 || body != "monolith /still" {
		t.Errorf("%d %q", status, body)
	}
}
