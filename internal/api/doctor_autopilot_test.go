package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/stats"
)

// flightChecks is what doctor says of the autopilot: code, level and message.
func flightChecks(h *house) []string {
	h.t.Helper()
	var found []string
	for _, c := range decode[[]wire.Check](h.get("/api/v1/doctor").want(http.StatusOK)) {
		if c.Group == wire.CheckGroupAutopilot {
			found = append(found, c.Code+" "+string(c.Level)+": "+c.Message)
		}
	}
	return found
}

func TestDoctorMissesAnAutopilotThatIsCountedOn(t *testing.T) {
	h := openShop(t, reachable(""))
	for _, step := range []struct{ path, body string }{
		{"routes/orders-get/promote", `{"to": "5%"}`},
		{"routes/orders-list/promote", `{"to": "5%"}`},
		{"routes/orders-list/autopilot", `{"mode": "disarmed"}`},
		{"routes/orders-post/autopilot", `{"mode": "on"}`},
	} {
		h.post("/api/v1/"+step.path, step.body).want(http.StatusOK)
	}
	if found := flightChecks(h); found != nil {
		t.Errorf("while one acts: %q", found)
	}
	if err := h.store.Release(t.Context(), led(t, h.store).Fence); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"nobody_acts fail: no router's autopilot acts: by evidence nothing is promoted and nothing rolled back; it is counted on for orders-get, orders-post",
	}
	if diff := cmp.Diff(want, flightChecks(h)); diff != "" {
		t.Error(diff)
	}
	h.post("/api/v1/routes/orders-get/rollback", ``).want(http.StatusOK)
	h.post("/api/v1/routes/orders-post/autopilot", `{"mode": "off"}`).want(http.StatusOK)
	if found := flightChecks(h); found != nil {
		t.Errorf("when nobody counts on it: %q", found)
	}
	h.post("/api/v1/freeze", ``).want(http.StatusOK)
	if found := flightChecks(h); len(found) != 1 || !strings.HasPrefix(found[0], "frozen warn: promotions are frozen, by ada since ") {
		t.Errorf("frozen: %q", found)
	}
}

func TestDoctorSeesWhatIsWaitedForInVain(t *testing.T) {
	h := openShop(t, reachable(""))
	h.post("/api/v1/routes/orders-get/promote", `{"to": "5%"}`).want(http.StatusOK)
	const parity = "parity_starved warn: orders-get: the autopilot waits for comparisons, and in stage canary nothing of it is shadowed"
	const keys = "keys_starved warn: orders-get: the autopilot waits for key-minutes, and of 20 requests in the last hour none had one of the cohort keys"
	expect := func(when string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, flightChecks(h)); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	expect("off")
	h.post("/api/v1/routes/orders-get/autopilot", `{"mode": "on"}`).want(http.StatusOK)
	expect("on", parity)

	serve := func(drawn bool, requests int) {
		t.Helper()
		from := time.Now().UTC().Truncate(time.Minute).Add(-5 * time.Minute)
		r := stats.NewRecorder(from)
		for range requests {
			r.Record(stats.Sample{Key: 1, At: from, Drawn: drawn})
		}
		window := stats.LaneWindow{Route: "orders-get", Side: "legacy", Step: 2, Window: r.Drain(from.Add(stats.SlotLength))}
		if err := h.store.AddWindows(t.Context(), "a", []stats.LaneWindow{window}); err != nil {
			t.Fatal(err)
		}
		if err := h.store.FoldWindows(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	serve(false, 19)
	expect("a few requests without keys", parity)
	serve(false, 1)
	expect("many requests without keys", parity, keys)
	h.post("/api/v1/routes/orders-get/shadow", `{"sample": "10%"}`).want(http.StatusOK)
	expect("shadowed", keys)
	serve(true, 1)
	expect("one request with a key")
}

func TestDoctorMissesStatistics(t *testing.T) {
	h := openShop(t, reachable(""))
	h.store.instances = []fleet.Instance{
		{Name: "blind", Revision: 1},
		{Name: "idle", Revision: 1},
		{Name: "seeing", Revision: 1},
		{Name: "gone", Revision: 1, SignedOff: true},
		{Name: "young", Revision: 1, StartedAt: time.Now()},
	}
	h.store.traffic = map[string]float64{"blind": 2, "seeing": 2, "gone": 2, "young": 2}
	h.sees("seeing", "legacy", time.Now().UTC().Truncate(stats.SlotLength).Add(-stats.SlotLength), stats.Sample{Key: 1})
	want := []string{"statistics_missing warn: blind serves requests and brings no statistics: the autopilot does not see what it does"}
	if diff := cmp.Diff(want, flightChecks(h)); diff != "" {
		t.Error(diff)
	}
}

func TestDoctorNamesWebhooksThatCannotBeTold(t *testing.T) {
	h := open(t, reachable(""))
	h.post("/api/v1/apply", told, yamlBody).want(http.StatusOK)
	if found := flightChecks(h); found != nil {
		t.Errorf("at first: %q", found)
	}
	at := time.Date(2026, 5, 4, 9, 30, 0, 0, time.UTC)
	for _, place := range []notify.Place{
		{Webhook: "chat", Failures: 3, LastError: "it answered 503", Delivered: at},
		{Webhook: "oncall", Failures: 1, LastError: "ONCALL_URL is not set"},
		{Webhook: "pager", LastError: "given up: the receiver answered 410 Gone", Delivered: at},
	} {
		if err := h.store.KeepPlace(t.Context(), led(t, h.store).Fence, place); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"webhook_failing warn: webhook chat cannot be told: attempt 3 at its next event failed: it answered 503; the last that arrived was at 2026-05-04T09:30:00Z",
		"webhook_failing warn: webhook oncall cannot be told: attempt 1 at its next event failed: ONCALL_URL is not set; nothing ever arrived",
		"webhook_failing warn: webhook pager has missed what only the history has: given up: the receiver answered 410 Gone; the last that arrived was at 2026-05-04T09:30:00Z",
	}
	if diff := cmp.Diff(want, flightChecks(h)); diff != "" {
		t.Error(diff)
	}
}

// A newer router may know zones that this one does not.
func TestDoctorNamesChangeWindowsThatCannotBeRead(t *testing.T) {
	h := openShop(t, reachable(""))
	_, err := h.store.Edit(t.Context(), spec.Edit{Verb: rollout.VerbApply, Actor: "ada"}, func(now spec.Current) (spec.Definitions, error) {
		next := now.Definitions
		next.Routes = append([]spec.Route(nil), next.Routes...)
		next.Routes[1].Gates = &spec.Gates{Window: &spec.Window{Zone: "Mars/Olympus", Hours: "9-16"}}
		next.Routes[2].Gates = &spec.Gates{Window: &spec.Window{Zone: "Europe/Berlin", Hours: "9-16"}}
		return next, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"window_unreadable fail: orders-get: this router cannot read the change window of zone Mars/Olympus, and takes it for closed"}
	if diff := cmp.Diff(want, flightChecks(h)); diff != "" {
		t.Error(diff)
	}
}
