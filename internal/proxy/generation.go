package proxy

import (
	"sync/atomic"

	"github.com/stranglerfig/strangler/internal/routing"
)

// generation is one table in service, and the exchanges that may still start
// an attempt by it.
type generation struct {
	table   *routing.Table
	lanes   *Lanes
	pinned  atomic.Int64  // exchanges that hold it
	retired atomic.Bool   // a newer one is in service
	drained chan struct{} // closed when retired and no longer pinned
	applied chan struct{} // closed when every older generation is drained
	closed  atomic.Bool   // drained is closed; guards against closing it twice
}

// Install puts a table into service. Exchanges that started by an older one
// finish by it. The returned channel is closed when none of those can start an
// attempt any more: from then on every byte that leaves for a backend leaves
// by this table or a newer one.
func (p *Proxy) Install(table *routing.Table, lanes *Lanes) (applied <-chan struct{}) {
	next := &generation{
		table: table, lanes: lanes,
		drained: make(chan struct{}), applied: make(chan struct{}),
	}
	old := p.serve(next)
	if old == nil {
		close(next.applied)
		return next.applied
	}
	old.retired.Store(true)
	old.settle()
	go func() {
		<-old.applied
		<-old.drained
		p.forget(old.lanes)
		close(next.applied)
	}()
	return next.applied
}

// serve makes next the generation in service and returns the one before. When
// only stages and weights moved the lanes are the same, and so is what they need;
// but whether they are shadowed is a matter of the stage.
func (p *Proxy) serve(next *generation) *generation {
	p.pools.mu.Lock()
	defer p.pools.mu.Unlock()
	p.adoptShadows(next)
	if now := p.current.Load(); now != nil && now.lanes == next.lanes {
		return p.current.Swap(next)
	}
	p.pools.adopt(next.lanes)
	p.guards.adopt(next.lanes)
	p.checkups.adopt(next.lanes)
	before := p.current.Swap(next)
	p.guards.limit(next.lanes)
	return before
}

// forget drops the connection pools that only old tables had.
func (p *Proxy) forget(old *Lanes) {
	p.pools.mu.Lock()
	defer p.pools.mu.Unlock()
	if now := p.current.Load().lanes; now != old {
		p.pools.keepOnly(now)
	}
}

// acquire pins the table in service; nil when there is none yet.
func (p *Proxy) acquire() *generation {
	for {
		g := p.current.Load()
		if g == nil {
			return nil
		}
		if p.hold(g) {
			return g
		}
	}
}

// hold pins g if it is the one in service. Between finding out and pinning it
// may have been retired and found unpinned, and a pin on it would not be
// waited for; so it is asked afterwards.
func (p *Proxy) hold(g *generation) bool {
	g.pinned.Add(1)
	if p.current.Load() == g {
		return true
	}
	g.release()
	return false
}

// release gives a pin back.
func (g *generation) release() {
	if g.pinned.Add(-1) == 0 {
		g.settle()
	}
}

// settle closes drained once the generation is retired and nobody holds it.
func (g *generation) settle() {
	if g.retired.Load() && g.pinned.Load() == 0 && g.closed.CompareAndSwap(false, true) {
		close(g.drained)
	}
}
