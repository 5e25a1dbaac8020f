package storetest

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
)

// testRestore is the morning after an older backup was restored under a router
// that runs: it keeps serving what it served, says so, and follows the store
// again when somebody accepts it.
func testRestore(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("cart", at(100))
	backup := f.load(nil)
	f.move("cart", at(5000))
	f.move("orders-get", at(700))

	router := f.router()
	router.wait(t, "revision 4", func() bool { return router.serves(4) })
	f.restore()
	router.Wake()
	router.wait(t, "an alarm", func() bool { return router.Status().Alarm != nil })
	if status := router.Status(); !errors.Is(status.Alarm, fleet.ErrStoreWentBack) || !router.serves(4) || router.Current().Routes[0].Weight != 5000 {
		t.Errorf("after the restoration: alarm %v, revision %d, weight %d; want revision 4 to stay in force",
			status.Alarm, router.Current().Revision, router.Current().Routes[0].Weight)
	}

	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	accepted, err := router.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if accepted.Identity() != backup.Identity() || router.Status().Alarm != nil {
		t.Errorf("accepted %+v with the alarm %v, want what was restored: %+v", accepted.Identity(), router.Status().Alarm, backup.Identity())
	}
	router.wait(t, "an acknowledgement of revision 2", func() bool { return router.Status().Acknowledged == 2 })
	f.move("cart", at(200))
	router.wait(t, "revision 3", func() bool { return router.serves(3) && router.Current().Routes[0].Weight == 200 })
}

// restore puts revision 2 back, as a backup taken then does.
func (f *fixture) restore() {
	f.t.Helper()
	f.mutable()
	for _, statement := range []string{
		"UPDATE routes SET weight_bp = 100, revision = 2, last_event = 7 WHERE name = 'cart'",
		"UPDATE routes SET stage = 'legacy', weight_bp = 0, revision = 1, last_event = NULL WHERE name = 'orders-get'",
		"DELETE FROM events WHERE id > 7",
		"UPDATE store SET revision = 2, event_id = 7, event_hash = (SELECT hash FROM events WHERE id = 7), revision_hash = (SELECT hash FROM events WHERE id = 7)",
	} {
		f.mustBehind(statement)
	}
	if found := f.verify(); found.Broken != nil || found.Events != 7 {
		f.t.Fatalf("the restored chain: %+v", found)
	}
}

// running is a watcher at work.
type running struct{ *fleet.Watcher }

func (f *fixture) router() running {
	f.t.Helper()
	w := fleet.NewWatcher(fleet.Config{
		Source: f.reopen(), Instance: "router-1", Logger: slog.New(slog.DiscardHandler),
		Apply: func(*fleet.Snapshot) <-chan struct{} {
			applied := make(chan struct{})
			close(applied)
			return applied
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	f.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			f.t.Errorf("the watcher: %v", err)
		}
	})
	return running{w}
}

func (r running) serves(revision routing.Revision) bool {
	current := r.Current()
	return current != nil && current.Revision == revision
}

func (r running) wait(t *testing.T, what string, there func() bool) {
	t.Helper()
	for deadline := time.Now().Add(soon); !there(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come: %+v", what, r.Status())
		}
	}
}
