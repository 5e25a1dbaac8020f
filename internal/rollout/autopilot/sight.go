package autopilot

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/stats"
)

const (
	// recent is for how many minutes windows of a minute are waited for after it.
	// What comes later is shown, and not judged.
	recent = 3

	// ahead is by how many minutes a router's clock may be ahead of the store's.
	ahead = 1

	// fewest is without how many requests nobody calls a side unreachable: as many
	// connections in a row open a breaker.
	fewest = 5

	sideNew = "new"
)

// sight is what the fleet has seen of one route in the newest minutes. Unlike an
// Account it is not kept: another autopilot reads the windows again.
type sight struct {
	minutes map[moment]*pair[stats.Window]
	latency pair[stats.Histogram] // in this step, as far as this autopilot has seen it

	asked, unreached uint64 // requests to new since the last count, and of them those that met no endpoint
}

// moment is one minute in one step.
type moment struct {
	minute int64 // since 1970
	step   routing.Revision
}

func (m moment) compare(o moment) int {
	return cmp.Or(cmp.Compare(m.minute, o.minute), cmp.Compare(m.step, o.step))
}

// pair is something of both sides.
type pair[T any] struct{ new, legacy T }

func (p *pair[T]) of(side string) *T {
	if side == sideNew {
		return &p.new
	}
	return &p.legacy
}

func newSight() *sight { return &sight{minutes: make(map[moment]*pair[stats.Window])} }

// judged reports whether a window of the route's says something that is asked: it is of
// the present step and build, and of a minute that is being added up. Where a router's
// clock is off by more than that, what it has seen is only shown.
func (s *sight) judged(w *stats.LaneWindow, route *Route, a *Account, now time.Time) bool {
	ago := now.Unix()/60 - w.From.Unix()/60
	return routing.Revision(w.Step) == route.StepRevision && !w.To.Before(a.Since) && ago <= recent && ago >= -ahead
}

// hear notes of which build a window is. A new one begins with nothing seen, not even
// in this minute: whoever was counted already could fail once more, and would be an
// event without an exposure.
func (s *sight) hear(w *stats.LaneWindow, a *Account) {
	if w.Side == sideNew && a.hear(w.Build, w.To) {
		*s = *newSight()
	}
}

// see takes a window of the route's in that is to be judged.
func (s *sight) see(w *stats.LaneWindow, route *Route, a *Account) {
	at := moment{minute: w.From.Unix() / 60, step: route.StepRevision}
	if s.minutes[at] == nil {
		s.minutes[at] = new(pair[stats.Window])
	}
	s.latency.of(w.Side).Merge(&w.Latency)
	kept := w.Window
	kept.Latency = stats.Histogram{} // 8 KiB for each minute of each route
	s.minutes[at].of(w.Side).Merge(&kept)
	if w.Side != sideNew {
		return
	}
	s.asked += w.Window.Requests()
	s.unreached += w.Classes[guard.NotSent]
	for _, id := range w.Requests {
		if !slices.Contains(a.Failing, id) {
			a.Failing = newest(append(a.Failing, id), mostFailing)
		}
	}
}

// count takes what is new since the last time into the account. It reports
// whether new was asked, and no request met an endpoint.
func (s *sight) count(a *Account, route *Route) (unreachable bool) {
	for _, at := range slices.SortedFunc(maps.Keys(s.minutes), moment.compare) {
		both := s.minutes[at]
		now := minute{
			Minute: at.minute, Step: at.step, To: later(both.new.To, both.legacy.To),
			New: tallyOf(&both.new), Legacy: tallyOf(&both.legacy),
		}
		a.add(now, route)
	}
	a.PerHour = s.perHour()
	a.P95.New, a.P95.Legacy = s.latency.new.Quantile(slowShare).Value, s.latency.legacy.Quantile(slowShare).Value
	unreachable = s.asked >= fewest && s.unreached == s.asked
	s.asked, s.unreached = 0, 0
	return unreachable
}

// forget drops what is too old to be judged, or of another step.
func (s *sight) forget(now time.Time, step routing.Revision) {
	first := now.Unix()/60 - recent
	old := len(s.minutes)
	maps.DeleteFunc(s.minutes, func(at moment, _ *pair[stats.Window]) bool { return at.minute < first || at.step != step })
	if old > 0 && len(s.minutes) == 0 {
		s.latency = pair[stats.Histogram]{}
	}
}

