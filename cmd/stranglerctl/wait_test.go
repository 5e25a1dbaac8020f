package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// aFleet is a router that makes one change and then tells of its fleet what
// list says; no real fleet can be made to fall silent in time for a test.
func aFleet(t *testing.T, list func(call int64) (status int, body string)) map[string]string {
	t.Helper()
	var calls atomic.Int64
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "application/json")
		if status != http.StatusOK {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		w.WriteHeader(status)
		_, _ = w.Write(json.RawMessage(body))
	}
	mux.HandleFunc("POST /api/v1/routes/orders/pause", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, `{"route":"orders","revision":9,"previous_revision":8,"changed":true,"actor":"ana",
			"before":{"stage":"canary","weight_bp":500,"hold":{"kind":null,"reason":""}},
			"after":{"stage":"canary","weight_bp":500,"hold":{"kind":"paused","reason":""}}}`)
	})
	mux.HandleFunc("GET /api/v1/status", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, `{"instance":"a:1"}`)
	})
	mux.HandleFunc("GET /api/v1/instances", func(w http.ResponseWriter, _ *http.Request) {
		status, body := list(calls.Add(1))
		answer(w, status, body)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return map[string]string{"STRANGLER_SERVER": server.URL}
}

const (
	onNine = `[{"instance":"a:1","revision":9,"age_s":0.2,"state":"serving"}]`
	away   = `{"title":"t","status":503,"code":"store_unavailable","detail":"the store is away"}`
)

func TestWaitOutlivesAStoreThatIsAwayForAMoment(t *testing.T) {
	env := aFleet(t, func(call int64) (int, string) {
		if call < 3 {
			return http.StatusServiceUnavailable, away
		}
		return http.StatusOK, onNine
	})
	code, stdout, stderr := invoke(t, env, "pause", "orders", "--wait")
	if code != exitOK || stdout != "orders  5% → 5%, paused  (revision 8 → 9, by ana)\n" || !strings.HasPrefix(stderr, "√ 1/1 instances on 9 (") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestWaitSaysWhenNobodyKnows(t *testing.T) {
	env := aFleet(t, func(int64) (int, string) { return http.StatusServiceUnavailable, away })
	code, _, stderr := invoke(t, env, "pause", "orders", "--wait=250ms")
	want := "error: after 250ms it is unknown who serves revision 9; the change is made and stays: the store is away\n" +
		"hint: stranglerctl instance ls shows when they catch up\n"
	if code != exitTimedOut || stderr != want {
		t.Errorf("exit code %d, stderr %q, want %q", code, stderr, want)
	}
}

func TestWaitDoesNotWaitForThoseThatAreGone(t *testing.T) {
	env := aFleet(t, func(int64) (int, string) {
		return http.StatusOK, `[{"instance":"a:1","revision":9,"age_s":0.2,"state":"serving"},
			{"instance":"gone:1","revision":3,"age_s":60,"state":"silent"},
			{"instance":"left:1","revision":3,"age_s":5,"state":"signed_off"}]`
	})
	code, _, stderr := invoke(t, env, "pause", "orders", "--wait")
	if code != exitOK || !strings.HasPrefix(stderr, "‼ gone:1 was last heard 1m ago: not waited for\n√ 1/1 instances on 9 (") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestWaitWaitsForTheRouterThatAnswers(t *testing.T) {
	env := aFleet(t, func(call int64) (int, string) {
		if call == 1 {
			return http.StatusOK, `[{"instance":"b:1","revision":9,"age_s":59.9,"state":"serving"}]`
		}
		return http.StatusOK, onNine
	})
	if code, _, stderr := invoke(t, env, "pause", "orders", "--wait"); code != exitOK || !strings.HasPrefix(stderr, "√ 1/1 instances on 9 (") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	never := aFleet(t, func(int64) (int, string) {
		return http.StatusOK, `[{"instance":"b:1","revision":8,"age_s":59.9,"state":"serving"}]`
	})
	code, _, stderr := invoke(t, never, "pause", "orders", "--wait=250ms")
	want := "error: after 250ms only 0/2 instances are on revision 9; the change is made and stays\n" +
		"waiting for b:1: on revision 8, heard 59s ago\nwaiting for a:1: it acknowledges no revision yet\n" +
		"hint: stranglerctl instance ls shows when they catch up\n"
	if code != exitTimedOut || stderr != want {
		t.Errorf("exit code %d, stderr %q, want %q", code, stderr, want)
	}
}
