package autopilot

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/stats"
)

// Store is what the autopilot needs of one.
type Store interface {
	Leases
	Dossiers
	stats.WindowReader
}

// Mover gives commands to routes; see rollout.Controller.
type Mover interface {
	Move(ctx context.Context, seen map[string]rollout.Standing, cmd rollout.Command) ([]rollout.Result, error)
}

// Config is what a Pilot needs.
type Config struct {
	Instance string // whose autopilot it is
	Store    Store
	Mover    Mover
	Sources  Sources
	Moved    func() // told when it has moved a route
	Logger   *slog.Logger
}

// Pilot is one router's autopilot. Most of the time it is another router's that
// acts.
type Pilot struct {
	Config

	leading atomic.Pointer[leadership]

	// What follows belongs to the goroutine of Run.
	lease    rollout.Fence // under which the rest was read
	accounts map[string]*Account
	written  map[string]string // of the accounts, as the store has them
	sights   map[string]*sight
	read     time.Time           // until when windows were read, by the store's clock
	met      map[int64]time.Time // windows that are taken in, and when
	table    routing.Revision    // the newest that is known
	folded   time.Time
	folding  sync.WaitGroup // Run ends with it: nobody may use the store after that
	failing  bool           // the last look failed
	failed   int            // looks with the lease, one after the other
}

// leadership is the lease as this machine's clock has it.
type leadership struct {
	fence rollout.Fence
	until time.Time
}

// The times of a Pilot.
const (
	lookEvery  = stats.SlotLength
	lookAfter  = 1500 * time.Millisecond // a slot's end, when all routers should have written
	lookFor    = 8 * time.Second         // one look; less than LeaseTime
	knockEvery = 2 * time.Second         // whoever does not lead asks for the lease
	foldEvery  = time.Minute
	foldFor    = 20 * time.Second
	releaseFor = 2 * time.Second
	restFor    = 3 * knockEvery // whoever has failed lets others knock

	mostFailed = 3 // looks that fail, until another autopilot may try
)

// New returns a Pilot that has done nothing yet.
func New(config Config) *Pilot {
	p := &Pilot{Config: config}
	p.begin(rollout.Fence{})
	return p
}

// begin forgets all that was read under another lease.
func (p *Pilot) begin(fence rollout.Fence) {
	p.lease = fence
	p.accounts, p.written, p.sights = make(map[string]*Account), make(map[string]string), make(map[string]*sight)
	p.read, p.met = time.Time{}, make(map[int64]time.Time)
}

// Run looks at the fleet every few seconds, whenever it has the lease, until ctx
// ends; then it gives the lease back.
func (p *Pilot) Run(ctx context.Context) {
	defer p.folding.Wait()
	wait := time.Duration(0)
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			p.resign(context.WithoutCancel(ctx))
			return
		}
		err := p.Look(ctx)
		p.note(ctx, err)
		switch _, leads := p.Leads(); {
		case leads:
			wait = untilLook(time.Now())
		case err != nil:
			wait = restFor
		default:
			wait = knockEvery
		}
	}
}

// untilLook is how long it is until the routers have written the next slot.
func untilLook(now time.Time) time.Duration {
	next := now.Add(-lookAfter).Truncate(lookEvery).Add(lookEvery + lookAfter)
	return next.Sub(now)
}

// note logs what went wrong, once, and again when it is over.
func (p *Pilot) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	switch {
	case err != nil && !p.failing:
		p.Logger.Warn("the autopilot does nothing for now: routes stay where they are, and breakers and fallbacks go on", "error", err)
	case err == nil && p.failing:
		p.Logger.Info("the autopilot works again")
	}
	p.failing = err != nil
}

// Leads reports whether this autopilot acts at present, and its fence.
func (p *Pilot) Leads() (rollout.Fence, bool) {
	led := p.leading.Load()
	if led == nil || time.Now().After(led.until) {
		return rollout.Fence{}, false
	}
	return led.fence, true
}

