package proxy_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/stats"
)

func TestWhatReachesABackendIsCountedByItsSide(t *testing.T) {
	counts := stats.New()
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")}, func(s *settings) { s.options.Counts = counts })
	r.install(1, canary("/orders", routing.FullWeight), legacyOnly())
	for _, method := range []string{"GET", "POST", "DELETE"} {
		r.do(method, "/orders/1", user(1), strings.NewReader(""))
	}
	r.get("/elsewhere")
	r.install(2, canary("/orders", 0), legacyOnly())
	r.do("PUT", "/orders/1", user(1), strings.NewReader(""))

	r.log.entries(t, 5) // an exchange is counted before it is logged
	got := slices.SortedFunc(slices.Values(counts.Drain()), func(a, b stats.Count) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Side, b.Side))
	})
	var names []string
	for i := range got {
		names = append(names, got[i].Route)
		got[i].Route = ""
	}
	want := []stats.Count{{Side: "legacy", Requests: 1}, {Side: "legacy", Requests: 1, Unsafe: 1}, {Side: "new", Requests: 3, Unsafe: 2}}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("of the routes %v (-want +got):\n%s", names, diff)
	}
}

func TestWhatReachesNobodyIsNotCounted(t *testing.T) {
	counts := stats.New()
	r := start(t, map[string]string{"legacy": "http://127.0.0.1:1"}, func(s *settings) { s.options.Counts = counts })
	r.install(1, legacyOnly())
	if res, _ := r.get("/"); res.StatusCode != 502 {
		t.Errorf("status %d, want 502", res.StatusCode)
	}
	r.log.entries(t, 1)
	if got := counts.Drain(); len(got) != 0 {
		t.Errorf("counted %+v", got)
	}
}
