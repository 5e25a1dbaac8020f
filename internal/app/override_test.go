package app_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/app"
	"github.com/stranglerfig/strangler/internal/auth"
)

// decoded reads an answer of the admin API.
func decoded[T any](t *testing.T, text string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// bearing asks the data listener with an override, until the answer is want.
func (r running) bearing(t *testing.T, value, want string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.DataAddr().String()+"/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.AddCookie(&http.Cookie{Name: auth.OverrideCookie, Value: value})
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if string(body) == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %q, want %q", body, want)
		}
	}
}

func side(t *testing.T, name string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }))
	t.Cleanup(s.Close)
	return s.URL
}

func TestOverrideFromTheAPIToTheBackend(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.db")
	config := func(c *app.Config) { c.Database = "sqlite:" + file }
	r := run(t, config, quiet())
	r.admin(t, "POST", "/api/v1/apply", "application/yaml", fmt.Sprintf(`
backends:
  - {name: old, endpoints: [%q]}
  - {name: next, endpoints: [%q]}
routes:
  - {name: orders, match: {path: /orders}, legacy: old, new: next}
`, side(t, "legacy"), side(t, "new")))
	r.bearing(t, "none", "legacy")

	made := decoded[wire.Override](t, r.admin(t, "POST", "/api/v1/overrides", "application/json", `{"route":"orders","side":"new","ttl":"2h"}`))
	r.bearing(t, made.Value, "new")
	keys := filepath.Join(file+".state", auth.OverrideKeysFile)
	if info, err := os.Stat(keys); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of keys is %v, %v; want mode 0600", info, err)
	}

	rotated := decoded[wire.OverrideKeys](t, r.admin(t, "POST", "/api/v1/overrides/rotate", "application/json", `{}`))
	if len(rotated.Verifying) != 2 || rotated.Verifying[0] != rotated.Signing {
		t.Errorf("after the rotation the keys are %+v", rotated)
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}

	again := run(t, config, quiet())
	again.get(t, "/orders")
	again.bearing(t, made.Value, "new")
	again.admin(t, "DELETE", "/api/v1/overrides/"+made.ID, "", "")
	again.bearing(t, made.Value, "legacy")
}

func TestOverrideKeysOfTheEnvironment(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
	file := filepath.Join(t.TempDir(), "s.db")
	config := app.Config{
		Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", AccessLog: "off",
		Database: "sqlite:" + file, OverrideKeys: "k1:" + secret + ",k1:" + secret,
	}
	_, err := app.NewRouter(t.Context(), config, quiet())
	if !errors.Is(err, app.ErrConfig) || !strings.Contains(err.Error(), "STRANGLER_OVERRIDE_KEYS") || strings.Contains(err.Error(), secret) {
		t.Errorf("two keys of one id: %v", err)
	}
	config.OverrideKeys = "k1:" + secret
	router, err := app.NewRouter(t.Context(), config, quiet())
	if err != nil {
		t.Fatal(err)
	}
	stop(t, router)
	if _, err := os.Stat(filepath.Join(file+".state", auth.OverrideKeysFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("beside the keys of the environment there is a file: %v", err)
	}
}

func TestFileOfKeysThatOthersMayReadIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.db")
	if err := errors.Join(os.Mkdir(file+".state", 0o700), os.WriteFile(filepath.Join(file+".state", auth.OverrideKeysFile), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	config := app.Config{Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", AccessLog: "off", Database: "sqlite:" + file}
	_, err := app.NewRouter(t.Context(), config, quiet())
	if !errors.Is(err, app.ErrConfig) || !strings.Contains(err.Error(), "mode 0644") {
		t.Errorf("%v, want the mode refused", err)
	}
}

func TestARouterTellsTheFleetItsKeys(t *testing.T) {
	r := run(t, func(c *app.Config) {
		secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
		c.OverrideKeys = "k2:" + secret + ",k1:" + secret
	}, quiet())
	for deadline := time.Now().Add(20 * time.Second); ; {
		list := decoded[[]wire.Instance](t, r.admin(t, "GET", "/api/v1/instances", "", ""))
		if len(list) == 1 && list[0].OverrideKeys != nil {
			if got := strings.Join(*list[0].OverrideKeys, " "); got != "k2 k1" {
				t.Errorf("keys %q, want k2 k1", got)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no heartbeat: %+v", list)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