// Look takes or prolongs the lease, and where it has it looks at all routes once,
// and moves those that are to be moved. Run calls it; nobody else may meanwhile. Who does
// not know how routes stand, and who has failed several times, gives the lease away.
func (p *Pilot) Look(ctx context.Context) error {
	if p.Sources.Doubt != nil {
		if err := p.Sources.Doubt(); err != nil {
			p.resign(context.WithoutCancel(ctx))
			return err
		}
	}
	looking, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	err := p.look(looking)
	_, leads := p.Leads()
	if leads {
		p.fold(ctx)
	}
	if err == nil || !leads {
		p.failed = 0
		return err
	}
	if p.failed++; p.failed == mostFailed {
		p.failed = 0
		p.resign(context.WithoutCancel(ctx))
	}
	return err
}

func (p *Pilot) look(ctx context.Context) error {
	asked := time.Now()
	lease, err := p.Store.Lease(ctx, p.Instance, LeaseTime)
	if err != nil {
		return err
	}
	if lease.Holder != p.Instance {
		p.leading.Store(nil)
		return nil
	}
	if lease.Fence != p.lease {
		p.Logger.Info("this router's autopilot acts from now on", "instance", p.Instance, "lease", lease.Number)
		p.begin(lease.Fence)
	}
	p.leading.Store(&leadership{fence: lease.Fence, until: asked.Add(LeaseTime)})
	if err = p.work(ctx, lease.Read); errors.Is(err, rollout.ErrFenced) {
		p.leading.Store(nil)
		p.begin(rollout.Fence{})
	}
	return err
}

// work is one look at the fleet. What does harm is taken back before anything is read
// that only promotions need.
func (p *Pilot) work(ctx context.Context, now time.Time) error {
	fleet := p.Sources.Fleet()
	p.table = fleet.Revision
	routes := movable(fleet.Routes)
	if err := p.recall(ctx, routes); err != nil {
		return err
	}
	dead, err := p.takeIn(ctx, routes, now)
	if err != nil {
		return err
	}
	found, failed := p.gather(ctx, fleet.Frozen, dead, now)
	serving := exposed(routes)
	failed = errors.Join(failed, p.rollBack(ctx, found, serving, found.assess(serving)))
	if errors.Is(failed, rollout.ErrFenced) {
		return failed
	}
	p.measure(ctx, routes, now)
	if failed = errors.Join(failed, p.keep(ctx)); failed != nil {
		return failed
	}
	if !p.compare(ctx, found, routes) {
		return nil
	}
	return p.promote(ctx, routes, found.assess(routes))
}

// movable are the routes that have somewhere to go.
func movable(routes []Route) []*Route {
	var all []*Route
	for i := range routes {
		if routes[i].Facts.HasNew && routes[i].State.Stage != routing.StageRetired {
			all = append(all, &routes[i])
		}
	}
	return all
}

// exposed are the routes of which new serves something.
func exposed(routes []*Route) []*Route {
	return slices.DeleteFunc(slices.Clone(routes), func(r *Route) bool { return !r.State.Stage.Exposed() })
}

// fold has old windows folded, beside everything else: a look need not wait for it.
func (p *Pilot) fold(ctx context.Context) {
	if time.Since(p.folded) < foldEvery {
		return
	}
	p.folded = time.Now()
	p.folding.Go(func() { // the store lets only one at a time
		bounded, cancel := context.WithTimeout(ctx, foldFor)
		defer cancel()
		if err := p.Store.FoldWindows(bounded); err != nil && ctx.Err() == nil {
			p.Logger.Info("old statistics were not folded: it is tried again in a minute", "error", err)
		}
	})
}

// resign gives the lease back, so that nobody waits for it to expire.
func (p *Pilot) resign(ctx context.Context) {
	fence, leads := p.Leads()
	if !leads {
		return
	}
	p.leading.Store(nil)
	ctx, cancel := context.WithTimeout(ctx, releaseFor)
	defer cancel()
	if err := p.Store.Release(ctx, fence); err != nil {
		p.Logger.Info("the autopilot's lease was not given back: another router's takes over when it has expired", "error", err)
	}
}
