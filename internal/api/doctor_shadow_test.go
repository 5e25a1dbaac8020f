package api_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// shadowChecks is what doctor says of shadowing, by code.
func shadowChecks(h *house) map[string]string {
	h.t.Helper()
	found := map[string]string{}
	for _, c := range decode[[]wire.Check](h.get("/api/v1/doctor").want(http.StatusOK)) {
		if slices.Contains([]string{"rule_expired", "rule_unused", "shadow_idle", "shadow_behind", "dry_run_unproved", "noise_unknown", "evidence_unknown"}, c.Code) {
			found[c.Code] = string(c.Level) + " " + c.Message
			if c.Hint == "" && c.Code != "evidence_unknown" {
				h.t.Errorf("%+v says too little", c)
			}
		}
	}
	return found
}

func TestDoctorFindsShadowingThatDoesNotDoWhatItSays(t *testing.T) {
	h := openShop(t, reachable(""))
	h.post("/api/v1/apply", strings.Replace(shop, "name: orders-get\n", "name: orders-get\n    shadow: {sample: 50%, rules: [{ignore: $.generated_at, reason: clock, expires: 2020-01-31}]}\n", 1), yamlBody).want(http.StatusOK)
	was := h.compares("orders-get", "b1")
	for range 20 {
		was.found(totalIsANumber())
	}
	was.skipped(shadow.ReasonDropped, 2).skipped(shadow.ReasonBreakerOpen, 1).skipped(shadow.ReasonTooLarge, 100).skipped(shadow.ReasonNoProof, 4).kept()
	want := map[string]string{
		"rule_expired":     "warn orders-get: the rule ignore $.generated_at (clock) expired on 2020-01-31, and what it hid is reported again",
		"shadow_idle":      "warn orders-get: shadow.sample is 50%, and in stage legacy nothing is shadowed",
		"shadow_behind":    "warn orders-get: of 23 requests to compare in the last hour 3 were left out (breaker_open 1, dropped 2)",
		"dry_run_unproved": "fail orders-get: shadow.writes is dry_run, and new has not shown that it keeps to it: 4 writes were not shadowed in the last hour",
		"noise_unknown":    "warn orders-get: nobody finds out whether differences such as $.total are noise: legacy is never asked twice",
	}
	if diff := cmp.Diff(want, shadowChecks(h)); diff != "" {
		t.Error(diff)
	}
}

func TestDoctorIsQuietAboutShadowingThatWorks(t *testing.T) {
	h := openShop(t, reachable(""))
	h.post("/api/v1/apply", strings.Replace(shop, "name: orders-get\n", "name: orders-get\n    shadow: {noise: 10%, rules: [{ignore: $.generated_at, reason: clock}]}\n", 1), yamlBody).want(http.StatusOK)
	h.post("/api/v1/routes/orders-get/promote", `{"to": "shadow"}`).want(http.StatusOK)
	was := h.compares("orders-get", "b1")
	for range 30 {
		was.found(totalIsANumber())
	}
	was.skipped(shadow.ReasonDropped, 3).kept()
	if found := shadowChecks(h); len(found) != 0 {
		t.Errorf("%v", found)
	}
	h.store.unread = errors.New("no such table")
	if found := shadowChecks(h); len(found) != 1 || !strings.HasPrefix(found["evidence_unknown"], "warn what was compared cannot be read") {
		t.Errorf("%v", found)
	}
}

func TestDoctorFindsARuleThatNothingNeeds(t *testing.T) {
	h := openShop(t, reachable(""))
	h.post("/api/v1/apply", strings.Replace(shop, "name: orders-get\n", "name: orders-get\n    shadow: {rules: [{ignore: $.generated_at, reason: clock}]}\n", 1), yamlBody).want(http.StatusOK)
	began := time.Now().Add(-8 * 24 * time.Hour)
	epoch := shadow.Epoch{Route: "orders-get", ID: shadow.EpochID("orders-get", "b1", "r"), Build: "b1", Rules: "r", Began: began, Last: time.Now()}
	err := h.store.AddEvidence(t.Context(), shadow.Batch{
		Epochs: []shadow.Epoch{epoch}, Tallies: []shadow.Tally{{Route: "orders-get", Epoch: epoch.ID, Result: shadow.ResultMatch, N: 400}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"rule_unused": "warn orders-get: the rule ignore $.generated_at (clock) has hidden nothing in the last seven days"}
	if diff := cmp.Diff(want, shadowChecks(h)); diff != "" {
		t.Error(diff)
	}
}
