package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
)

func TestTheAutopilotIsSwitchedRouteByRoute(t *testing.T) {
	onBoth(t, func(t *testing.T, url func() string) {
		h := openAt(t, url())
		h.post("/api/v1/apply", shop, yamlBody).want(http.StatusOK)
		const path = "/api/v1/routes/orders-post/autopilot"
		for _, step := range []struct {
			query, body  string
			before, mode wire.AutopilotMode
			revision     wire.Revision
			changed      bool
		}{
			{"?dry_run=true", `{"mode": "on"}`, "off", "on", 1, true},
			{"", `{"mode": "on", "reason": "plan agreed"}`, "off", "on", 2, true},
			{"", `{"mode": "on"}`, "on", "on", 2, false},
			{"", `{"mode": "disarmed"}`, "on", "disarmed", 3, true},
			{"", `{"mode": "off"}`, "disarmed", "off", 4, true},
			{"", `{"mode": "off"}`, "off", "off", 4, false},
		} {
			got := decode[wire.AutopilotChange](h.post(path+step.query, step.body, operator(h)).want(http.StatusOK))
			want := wire.AutopilotChange{
				Route: "orders-post", Before: step.before, Mode: step.mode, PreviousRevision: got.PreviousRevision, Revision: step.revision,
				Changed: step.changed, DryRun: step.query != "", Actor: "olga", At: got.At, Note: got.Note,
			}
			if diff := cmp.Diff(want, got); diff != "" || got.At.IsZero() {
				t.Errorf("%s: %s", step.body, diff)
			}
			if warned := strings.Contains(got.Note, "nothing rolls it back"); warned != (step.mode == "disarmed") {
				t.Errorf("%s: note %q", step.body, got.Note)
			}
		}
		var history []string
		for _, e := range decode[[]wire.Event](h.get("/api/v1/events?route=orders-post&limit=3").want(http.StatusOK)) {
			history = append(history, fmt.Sprintf("%s %s %s %s→%s by %s: %s", e.Verb, e.Kind, e.Subject, e.Before, e.After, e.Actor, e.Reason))
		}
		want := []string{
			`autopilot_off autopilot orders-post {"mode":"disarmed"}→{"mode":"off"} by olga: `,
			`autopilot_off autopilot orders-post {"mode":"on"}→{"mode":"disarmed"} by olga: `,
			`autopilot_on autopilot orders-post {"mode":"off"}→{"mode":"on"} by olga: plan agreed`,
		}
		if diff := cmp.Diff(want, history); diff != "" {
			t.Error(diff)
		}
	})
}

func TestTheAutopilotSaysWhoActsAndOnWhat(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-list/autopilot", `{"mode": "on"}`, operator(h)).want(http.StatusOK)
	h.post("/api/v1/freeze", `{"reason": "sale"}`, operator(h)).want(http.StatusOK)
	got := decode[wire.Autopilot](h.get("/api/v1/autopilot", as(h.secrets[auth.Viewer])).want(http.StatusOK))
	if got.Holder != "router-1" || got.Number != 1 || got.ExpiresInS < 3500 || got.ExpiresInS > 3600 {
		t.Errorf("%+v", got)
	}
	if got.Frozen == nil || got.Frozen.By != "olga" || got.Frozen.Reason != "sale" || got.Frozen.At.IsZero() {
		t.Errorf("frozen %+v", got.Frozen)
	}
	said := got.Routes[1].At
	if said == nil || time.Since(*said).Abs() > time.Minute {
		t.Fatalf("said at %v", said)
	}
	want := []wire.AutopilotRoute{{Route: "orders-get", Mode: "off"}, {Route: "orders-list", Mode: "on", Actor: "olga", At: said}, {Route: "orders-post", Mode: "off"}}
	if diff := cmp.Diff(want, got.Routes); diff != "" {
		t.Error(diff)
	}
	for _, route := range decode[[]wire.RouteStatus](h.get("/api/v1/routes")) {
		if on := route.Autopilot == wire.AutopilotModeOn; on != (route.Name == "orders-list") {
			t.Errorf("%s: %s", route.Name, route.Autopilot)
		}
	}
	h.store.away.Store(true)
	answer := h.get("/api/v1/autopilot").want(http.StatusOK)
	if got := decode[wire.Autopilot](answer); got.Holder != "" || got.Frozen == nil || len(got.Routes) != 3 || answer.header.Get("Strangler-Stale") == "" {
		t.Errorf("without the store: %+v", got)
	}
	h.store.away.Store(false)
	if err := h.store.Release(t.Context(), led(t, h.store).Fence); err != nil {
		t.Fatal(err)
	}
	if got := decode[wire.Autopilot](h.get("/api/v1/autopilot")); got.Holder != "" || got.ExpiresInS != 0 {
		t.Errorf("when it was given back: %+v", got)
	}
}

