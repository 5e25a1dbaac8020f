package guard

import (
	"math/bits"
	"sync"
	"time"
)

// Picker chooses between the endpoints of one backend: the less loaded of two
// random ones. It leaves out the drained, the ill and the ejected; when that
// leaves none it takes ejected ones back in, and then ill ones, but never one
// that an operator has drained.
type Picker struct {
	endpoints []*Endpoint
	mu        *sync.Mutex // taken to eject; shared with the pickers this one follows
}

// NewPicker returns a picker for the addresses, at least one. Of the picker
// that it follows, which may be nil, it takes over the endpoints that still
// exist, with their load and health.
func NewPicker(addresses []string, previous *Picker, now time.Time) *Picker {
	p := &Picker{mu: &sync.Mutex{}}
	known := map[string]*Endpoint{}
	if previous != nil {
		p.mu = previous.mu
		for _, e := range previous.endpoints {
			known[e.address] = e
		}
	}
	for _, address := range addresses {
		e := known[address]
		if e == nil {
			e = &Endpoint{address: address, epoch: now}
		}
		p.endpoints = append(p.endpoints, e)
	}
	return p
}

// Endpoints returns all endpoints in the order of their addresses. The slice
// belongs to the picker.
func (p *Picker) Endpoints() []*Endpoint { return p.endpoints }

// Pick chooses an endpoint for one attempt, with random uniform over all
// uint64; nil: all of them are drained. What it returns is given to Done of the
// same picker once, in every ending. A lone endpoint needs no choice, and
// counts no load: there is none to compare it with.
func (p *Picker) Pick(random uint64, now time.Time) *Endpoint {
	if len(p.endpoints) != 1 {
		return p.pick(random, now)
	}
	if e := p.endpoints[0]; !e.drained.Load() {
		return e
	}
	return nil
}

func (p *Picker) pick(random uint64, now time.Time) *Endpoint {
	e := p.choose(random, now)
	if e != nil {
		e.inFlight.Add(1)
	}
	return e
}

// PickOther is Pick for a retry: it leaves out the endpoint that the try before
// was made on, unless the others are less fit.
func (p *Picker) PickOther(than *Endpoint, random uint64, now time.Time) *Endpoint {
	if than == nil || len(p.endpoints) == 1 {
		return p.Pick(random, now)
	}
	best, count := p.fittest(than, now)
	if best == unusable || best < than.fitness(now) {
		return p.Pick(random, now)
	}
	e := p.among(than, best, count, random, now)
	e.inFlight.Add(1)
	return e
}

// Done ends an attempt with its class, and reports whether that has ejected the
// endpoint. Only faults of the backend and answers say something about it; and
// while it is ejected, only answers.
func (p *Picker) Done(e *Endpoint, class Class, now time.Time) (ejected bool) {
	return len(p.endpoints) != 1 && p.done(e, class, now)
}

func (p *Picker) done(e *Endpoint, class Class, now time.Time) (ejected bool) {
	e.inFlight.Add(-1)
	switch {
	case class == OK:
		if e.inARow.Load() != 0 {
			e.inARow.Store(0)
		}
	case class.BackendFault() && !e.ejected(now):
		return e.inARow.Add(1) >= ejectAfter && p.eject(e, now)
	}
	return false
}

// choose draws two different endpoints from all of them. Where both are usable
// that is a fair draw of two usable ones; else it draws among the fittest.
func (p *Picker) choose(random uint64, now time.Time) *Endpoint {
	i, j := pair(random, uint32(len(p.endpoints)))
	a, b := p.endpoints[i], p.endpoints[j]
	if a.fitness(now) == usable && b.fitness(now) == usable {
		return lessLoaded(a, b)
	}
	best, count := p.fittest(nil, now)
	if best == unusable {
		return nil
	}
	return p.among(nil, best, count, mixed(random), now)
}

// among draws from the count endpoints of a fitness that but is not one of.
func (p *Picker) among(but *Endpoint, wanted fitness, count uint32, random uint64, now time.Time) *Endpoint {
	if count == 1 {
		return p.nth(0, but, wanted, now)
	}
	i, j := pair(random, count)
	return lessLoaded(p.nth(i, but, wanted, now), p.nth(j, but, wanted, now))
}

// fittest returns the best fitness there is and how many endpoints have it; but
// does not take part.
func (p *Picker) fittest(but *Endpoint, now time.Time) (best fitness, count uint32) {
	for _, e := range p.endpoints {
		switch f := e.fitness(now); {
		case e == but:
		case f > best:
			best, count = f, 1
		case f == best:
			count++
		}
	}
	return best, count
}

// nth returns the n-th endpoint of a fitness, but left out. Somebody may have
// changed an endpoint since they were counted: then it is the last one that
// still fits, and as a last resort any.
func (p *Picker) nth(n uint32, but *Endpoint, wanted fitness, now time.Time) *Endpoint {
	last := p.endpoints[n]
	for _, e := range p.endpoints {
		if e == but || e.fitness(now) != wanted {
			continue
		}
		last = e
		if n == 0 {
			break
		}
		n--
	}
	return last
}

// eject leaves e out for a time, unless it is out already or half of the
// endpoints are; it reports whether it has.
func (p *Picker) eject(e *Endpoint, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.ejected(now) || e.inARow.Load() < ejectAfter {
		return false
	}
	out := 0
	for _, other := range p.endpoints {
		if other.ejected(now) {
			out++
		}
	}
	if 2*(out+1) > len(p.endpoints) {
		return false
	}
	e.eject(now)
	return true
}

// pair draws two different numbers below n, which is at least 2.
func pair(random uint64, n uint32) (i, j uint32) {
	i, j = below(uint32(random), n), below(uint32(random>>32), n-1)
	if j >= i {
		j++
	}
	return i, j
}

// mixed makes another random number of one whose draw was thrown away: that
// draw has told something about it, and would favour some endpoints (Murmur3's
// finaliser).
func mixed(random uint64) uint64 {
	random = (random ^ random>>33) * 0xff51afd7ed558ccd
	random = (random ^ random>>33) * 0xc4ceb9fe1a85ec53
	return random ^ random>>33
}

// below maps random, uniform over all uint32, to a number below n
// (D. Lemire, "Fast Random Integer Generation in an Interval").
func below(random, n uint32) uint32 {
	high, _ := bits.Mul32(random, n)
	return high
}

func lessLoaded(a, b *Endpoint) *Endpoint {
	if b.inFlight.Load() < a.inFlight.Load() {
		return b
	}
	return a
}
