package app_test

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/app"
	"github.com/stranglerfig/strangler/internal/auth"
)

func TestRedactionKeysThatAreNotKeysAreRefused(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
	file := filepath.Join(t.TempDir(), "s.db")
	config := app.Config{
		Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", AccessLog: "off",
		Database: "sqlite:" + file, RedactionKeys: secret,
	}
	_, err := app.NewRouter(t.Context(), config, quiet())
	if !errors.Is(err, app.ErrConfig) || !strings.Contains(err.Error(), "STRANGLER_REDACTION_KEYS") || strings.Contains(err.Error(), secret) {
		t.Errorf("a key without an id: %v", err)
	}
	config.RedactionKeys = ""
	folder := file + ".state"
	if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, auth.RedactionKeysFile), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := app.NewRouter(t.Context(), config, quiet()); !errors.Is(err, app.ErrConfig) || !strings.Contains(err.Error(), "mode 0644") {
		t.Errorf("a file that others may read: %v", err)
	}
}

func TestARouterTellsTheFleetByWhichKeysItHides(t *testing.T) {
	r := run(t, func(c *app.Config) {
		secret := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))
		c.RedactionKeys = "r2:" + secret + ",r1:" + secret
	}, quiet())
	for deadline := time.Now().Add(20 * time.Second); ; {
		list := decoded[[]wire.Instance](t, r.admin(t, "GET", "/api/v1/instances", "", ""))
		if len(list) == 1 && list[0].RedactionKeys != nil {
			if got := *list[0].RedactionKeys; !slices.Equal(got, []string{"r2", "r1"}) {
				t.Errorf("keys %q, want r2 and r1", got)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("no heartbeat: %+v", list)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