// perHour is how many key-minutes new has in an hour, by the newest minutes.
func (s *sight) perHour() float64 {
	var exposed uint64
	var whole stats.Window
	for _, both := range s.minutes {
		exposed += both.new.Exposed.Count()
		whole.Merge(&stats.Window{From: both.new.From, To: both.new.To})
	}
	span := whole.To.Sub(whole.From)
	if span <= 0 {
		return 0
	}
	return float64(exposed) / max(span, time.Minute).Hours()
}

func tallyOf(w *stats.Window) tally {
	return tally{
		Requests: w.Requests(), Fallbacks: w.Fallbacks,
		Exposed: w.Exposed.Count(), Failed: w.Failed.Count(), Slowed: w.Slowed.Count(),
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// add takes into the watches what a minute has more than when it was counted last.
func (a *Account) add(now minute, route *Route) {
	at, known := slices.BinarySearchFunc(a.Counted, moment{now.Minute, now.Step}, func(m minute, at moment) int {
		return moment{m.Minute, m.Step}.compare(at)
	})
	begin := time.Unix(now.Minute*60, 0).UTC()
	was := minute{Minute: now.Minute, Step: now.Step, To: begin}
	if known {
		was = a.Counted[at]
	} else {
		a.Counted = slices.Insert(a.Counted, at, was)
	}
	a.Counted[at].To, a.Counted[at].New, a.Counted[at].Legacy = later(now.To, was.To), now.New.most(was.New), now.Legacy.most(was.Legacy)
	a.Counted = newest(a.Counted, recent+1+ahead)
	fresh, old := now.New.minus(was.New), now.Legacy.minus(was.Legacy)
	if fresh == (tally{}) && old == (tally{}) {
		return
	}
	a.Served.Requests += fresh.Requests
	if a.Served.Fallbacks += fresh.Fallbacks; fresh.Fallbacks > 0 {
		a.Served.LastFallback = now.To
	}
	end := begin.Add(time.Minute)
	window := sequential.Window{
		// What comes after all of its minute was seen still belongs to that minute.
		From: earlier(was.To, end.Add(-time.Millisecond)), To: earlier(later(now.To, was.To), end),
		Step: uint64(now.Step), Weight: share(route.State.Weight),
	}
	gates := route.Facts.Gates
	a.Errors.Add(judged(window, gates.Errors, a.Legacy.Errors, fresh.of(fresh.Failed), old.of(old.Failed)))
	a.Slowness.Add(judged(window, gates.Slowness, a.Legacy.Slowness, fresh.of(fresh.Slowed), old.of(old.Slowed)))
}

// judged is a window of one kind of event, with what its gate tolerates.
func judged(window sequential.Window, rate gate.Rate, baseline float64, fresh, old sequential.Count) sequential.Window {
	window.New, window.Legacy = fresh, old
	if baseline == 0 { // not known
		baseline = 1
	}
	window.Tolerance, window.Ceilings = gate.Bounds(rate, baseline)
	return window
}

// of counts events among what was exposed. More events than exposures can only be
// where estimates of many are off.
func (t tally) of(events uint64) sequential.Count {
	return sequential.Count{Exposures: t.Exposed, Events: events}
}

// minus is what t has more than o, and nothing where it has less: whoever takes
// over may not find all that was counted before.
func (t tally) minus(o tally) tally {
	less := func(a, b uint64) uint64 { return a - min(a, b) }
	return tally{
		Requests: less(t.Requests, o.Requests), Fallbacks: less(t.Fallbacks, o.Fallbacks),
		Exposed: less(t.Exposed, o.Exposed), Failed: less(t.Failed, o.Failed), Slowed: less(t.Slowed, o.Slowed),
	}
}

// most is the more of both, of each number.
func (t tally) most(o tally) tally {
	return tally{
		Requests: max(t.Requests, o.Requests), Fallbacks: max(t.Fallbacks, o.Fallbacks),
		Exposed: max(t.Exposed, o.Exposed), Failed: max(t.Failed, o.Failed), Slowed: max(t.Slowed, o.Slowed),
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
