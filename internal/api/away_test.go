package api_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
)

func TestReadsGoOnWhenTheStoreIsAway(t *testing.T) {
	h := openShop(t)
	h.get("/api/v1/routes").want(http.StatusOK) // the token is known from here on
	h.router.stand(nil, fleet.Status{Since: time.Now(), ConfirmedAt: time.Now().Add(-90 * time.Second), LastError: errors.New("connection refused")})
	h.store.away.Store(true)
	for _, path := range []string{"routes", "routes/orders-get", "backends", "backends/orders", "groups", "groups/visitors", "export"} {
		answer := h.get("/api/v1/" + path).want(http.StatusOK)
		age, err := strconv.Atoi(answer.header.Get("Strangler-Stale"))
		if err != nil || age < 90 || age > 600 {
			t.Errorf("%s: Strangler-Stale %q, want about 90", path, answer.header.Get("Strangler-Stale"))
		}
	}
	status := decode[wire.Status](h.get("/api/v1/status").want(http.StatusOK))
	if !status.Ready || status.Revision != 1 || status.Store.Reachable || status.Store.Error != "connection refused" || status.AgeS < 90 {
		t.Errorf("%+v", status)
	}
	h.store.away.Store(false)
	if stale := h.get("/api/v1/routes").want(http.StatusOK).header.Get("Strangler-Stale"); stale != "" {
		t.Errorf("the store is back, and Strangler-Stale is %q", stale)
	}
}

// What a store says that is not followed is not what is served.
func TestReadsFromAStoreThatIsNotFollowedSaySo(t *testing.T) {
	h := openShop(t)
	paths := []string{"routes", "routes/orders-get", "backends", "groups", "export"}
	for _, path := range paths {
		if got := h.get("/api/v1/" + path).want(http.StatusOK).header.Values("Strangler-Unfollowed"); got != nil {
			t.Errorf("%s of a store that is followed: %q", path, got)
		}
	}
	h.router.stand(nil, fleet.Status{Reachable: true, ConfirmedAt: time.Now(), Alarm: fleet.ErrStoreWentBack})
	for _, path := range paths {
		if got := h.get("/api/v1/" + path).want(http.StatusOK).header.Get("Strangler-Unfollowed"); got != "1" {
			t.Errorf("%s: Strangler-Unfollowed %q, want 1", path, got)
		}
	}
}

func TestWritesAreRefusedWhenTheStoreIsAwayAndSayWhatGoesOn(t *testing.T) {
	h := openShop(t)
	h.get("/api/v1/status").want(http.StatusOK)
	h.store.away.Store(true)
	for _, answer := range []*answer{
		h.post("/api/v1/routes/orders-get/promote", ""),
		h.post("/api/v1/routes/orders-get/rollback", ""),
		h.post("/api/v1/rollback", ""),
		h.post("/api/v1/apply", shop, yamlBody),
		h.put("/api/v1/backends/orders", `{"endpoints": ["http://127.0.0.1:1"]}`, header("If-Match", `"1"`)),
		h.delete("/api/v1/routes/orders-post"),
		h.get("/api/v1/events"),
		h.get("/api/v1/instances"),
	} {
		p := answer.problem(http.StatusServiceUnavailable, "store_unavailable")
		if !strings.Contains(p.Detail, "nothing was changed; traffic keeps flowing by revision 1") || answer.header.Get("Retry-After") != "5" {
			t.Errorf("%s: %v %+v", answer.what, answer.header, p)
		}
	}
}

func TestATokenThatWasNeverSeenCannotBeCheckedWithoutTheStore(t *testing.T) {
	h := openShop(t)
	h.store.away.Store(true)
	h.get("/api/v1/routes", as(h.secrets[auth.Viewer])).problem(http.StatusServiceUnavailable, "store_unavailable")
	h.get("/livez").want(http.StatusOK)
}

func TestARouterThatNeverSawAStoreIsNotReady(t *testing.T) {
	blank := &blank{}
	h := open(t, func(c *api.Config) { c.Router = blank })
	h.get("/livez").want(http.StatusOK)
	if p := h.get("/readyz").problem(http.StatusServiceUnavailable, "not_ready"); !strings.Contains(p.Detail, "no table yet") {
		t.Errorf("%+v", p)
	}
	h.post("/api/v1/explain", `{"method": "GET", "url": "/"}`).problem(http.StatusServiceUnavailable, "not_ready")
	status := decode[wire.Status](h.get("/api/v1/status").want(http.StatusOK))
	if status.Ready || status.NotReady != "no table yet" || status.Revision != 0 {
		t.Errorf("%+v", status)
	}
	h.get("/api/v1/routes").want(http.StatusOK)
	h.store.away.Store(true)
	p := h.get("/api/v1/routes").problem(http.StatusServiceUnavailable, "store_unavailable")
	if strings.Contains(p.Detail, "traffic") {
		t.Errorf("no traffic flows: %+v", p)
	}
}

// blank is a router that has nothing yet.
type blank struct{}

func (*blank) Snapshot() *fleet.Snapshot { return nil }
func (*blank) Ready() error              { return errors.New("no table yet") }
func (*blank) Status() fleet.Status      { return fleet.Status{} }

func (*blank) Table() *routing.Table { return nil }

// A router that does not follow its store must not seem to obey.
func TestAMoveThatTheRouterCannotFollowSaysSo(t *testing.T) {
	alarm := func(err error) fleet.Status { return fleet.Status{Reachable: true, Alarm: err} }
	for name, test := range map[string]struct {
		alarm error
		ahead routing.Revision // how far the router is ahead of the store
		said  bool
	}{
		"in agreement":                    {nil, 0, false},
		"another store":                   {fleet.ErrStoreReplaced, 0, true},
		"gone back, and still behind":     {fleet.ErrStoreWentBack, 9, true},
		"gone back, and past it by this":  {fleet.ErrStoreWentBack, 0, false},
		"forked, which any change ends":   {fleet.ErrStoreForked, 0, false},
		"forked, and nothing was changed": {fleet.ErrStoreForked, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := openShop(t, func(cfg *api.Config) { cfg.Changed = func() {} })
			h.router.refresh()
			h.router.leap(test.ahead)
			h.router.stand(nil, alarm(test.alarm))
			move := decode[wire.Move](h.post("/api/v1/routes/orders-get/rollback", "").want(http.StatusOK))
			if said := strings.HasPrefix(move.Note, "NOT in force on router-1, which serves revision "); said != test.said || !move.Changed {
				t.Errorf("the note is %q", move.Note)
			}
		})
	}
}