func TestTheAutopilotRefusesWhatItCannotFly(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-post/promote", `{"to": "new"}`).want(http.StatusOK)
	h.post("/api/v1/routes/orders-post/retire", `{"force": true, "reason": "done"}`).want(http.StatusOK)
	for _, c := range []struct {
		route, body string
		status      int
		code        string
	}{
		{"nobody", `{"mode": "on"}`, http.StatusNotFound, "unknown_route"},
		{"everything", `{"mode": "on"}`, http.StatusConflict, "no_new_side"},
		{"orders-post", `{"mode": "on"}`, http.StatusConflict, "retired"},
		{"orders-post", `{"mode": "disarmed"}`, http.StatusConflict, "retired"},
		{"orders-get", `{"mode": "armed"}`, http.StatusBadRequest, "bad_mode"},
		{"orders-get", ``, http.StatusBadRequest, "bad_mode"},
		{"orders-get", `{"mode": "on", "reason": "two\nlines"}`, http.StatusBadRequest, "bad_reason"},
	} {
		if p := h.post("/api/v1/routes/"+c.route+"/autopilot", c.body).problem(c.status, c.code); !strings.Contains(p.Detail, "nothing was changed") {
			t.Errorf("%s %s: %q", c.route, c.body, p.Detail)
		}
	}
	if got := decode[wire.AutopilotChange](h.post("/api/v1/routes/orders-post/autopilot", `{"mode": "off"}`).want(http.StatusOK)); got.Changed {
		t.Errorf("%+v", got)
	}
}

func TestSwitchingOnSaysWhyNothingMovesYet(t *testing.T) {
	h := openShop(t)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "5%"}`).want(http.StatusOK)
	note := func(route string) string {
		t.Helper()
		return decode[wire.AutopilotChange](h.post("/api/v1/routes/"+route+"/autopilot", `{"mode": "on"}`).want(http.StatusOK)).Note
	}
	if got, want := note("orders-get"), "the routes of group visitors take their steps together, and the autopilot is not on for orders-list"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	h.post("/api/v1/routes/orders-get/pause", `{}`).want(http.StatusOK)
	if got := note("orders-get"); !strings.Contains(got, "stranglerctl resume orders-get") {
		t.Errorf("paused: %q", got)
	}
	h.post("/api/v1/routes/orders-get/rollback", `{}`).want(http.StatusOK)
	if got := note("orders-get"); !strings.Contains(got, "stranglerctl promote orders-get") {
		t.Errorf("rolled back: %q", got)
	}
	if got := note("orders-list"); got != "" {
		t.Errorf("nothing is in the way of orders-list: %q", got)
	}
	h.post("/api/v1/freeze", ``).want(http.StatusOK)
	if got, want := note("orders-post"), "promotions are frozen by ada; to allow them: stranglerctl unfreeze"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAFreezeForbidsPromotionsUntilItIsLifted(t *testing.T) {
	h := openShop(t)
	for _, step := range []struct {
		path, body string
		by, reason string // of the ban in force then
		revision   wire.Revision
		changed    bool
		note       string
	}{
		{"unfreeze", `{}`, "", "", 1, false, "nothing is frozen"},
		{"freeze?dry_run=true", `{"reason": "sale"}`, "olga", "sale", 1, true, "rollbacks go on"},
		{"freeze", `{"reason": "sale"}`, "olga", "sale", 2, true, "rollbacks go on"},
		{"freeze", ``, "olga", "sale", 2, false, "frozen already, by olga"},
		{"freeze", `{"reason": "longer sale"}`, "olga", "longer sale", 3, true, "rollbacks go on"},
		{"unfreeze", `{"reason": "over"}`, "", "", 4, true, ""},
	} {
		got := decode[wire.FreezeChange](h.post("/api/v1/"+step.path, step.body, operator(h)).want(http.StatusOK))
		frozen := wire.Frozen{}
		if got.Frozen != nil {
			frozen = *got.Frozen
		}
		if frozen.By != step.by || frozen.Reason != step.reason || got.Revision != step.revision || got.Changed != step.changed ||
			got.Actor != "olga" || !strings.Contains(got.Note, step.note) {
			t.Errorf("%s %s: %+v", step.path, step.body, got)
		}
		if status := decode[wire.Status](h.get("/api/v1/status")); (status.Frozen != nil) != (step.by != "" && !got.DryRun) {
			t.Errorf("%s %s: status %+v", step.path, step.body, status.Frozen)
		}
	}
	event := decode[[]wire.Event](h.get("/api/v1/events?limit=1"))[0]
	if event.Verb != "unfreeze" || event.Kind != "store" || event.Reason != "over" || string(event.After) != `{"frozen":false}` {
		t.Errorf("%+v", event)
	}
}
