package sequential

import "time"

// Window is what a stretch of time, within one minute, added to the counts of a
// route: key-minutes that had not been counted before in that minute. An event may be
// counted in a later window than the exposure that it belongs to.
type Window struct {
	From, To time.Time

	// Step is any number that changes when requests are assigned in another way:
	// another weight, another stage, other keys. A window lies in one step.
	Step uint64

	// Weight is the share of the cohorts that new serves in this step; 0 where it is
	// not known.
	Weight float64

	New, Legacy Count

	// Tolerance is the ratio of the odds up to which new is held to be as good as
	// legacy. Below 1.1, and for what is no number, it is 1.1: two sides are never quite
	// equal, and counts beyond a thousand a minute are estimates, off by some 3 % each:
	// with millions of events that would be found, and must not be.
	Tolerance float64

	Ceilings Ceilings
}

// Ceilings are rates above 0 and below 1; any other number means that there is
// none. Like a tolerance they must be known before the window is.
type Ceilings struct {
	// New may not exceed these where legacy serves too little to compare with.
	Baseline float64 // what legacy did not exceed while it served; see Baseline
	Limit    float64 // what somebody has said

	// Excess is what new has to exceed, wherever it serves anything, for a comparison
	// with legacy to count.
	Excess float64
}

const (
	// mostly is new's share of the exposures from which ceilings are looked at.
	mostly = 0.9

	// recently is how many exposures of the rarer side new's share is taken from.
	recently = 200

	// foreseen is how many exposures the weight is worth where a step begins.
	foreseen = 50

	// leastTolerance is explained at Window.Tolerance.
	leastTolerance = 1.1
)

// Watch follows one kind of event of one route, errors or slow answers, and looks
// for new having more of them than legacy. It is some 550 bytes, however much it has
// seen, and is kept as JSON. The zero Watch has seen nothing; that is also what
// a new build of the new side begins with. A change of weight does not begin
// anew. A Watch belongs to one goroutine.
type Watch struct {
	total, step Sides
	number      uint64 // of the step
	recent      share

	open open // exposures on new

	legacy                  process
	excess, baseline, limit ceiling
}

// compared is the logarithm of the evidence that new is worse than legacy.
func (w *Watch) compared() float64 {
	if w.excess.started == 0 {
		return w.legacy.log()
	}
	return min(w.legacy.log(), w.excess.log())
}

// Sides are the counts of both.
type Sides struct {
	New    Count `json:"new"`
	Legacy Count `json:"legacy"`
}

func (s Sides) plus(w *Window) Sides {
	return Sides{New: s.New.plus(w.New), Legacy: s.Legacy.plus(w.Legacy)}
}

// Add takes a window into account. Windows come in the order of time, or nearly so,
// and may be cut anywhere within a minute.
//
// Against legacy each event of the window is a trial, and one on new a success; the
// chance of that, if the sides are alike, is new's share of the exposures. Against
// a ceiling each exposure of new is a trial, and one with an event a success; a window
// of an earlier minute than the last one's is not held against ceilings, nor are the
// events of one that takes no time.
func (w *Watch) Add(window Window) {
	if window.Step != w.number || w.step == (Sides{}) {
		w.number, w.step, w.recent = window.Step, Sides{}, expected(window.Weight)
	}
	w.total, w.step = w.total.plus(&window), w.step.plus(&window)
	chance := w.recent.add(window.New, window.Legacy)
	late := !w.pass(&window)
	fresh, old := window.New.Events, window.Legacy.Events
	w.legacy.split(fresh, fresh+old, tolerated(chance, window.Tolerance))
	if late {
		return
	}
	if !window.To.After(window.From) {
		fresh = 0 // they are of some time before, which the newest copies have not paid for
	}
	w.excess.exceed(fresh, window.New.Exposures, &w.open, window.Ceilings.Excess)
	if chance >= mostly {
		w.baseline.exceed(fresh, window.New.Exposures, &w.open, window.Ceilings.Baseline)
		w.limit.exceed(fresh, window.New.Exposures, &w.open, window.Ceilings.Limit)
	}
}

// pass lets time pass for the ceilings. False: the window's minute is over. Copies that
// have begun since have not paid for what could happen in it, and it would be theirs for
// nothing.
func (w *Watch) pass(window *Window) bool {
	minute := window.From.Unix() / 60
	if minute < w.open.number {
		return false
	}
	if minute > w.open.number {
		w.open = open{number: minute}
		w.excess.turn()
		w.baseline.turn()
		w.limit.turn()
	}
	w.open.add(window.New.Exposures, min(1, max(0, window.To.Sub(window.From).Minutes())))
	return true
}

// tolerated is the chance at odds that are higher by the tolerance.
func tolerated(chance, tolerance float64) float64 {
	if !(tolerance > leastTolerance) {
		tolerance = leastTolerance
	}
	return chance * tolerance / (1 + chance*(tolerance-1))
}

// share is new's share of the exposures of late: of the newest of which the rarer
// side has about two hundred, since fewer say too little about what is
// to be expected, and more are no longer of this moment.
type share struct {
	New    float64 `json:"new"`
	Legacy float64 `json:"legacy"`
}

// expected is what a step begins with. The first exposures alone would say too little.
func expected(weight float64) share {
	if !(weight > 0 && weight <= 1) {
		return share{}
	}
	return share{New: weight * foreseen, Legacy: (1 - weight) * foreseen}
}

// add takes a window into account and returns the share, 1 where nothing was
// served: then an event says nothing. A side with events has been served.
func (s *share) add(fresh, old Count) float64 {
	kept := max(0, 1-float64(min(fresh.Exposures, old.Exposures))/recently)
	s.New = max(s.New*kept+float64(fresh.Exposures), float64(fresh.Events))
	s.Legacy = max(s.Legacy*kept+float64(old.Exposures), float64(old.Events))
	if s.New+s.Legacy == 0 {
		return 1
	}
	return s.New / (s.New + s.Legacy)
}
