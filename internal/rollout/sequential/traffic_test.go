package sequential_test

import (
	"math/rand/v2"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// traffic is what a simulated route gets. Requests come at an even pace, each by a
// visitor drawn from all of them; a visitor stays on a side. What is counted is
// visitor-minutes, as in the router.
type traffic struct {
	visitors  int
	perSecond float64
	weight    float64 // share of the visitors whom new serves
	heavy     float64 // share of the requests that one visitor makes whom legacy serves
	mostBy    float64 // share of the requests that a twentieth of the visitors makes
	burst     int     // requests that a visitor makes at once where one of them fails; all fail
	every     int     // requests between two windows
}

// shop has 2,000 visitors, who make 1,200 requests a minute, looked at after each.
func shop(weight float64) traffic {
	return traffic{visitors: 2_000, perSecond: 20, weight: weight, burst: 1, every: 1}
}

// rates are the chances that a request fails.
type rates struct{ legacy, fresh float64 }

// route is one run of a simulation.
type route struct {
	traffic

	r         *rand.Rand
	watch     sequential.Watch
	tolerance float64
	ceilings  sequential.Ceilings
	fails     func(*sequential.Watch) bool

	onNew          []bool
	served, failed []int32 // the minute in which a visitor was last
	requests       int
	window         sequential.Window
	step           uint64
	again          int // visitor in a burst
	left           int // requests of it
}

func newRoute(t traffic, seed uint64) *route {
	s := &route{
		traffic: t, r: rand.New(rand.NewPCG(seed, 11)),
		fails: func(w *sequential.Watch) bool { return judge(w).Verdict == sequential.Fail },
		onNew: make([]bool, t.visitors), served: make([]int32, t.visitors), failed: make([]int32, t.visitors),
	}
	s.move(t.weight)
	return s
}

// move changes the weight.
func (s *route) move(weight float64) {
	s.weight = weight
	s.step++
	for v := range s.onNew {
		s.onNew[v] = s.r.Float64() < weight
	}
	if s.heavy > 0 {
		s.onNew[0] = false
	}
}

// visitor says who makes the next request.
func (s *route) visitor() int {
	if s.heavy > 0 && s.r.Float64() < s.heavy {
		return 0
	}
	if s.mostBy > 0 && s.r.Float64() < s.mostBy {
		return s.r.IntN(s.visitors / 20)
	}
	return s.r.IntN(s.visitors)
}

// request serves one, and says whether the watch fails after it.
func (s *route) request(at rates) bool {
	v, fails := s.again, s.left > 0
	if !fails {
		v = s.visitor()
		rate := at.legacy
		if s.onNew[v] {
			rate = at.fresh
		}
		fails = s.r.Float64() < rate/float64(s.burst)
		if fails {
			s.again, s.left = v, s.burst
		}
	}
	s.left = max(0, s.left-1)
	s.count(v, fails)
	s.requests++
	if s.requests%s.every != 0 {
		return false
	}
	s.window.Step, s.window.Weight, s.window.Tolerance, s.window.Ceilings = s.step, s.weight, s.tolerance, s.ceilings
	s.window.From, s.window.To = s.at(s.requests-s.every), s.at(s.requests)
	s.watch.Add(s.window)
	events := s.window.New.Events + s.window.Legacy.Events
	s.window = sequential.Window{}
	return events > 0 && s.fails(&s.watch)
}

// at is when a request comes.
func (s *route) at(request int) time.Time {
	return time.Unix(0, int64(float64(request)/s.perSecond*1e9))
}

func (s *route) count(v int, fails bool) {
	minute := int32(s.at(s.requests).Unix()/60) + 1
	side := &s.window.Legacy
	if s.onNew[v] {
		side = &s.window.New
	}
	if s.served[v] != minute {
		s.served[v] = minute
		side.Exposures++
	}
	if fails && s.failed[v] != minute {
		s.failed[v] = minute
		side.Events++
	}
}

// until serves requests until the watch fails, at most so many, and returns how
// many it took; 0: it did not.
func (s *route) until(at rates, most int) int {
	for i := range most {
		if s.request(at) {
			return i + 1
		}
	}
	return 0
}

func (s *route) report() sequential.Report { return judge(&s.watch) }
