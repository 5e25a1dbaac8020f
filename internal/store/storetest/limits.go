package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

func testLimits(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"ten thousand routes":    limitsMany,
		"a context that is over": limitsCancelled,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// limitsMany logs how long each operation takes; only what comes out is asserted.
func limitsMany(t *testing.T, backend Backend) {
	const many = 10_000
	f := open(t, backend)
	defs := shop()
	defs.Routes = nil
	for i := range many {
		name := fmt.Sprintf("route-%05d", i)
		defs.Routes = append(defs.Routes, spec.Route{Name: name, Match: spec.Match{Path: "/" + name + "/{id}"}, Legacy: "monolith", New: "orders"})
	}
	timed := func(what string, work func()) {
		began := time.Now()
		work()
		t.Logf("%-28s %s", what, time.Since(began).Round(10*time.Microsecond))
	}
	var known, next *fleet.Snapshot
	timed("apply 10,000 routes", func() { f.apply(defs) })
	timed("load everything", func() { known = f.load(nil) })
	timed("load, nothing changed", func() { next = f.load(known) })
	if next != known {
		t.Error("nothing changed, and yet another snapshot was made")
	}
	timed("promote one", func() { f.move("route-07777", at(100)) })
	timed("load one changed", func() { known = f.load(known) })
	if known.Routes[7777].Weight != 100 || known.Routes[7776].Weight != 0 {
		t.Error("the change of one route is not in its place")
	}
	var done rollout.Committed
	timed("change all", func() {
		var err error
		if done, err = f.Change(t.Context(), rollout.Selection{All: true}, moveTo(at(200))); err != nil {
			t.Fatal(err)
		}
	})
	timed("load all changed", func() { known = f.load(known) })
	if len(done.Routes) != many || done.Revision != 3 || known.Routes[0].Weight != 200 || known.Routes[many-1].Weight != 200 {
		t.Errorf("%d routes changed at revision %d", len(done.Routes), done.Revision)
	}
	timed("remove all", func() { f.apply(spec.Definitions{}) })
	if left := f.load(known); len(left.Routes) != 0 || left.Revision != 4 {
		t.Errorf("%d routes at revision %d, want none at 4", len(left.Routes), left.Revision)
	}
}

func limitsCancelled(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	over := cancelled()
	_, loadErr := f.Load(over, nil)
	_, changeErr := f.Change(over, only("cart"), moveTo(at(1)))
	_, editErr := f.Edit(over, spec.Edit{}, to(spec.Definitions{}))
	for what, err := range map[string]error{"load": loadErr, "change": changeErr, "edit": editErr, "heartbeat": f.Heartbeat(over, fleet.Instance{Name: "a"})} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, rollout.ErrUnavailable) {
			t.Errorf("%s: %v, want context.Canceled: the store is not to blame", what, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := f.Change(ctx, only("cart"), func(r rollout.Record) (rollout.Decision, error) {
		cancel() // the caller goes away in the middle of the transaction
		return moveTo(at(1))(r)
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled in the middle: %v, want context.Canceled", err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := f.Load(late, nil); !errors.Is(err, rollout.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("too late: %v, want ErrUnavailable by the deadline", err)
	}
	f.unchanged(before)
}
