package demo_test

import (
	"context"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/demo"
)

// crowded lets visitors in until enough says so, and returns their tally.
// TestMain sees to it that nothing of them stays behind.
func crowded(t *testing.T, shop string, visitors int, enough func(demo.Tally) bool) demo.Tally {
	t.Helper()
	traffic := demo.NewTraffic(shop, visitors, 500)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var running sync.WaitGroup
	running.Go(func() { traffic.Run(ctx) })
	for !enough(traffic.Tally()) && ctx.Err() == nil {
		time.Sleep(time.Millisecond) // a real process: looked at until it has done enough, or 30 s
	}
	cancel()
	running.Wait()
	tally := traffic.Tally()
	if !enough(tally) {
		t.Fatalf("not enough: %+v", tally)
	}
	return tally
}

func TestTrafficSeesEverythingAndNoErrors(t *testing.T) {
	legacy := open(t, demo.Legacy, demo.NewBooks())
	tally := crowded(t, legacy.URL, 30, func(tally demo.Tally) bool {
		return tally.Requests >= 400 && len(tally.Routes) == 4 && tally.Statuses[201] > 0
	})
	if tally.ClientErrors != 0 || tally.LastError != "" {
		t.Errorf("%d errors, the last: %s", tally.ClientErrors, tally.LastError)
	}
	if got := slices.Sorted(maps.Keys(tally.Statuses)); !slices.Equal(got, []int{200, 201}) {
		t.Errorf("statuses %v", tally.Statuses)
	}
	served := 0
	for route, s := range tally.Routes {
		if s.Legacy == 0 || s.New != 0 {
			t.Errorf("%s: %+v", route, s)
		}
		served += s.Legacy
	}
	if served != tally.Requests {
		t.Errorf("%d requests, %d served", tally.Requests, served)
	}
}

// Each visitor is the same person all the time: one X-User-Id, and, once they
// have it, one session.
func TestVisitorsAreStable(t *testing.T) {
	legacy := open(t, demo.Legacy, demo.NewBooks())
	var mu sync.Mutex
	sessions := map[string]map[string]bool{} // by X-User-Id
	watched := watch(t, legacy, func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		id := r.Header.Get("X-User-Id")
		if sessions[id] == nil {
			sessions[id] = map[string]bool{}
		}
		if cookie, err := r.Cookie("session"); err == nil {
			sessions[id][cookie.Value] = true
		}
	})
	crowded(t, watched, 5, func(demo.Tally) bool {
		mu.Lock()
		defer mu.Unlock()
		signedIn := 0
		for _, s := range sessions {
			signedIn += min(len(s), 1)
		}
		return signedIn == 5
	})
	want := []string{"visitor-1", "visitor-2", "visitor-3", "visitor-4", "visitor-5"}
	if got := slices.Sorted(maps.Keys(sessions)); !slices.Equal(got, want) {
		t.Errorf("visitors %v", got)
	}
	for id, s := range sessions {
		if len(s) > 1 {
			t.Errorf("%s had the sessions %v", id, s)
		}
	}
}

// watch puts a reverse proxy in front of a shop that shows every request to see.
func watch(t *testing.T, shop *httptest.Server, see func(*http.Request)) string {
	t.Helper()
	target, err := url.Parse(shop.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0), // visitors who are called home leave in the middle of an answer
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			see(r.In)
		},
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	return front.URL
}

func TestTrafficCountsClientErrors(t *testing.T) {
	signed := func(w http.ResponseWriter) { w.Header().Set(demo.ServedBy, "new") }
	for name, c := range map[string]struct {
		shop http.HandlerFunc
		says []string // one of them
	}{
		"an error": {func(w http.ResponseWriter, _ *http.Request) {
			signed(w)
			w.WriteHeader(http.StatusServiceUnavailable)
		}, []string{": status 503", ": the feed ended before its first tick"}},
		"unsigned": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"id":1}`))
		}, []string{`: served by "", which is no shop`, ", was given order 1", ": the feed ended before its first tick"}},
		"another order": {func(w http.ResponseWriter, _ *http.Request) {
			signed(w)
			_, _ = w.Write([]byte(`{"id":1}`))
		}, []string{", was given order 1", ": the feed ended before its first tick"}},
		"half an answer": {func(w http.ResponseWriter, _ *http.Request) {
			signed(w)
			w.Header().Set("Content-Length", "9")
			_, _ = w.Write([]byte("half"))
		}, []string{": the answer broke off: unexpected EOF", ": the feed ended before its first tick\nunexpected EOF"}},
		"no answer": {func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, []string{": EOF"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.shop)
			defer server.Close()
			tally := crowded(t, server.URL, 4, func(tally demo.Tally) bool { return tally.ClientErrors >= 5 })
			if !slices.ContainsFunc(c.says, func(want string) bool { return strings.HasSuffix(tally.LastError, want) }) {
				t.Errorf("the last error: %q, want one of %q", tally.LastError, c.says)
			}
		})
	}
}

func TestTallySince(t *testing.T) {
	before := demo.Tally{
		Requests: 3, Statuses: map[int]int{200: 2, 500: 1}, ClientErrors: 1, LastError: "old",
		Routes: map[string]demo.Served{"products": {Legacy: 2, New: 1}},
	}
	after := demo.Tally{
		Requests: 7, Statuses: map[int]int{200: 5, 500: 1, 201: 1}, ClientErrors: 1, LastError: "old",
		Routes: map[string]demo.Served{"products": {Legacy: 2, New: 4}, "orders-get": {Legacy: 1}},
	}
	got := after.Since(before)
	if got.Requests != 4 || got.ClientErrors != 0 || !maps.Equal(got.Statuses, map[int]int{200: 3, 201: 1}) {
		t.Errorf("%+v", got)
	}
	if !maps.Equal(got.Routes, map[string]demo.Served{"products": {New: 3}, "orders-get": {Legacy: 1}}) {
		t.Errorf("routes %+v", got.Routes)
	}
}
