package api_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
)

// withKeys gives a house keys that are kept in a file.
func withKeys(t *testing.T) (*auth.OverrideKeys, func(*api.Config)) {
	t.Helper()
	keys, err := auth.OpenOverrideKeys(filepath.Join(t.TempDir(), auth.OverrideKeysFile))
	if err != nil {
		t.Fatal(err)
	}
	return keys, func(c *api.Config) { c.Signer = keys }
}

func TestAnOverrideIsMadeAndRevoked(t *testing.T) {
	keys, change := withKeys(t)
	h := openShop(t, change)
	made := decode[wire.Override](h.post("/api/v1/overrides", `{"route": "orders-get", "side": "new", "ttl": "2h", "reason": "smoke test"}`,
		as(h.secrets[auth.Operator])).want(http.StatusOK))
	read, err := keys.Verify(made.Value, time.Now())
	if err != nil || read.ID != made.ID || read.Route != "orders-get" || read.Side != "new" || !read.Expires.Equal(made.Expires) {
		t.Errorf("%+v, %v; made %+v", read, err, made)
	}
	if made.Cookie != "strangler_override" || made.Header != "Strangler-Override" || made.Note != "" {
		t.Errorf("%+v", made)
	}
	event := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
	if event.Verb != "override_create" || event.Subject != made.ID || event.Actor != "olga" || event.Reason != "smoke test" ||
		strings.Contains(string(event.After), made.Value) {
		t.Errorf("%+v, after %s", event, event.After)
	}

	for range 2 {
		revoked := decode[wire.RevokedOverride](h.delete("/api/v1/overrides/" + made.ID).want(http.StatusOK))
		if revoked.ID != made.ID || !revoked.Expires.Equal(made.Expires) {
			t.Errorf("%+v", revoked)
		}
	}
	list := decode[[]wire.RevokedOverride](h.get("/api/v1/overrides").want(http.StatusOK))
	served := h.router.Snapshot().RevokedOverrides
	if len(list) != 1 || list[0].ID != made.ID || len(served) != 1 || served[0].ID != made.ID {
		t.Errorf("listed %+v, served %+v", list, served)
	}
	if strings.Contains(h.log.String(), made.Value) {
		t.Error("the log has the value")
	}
}

func TestOverridesThatNobodyWouldObey(t *testing.T) {
	_, change := withKeys(t)
	h := openShop(t, change)
	h.post("/api/v1/routes/orders-list/promote", `{"to": "new"}`).want(http.StatusOK)
	h.post("/api/v1/routes/orders-list/retire", `{"force": true, "reason": "done"}`).want(http.StatusOK)
	events := len(decode[[]wire.Event](h.get("/api/v1/events")))
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{"route": "order-get", "side": "new", "ttl": "2h"}`:     {http.StatusNotFound, "unknown_route"},
		`{"route": "orders-list", "side": "new", "ttl": "2h"}`:   {http.StatusConflict, "retired"},
		`{"route": "everything", "side": "new", "ttl": "2h"}`:    {http.StatusConflict, "no_such_side"},
		`{"route": "orders-get", "side": "newer", "ttl": "2h"}`:  {http.StatusBadRequest, "bad_override"},
		`{"route": "orders-get", "side": "new", "ttl": "25h"}`:   {http.StatusBadRequest, "bad_override"},
		`{"route": "orders-get", "side": "new", "ttl": "0s"}`:    {http.StatusBadRequest, "bad_override"},
		`{"route": "orders-get", "side": "new", "ttl": "later"}`: {http.StatusBadRequest, "bad_ttl"},
		`{"route": "orders-get", "side": "new"}`:                 {http.StatusBadRequest, "bad_ttl"},
	} {
		h.post("/api/v1/overrides", body).problem(want.status, want.code)
	}
	h.delete("/api/v1/overrides/nobody").problem(http.StatusNotFound, "unknown_override")
	if after := len(decode[[]wire.Event](h.get("/api/v1/events"))); after != events {
		t.Errorf("%d events became %d", events, after)
	}
}

func TestAnOverrideOfARolledBackRouteSaysThatItWaits(t *testing.T) {
	_, change := withKeys(t)
	h := openShop(t, change)
	h.post("/api/v1/routes/orders-get/rollback", `{}`).want(http.StatusOK)
	made := decode[wire.Override](h.post("/api/v1/overrides", `{"route": "orders-get", "side": "legacy", "ttl": "1h"}`).want(http.StatusOK))
	if made.Note != "the route is rolled back: the override is ignored until it is promoted or resumed" {
		t.Errorf("%+v", made)
	}
}

func TestTheKeyOfOverridesIsRotatedWhereItIsOurs(t *testing.T) {
	keys, change := withKeys(t)
	h := openShop(t, change)
	first := decode[wire.Override](h.post("/api/v1/overrides", `{"route": "orders-get", "side": "new", "ttl": "1h"}`))
	old := keys.IDs()
	rotated := decode[wire.OverrideKeys](h.post("/api/v1/overrides/rotate", `{"reason": "leaked"}`).want(http.StatusOK))
	if rotated.Signing == old[0] || len(rotated.Verifying) != 2 || rotated.Verifying[0] != rotated.Signing || rotated.Verifying[1] != old[0] {
		t.Errorf("%+v after %v", rotated, old)
	}
	if _, err := keys.Verify(first.Value, time.Now()); err != nil {
		t.Errorf("what the old key signed: %v", err)
	}
	event := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
	if event.Verb != "override_rotate" || event.Subject != rotated.Signing || event.Reason != "leaked" {
		t.Errorf("%+v", event)
	}

	h.store.away.Store(true)
	p := h.post("/api/v1/overrides/rotate", ``).problem(http.StatusServiceUnavailable, "not_recorded")
	if now := keys.IDs(); len(now) != 3 || !strings.Contains(p.Detail, now[0]) {
		t.Errorf("%+v with the keys %v", p, now)
	}
	h.post("/api/v1/overrides", `{"route": "orders-get", "side": "new", "ttl": "1h"}`).problem(http.StatusServiceUnavailable, "store_unavailable")

	fixed, err := auth.ParseOverrideKeys("k1:" + strings.Repeat("A", 43) + "=")
	if err != nil {
		t.Fatal(err)
	}
	h = openShop(t, func(c *api.Config) { c.Signer = fixed })
	if p := h.post("/api/v1/overrides/rotate", ``).problem(http.StatusConflict, "override_keys"); !strings.Contains(p.Detail, auth.OverrideKeysVariable) {
		t.Errorf("%+v", p)
	}
	h = openShop(t)
	h.post("/api/v1/overrides", `{"route": "orders-get", "side": "new", "ttl": "1h"}`).problem(http.StatusConflict, "override_keys")
}
