package app_test

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/store"
)

// seen are a route's requests and key-minutes, by side and step, as the store has
// them when its routers are gone.
func seen(t *testing.T, database, route string) (requests, exposed map[string][]uint64) {
	t.Helper()
	s, err := store.Open(t.Context(), database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	windows, _, err := s.Windows(t.Context(), stats.WindowQuery{Routes: []string{route}})
	if err != nil {
		t.Fatal(err)
	}
	bySide := make(map[string]map[uint64]*stats.Window)
	for i := range windows {
		w := &windows[i]
		if bySide[w.Side] == nil {
			bySide[w.Side] = make(map[uint64]*stats.Window)
		}
		if bySide[w.Side][w.Step] == nil {
			bySide[w.Side][w.Step] = new(stats.Window)
		}
		bySide[w.Side][w.Step].Merge(&w.Window)
	}
	requests, exposed = make(map[string][]uint64), make(map[string][]uint64)
	for side, steps := range bySide {
		for step := range uint64(100) {
			if w := steps[step]; w != nil {
				requests[side], exposed[side] = append(requests[side], w.Requests()), append(exposed[side], w.Exposed.Count())
			}
		}
	}
	return requests, exposed
}

// What was seen before a promotion and after it stays apart, and none of it is lost
// when the router stops before its next regular write.
func TestWhatWasSeenIsInTheStoreStepByStep(t *testing.T) {
	file := filepath.Join(t.TempDir(), "s.db")
	r := served(t, file, `"`+side(t, "new")+`"`)
	r.eventually(t, "/orders", "new", 4)
	r.admin(t, http.MethodPost, "/api/v1/routes/orders/rollback?wait=10s", "application/json", `{}`)
	r.eventually(t, "/orders", "legacy", 3)
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	requests, exposed := seen(t, "sqlite:"+file, "orders")
	if len(requests["new"]) != 1 || requests["new"][0] < 4 || len(requests["legacy"]) == 0 || requests["legacy"][len(requests["legacy"])-1] < 3 {
		t.Errorf("requests by side and step: %v; want at least 4 on new in one step, and 3 on legacy in the last", requests)
	}
	for side, steps := range exposed {
		for step, keys := range steps {
			if keys < 1 || keys > 2 { // one address, in one minute or in two
				t.Errorf("%s, step %d: %d key-minutes, want those of one client", side, step, keys)
			}
		}
	}
}
