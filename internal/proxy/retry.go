package proxy

import (
	"context"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// retry waits before another try on the same lane, if the lane's budget has
// one left and its breaker is not open. The permits are kept meanwhile.
func (f *flow) retry(wait time.Duration) exchange.Next {
	budget := f.lane.guard.budget
	if f.lane.guard.breaker.State(f.now()).State == guard.Open {
		return f.NotAgain(f.replayable())
	}
	if !budget.Reserve(f.tick()) {
		f.metrics.RetryRefused()
		return f.NoRetry(f.replayable())
	}
	f.discard()
	if !sleep(f.r.Context(), wait) {
		budget.Return()
		f.tick()
		f.Err = errClientLeft
		return f.AttemptFailed(guard.ClientGone, f.ended())
	}
	budget.Spend(f.tick())
	f.metrics.Retried(f.Class)
	// What did not get onto a connection says nothing: a backend may close an idle
	// one at any time.
	f.stumbled = f.stumbled || f.Class.BackendFault() && f.Class != guard.NotSent
	return f.Waited(f.at)
}

// sleep waits; false: ctx ended before.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// fallBack turns to legacy, if its budget has room for one more.
func (f *flow) fallBack() exchange.Next {
	legacy := f.gen.lanes.byRoute[f.route.Index].legacy
	if len(legacy.endpoints) == 0 || !legacy.backend.fallback.Take(f.tick()) {
		f.lane.guard.unhelped.Add(1)
		return f.NoFallback()
	}
	f.recordFallback()
	f.discard()
	f.change(legacy)
	return f.Crossed(&legacy.policy, f.at)
}

// change takes the exchange to another lane.
func (f *flow) change(to *lane) {
	f.permits.release()
	made := int(f.connections.Load())
	f.metrics.Leave(made - f.Elsewhere)
	f.Elsewhere = made
	f.FirstByte, f.HeadTook = 0, 0 // those were of a response that the client does not get
	f.stumbled = false
	f.use(to)
}

// use makes l the lane of the exchange.
func (f *flow) use(l *lane) {
	f.lane, f.counted, f.entered = l, false, f.at
	f.Backend = l.backend.name
	f.metrics = l.metrics
	f.metrics.Begin()
}

// follow makes sure that the try that is about to begin does so by the table in
// service. An exchange that waited meanwhile, for a permit or for its next try,
// may find itself on another lane: then it begins anew there.
func (f *flow) follow() (next exchange.Next, moved bool) {
	try := f.try
	switch {
	case !try.used && try.pinned.Load(): // it did not wait
		return next, false
	case try.used:
		try = &attempt{}
	}
	f.begin(try, f.proxy.acquire())
	if try.gen == f.gen {
		return next, false
	}
	return f.reassign(try.gen)
}

// reassign decides the side once more, by a newer table. Waiting never raises
// anybody's exposure to new: whoever was legacy's stays there.
func (f *flow) reassign(newest *generation) (next exchange.Next, moved bool) {
	was := f.Assignment
	f.gen = newest
	f.route = newest.table.Match(&f.request)
	if f.route == nil {
		return exchange.Next{Do: exchange.Answer, Problem: exchange.NoRoute()}, true
	}
	f.Assignment = newest.table.Assign(f.route, &f.request)
	f.override()
	now := f.Assignment
	f.Assignment = was
	lanes := newest.lanes.byRoute[f.route.Index]
	if was.Side == routing.Legacy && len(lanes.legacy.endpoints) > 0 {
		was.Route = now.Route
		now = was
	}
	to := lanes.side(now.Side)
	if to.guard.bulkhead == f.lane.guard.bulkhead && to.backend.bulkhead == f.lane.backend.bulkhead {
		f.lane, f.Assignment = to, now
		return next, false
	}
	f.tick()
	if next = f.Moved(now, &to.policy, f.ended()); next.Do == exchange.Admit {
		f.change(to)
	}
	return next, true
}
