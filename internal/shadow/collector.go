package shadow

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// CollectorConfig is what a Collector is made of.
type CollectorConfig struct {
	Instance string        // this router, as the store knows it
	Random   func() uint64 // for ids and draws; nil: one that is seeded at random
}

// RouteSettings are what a route's table says about its evidence.
type RouteSettings struct {
	Redactor Redactor // nil: nothing of what differs is kept
}

// Collector makes evidence of comparisons, and keeps it until it is written. It
// is safe for concurrent use. What it keeps is bounded, however much differs and
// however long the store is away; what does not fit is counted as Overflow.
type Collector struct {
	instance string
	random   func() uint64

	mu      sync.Mutex // owns the rest
	trails  map[string]*trail
	pending int64 // bytes of exemplars
}

// trail is what there is of one route.
type trail struct {
	redactor Redactor
	skips    Skips             // needs no lock
	skipped  map[string]uint64 // by reason
	builds   builds
	pages    map[string]*page // by the epoch's id
}

// NewCollector returns a Collector that has learned nothing yet.
func NewCollector(config CollectorConfig) *Collector {
	if config.Random == nil {
		config.Random = rand.Uint64
	}
	return &Collector{instance: config.Instance, random: config.Random, trails: make(map[string]*trail)}
}

// SetRoutes replaces the settings of these routes. The others keep theirs, for
// comparisons of a route that is gone may be under way.
func (c *Collector) SetRoutes(routes map[string]RouteSettings) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for route, settings := range routes {
		c.trail(route).redactor = settings.Redactor
	}
}

// Redactor returns what hides the values of a route; nil: it is not in service.
func (c *Collector) Redactor(route string) Redactor {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.trails[route]; t != nil {
		return t.redactor
	}
	return nil
}

// Skips returns the counter of what is not compared of a route. The same route
// has the same counter for ever.
func (c *Collector) Skips(route string) *Skips {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &c.trail(route).skips
}

// trail needs the lock.
func (c *Collector) trail(route string) *trail {
	t := c.trails[route]
	if t == nil {
		t = &trail{skipped: make(map[string]uint64), pages: make(map[string]*page), builds: builds{known: newRoster(maxBuilds)}}
		c.trails[route] = t
	}
	return t
}

// Add learns from a comparison. It keeps nothing of it that is not redacted: of
// a route without a redactor a mismatch is counted, as Overflow, and no more.
func (c *Collector) Add(comparison Comparison) {
	found := &comparison
	if found.Result.Outcome == compare.Skipped {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.trail(found.Route).skipped[found.Result.Reason]++
		return
	}
	redactor := c.Redactor(found.Route)
	if redactor == nil {
		c.count(found, nil)
		return
	}
	if p, known, draw := c.count(found, glimpses(found, redactor)); p != nil {
		c.keep(p, known, draw, redactor, found)
	}
}

// count counts a comparison, and returns with what to make an exemplar of it. A
// nil page means that none is wanted.
func (c *Collector) count(found *Comparison, seen []glimpse) (p *page, known []string, draw uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.trail(found.Route)
	build := t.builds.resolve(found.New.Build, found.At)
	p = c.page(t, Epoch{Route: found.Route, ID: EpochID(found.Route, build, found.Rules), Build: build, Rules: found.Rules, Began: found.At})
	known = p.count(found, seen)
	if len(known) == 0 {
		return nil, nil, 0
	}
	if draw = uint32(c.random() >> 32); !p.shelf.wants(known, found.At, draw) {
		return nil, nil, 0
	}
	return p, known, draw
}

// page needs the lock.
func (c *Collector) page(t *trail, epoch Epoch) *page {
	p := t.pages[epoch.ID]
	if p == nil {
		p = newPage(epoch, &c.pending)
		t.pages[epoch.ID] = p
	}
	return p
}

// keep makes an exemplar. Redacting takes a while, and nobody waits for it.
func (c *Collector) keep(p *page, known []string, draw uint32, redactor Redactor, found *Comparison) {
	e := redacted(found, known, redactor)
	c.mu.Lock()
	defer c.mu.Unlock()
	e.ID, e.Epoch, e.Instance, e.Draw = fmt.Sprintf("%016x", c.random()), p.epoch.ID, c.instance, draw
	p.hear(found.At)
	p.shelf.put(e)
}

// Drain hands over what was learned since the last Drain, in a fixed order.
func (c *Collector) Drain() Batch {
	var batch Batch
	c.mu.Lock()
	for route, t := range c.trails {
		t.drain(route, &batch)
	}
	c.mu.Unlock()
	batch.sort()
	return batch
}

func (t *trail) drain(route string, to *Batch) {
	t.skips.drain(func(reason string, n uint64) { t.skipped[reason] += n })
	for reason, n := range t.skipped {
		to.Tallies = append(to.Tallies, Tally{Route: route, Result: PrefixSkipped + reason, N: n})
	}
	clear(t.skipped)
	var newest time.Time
	for p := range maps.Values(t.pages) {
		p.drain(to)
		if p.heard.After(newest) {
			newest = p.heard
		}
	}
	maps.DeleteFunc(t.pages, func(_ string, p *page) bool { return newest.Sub(p.heard) > forgetAfter })
}
