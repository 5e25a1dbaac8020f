package sequential_test

import (
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// quarter is a window of 5 s in which new serves a quarter.
func quarter(fresh, legacy uint64) sequential.Window {
	return sequential.Window{
		From: time.Unix(0, 0), To: time.Unix(5, 0), Weight: .25,
		New: sequential.Count{Exposures: 1_000, Events: fresh}, Legacy: sequential.Count{Exposures: 3_000, Events: legacy},
	}
}

func judge(w *sequential.Watch) sequential.Report { return sequential.Policy{}.Judge(w) }

func ratios() []float64 { return []float64{1.5, 2.5, 5, 10, 22, 50} }

// naive is the process as it is defined: every copy is kept, and each multiplied.
type naive struct {
	copies [][]float64 // by copy, by ratio
	since  uint64
	old    int // copies that saw the minute begin
}

// start begins a copy if it is time for one.
func (n *naive) start(trials uint64) {
	if len(n.copies) == 0 || n.since >= 20 {
		n.copies, n.since = append(n.copies, []float64{1, 1, 1, 1, 1, 1}), 0
	}
	n.since += trials
}

func (n *naive) multiply(copies int, successes uint64, price func(ratio float64) float64) {
	for i, ratio := range ratios() {
		n.copies[copies][i] *= math.Pow(ratio, float64(successes)) / price(ratio)
	}
}

func (n *naive) add(successes, trials uint64, price func(ratio float64) float64) {
	n.start(trials)
	for k := range n.copies {
		n.multiply(k, successes, price)
	}
}

// below adds a window of 5 s to a process against a rate, with the windows of the minute before it.
func (n *naive) below(rate float64, successes uint64, minute []uint64) {
	if len(minute) == 1 {
		n.old = len(n.copies)
	}
	n.start(minute[len(minute)-1])
	begun, passed, before := 0.0, 0.0, 0.0
	for _, trials := range minute {
		before = max(begun, passed)
		begun += float64(trials)
		passed += begun / 12
	}
	for k := range n.copies {
		due := max(float64(minute[len(minute)-1]), begun/12)
		if k < n.old {
			due = max(begun, passed) - before
		}
		n.multiply(k, successes, func(ratio float64) float64 { return math.Exp(rate * due * (ratio - 1)) })
	}
}

func (n *naive) value() float64 {
	sum := 1 / float64(len(n.copies)+1)
	for k, c := range n.copies {
		for _, ratio := range c {
			sum += ratio / 6 / float64((k+1)*(k+2))
		}
	}
	return sum
}

func TestEvidenceIsThatOfItsDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var watch sequential.Watch
	var legacy, baseline, limit naive
	chance := .96 * 1.1 / (1 + .96*.1) // of an event to be on new, with the tolerance
	var minute []uint64                // exposures of new by window
	for i := range 200 {
		fresh, old := uint64(r.IntN(9)), uint64(r.IntN(2))
		from := time.Unix(int64(5*i), 0)
		if i%12 == 0 {
			minute = nil
		}
		part := uint64(190 + r.IntN(20))
		if i > 100 && i%12 > 0 { // most come at once
			part, fresh = uint64(1+r.IntN(3)), uint64(r.IntN(2))
		}
		served := 24 * part
		minute = append(minute, served)
		watch.Add(sequential.Window{
			From: from, To: from.Add(5 * time.Second), New: sequential.Count{Exposures: served, Events: fresh},
			Legacy: sequential.Count{Exposures: part, Events: old}, Ceilings: sequential.Ceilings{Baseline: .01, Limit: .001},
		})
		if fresh+old > 0 {
			legacy.add(fresh, fresh+old, func(ratio float64) float64 { return math.Pow(1+chance*(ratio-1), float64(fresh+old)) })
		}
		baseline.below(.01, fresh, minute)
		limit.below(.001, fresh, minute)
		want := .8*legacy.value() + .1*baseline.value() + .1*limit.value()
		if got := judge(&watch).Evidence; math.Abs(got/want-1) > 1e-9 {
			t.Fatalf("after %d windows: %.12g, want %.12g", i+1, got, want)
		}
	}
	if len(legacy.copies) < 20 || len(baseline.copies) != 200 {
		t.Errorf("there were only %d and %d copies", len(legacy.copies), len(baseline.copies))
	}
}

func TestVerdictsOfAWatch(t *testing.T) {
	policy := sequential.Policy{Need: 2_000}
	var watch sequential.Watch
	if got := policy.Judge(&watch); got.Verdict != sequential.Insufficient || got.Evidence != 1 || got.More != 2_000 || got.Threshold != 100 {
		t.Errorf("of nothing: %+v", got)
	}
	watch.Add(quarter(1, 3))
	if got := policy.Judge(&watch); got.Verdict != sequential.Insufficient || got.More != 1_000 {
		t.Errorf("with half of what is needed: %+v", got)
	}
	watch.Add(quarter(1, 3))
	if got := policy.Judge(&watch); got.Verdict != sequential.Pass || got.More != 0 || got.Evidence >= 1 {
		t.Errorf("with what is needed: %+v", got)
	}
	watch.Add(quarter(7, 3))
	if got := policy.Judge(&watch); got.Verdict != sequential.Pass {
		t.Errorf("with a little evidence: %+v", got)
	}
	watch.Add(quarter(5, 1))
	if got := policy.Judge(&watch); got.Verdict != sequential.Insufficient || got.Evidence < 10 || got.Evidence >= 100 {
		t.Errorf("in doubt: %+v", got)
	}
	watch.Add(quarter(5, 0))
	got := policy.Judge(&watch)
	if got.Verdict != sequential.Fail || got.Against != sequential.AgainstLegacy {
		t.Errorf("with much evidence: %+v", got)
	}
	if got.Total.New != (sequential.Count{Exposures: 5_000, Events: 19}) || got.Total.New.Rate() != .0038 || got.Step != got.Total {
		t.Errorf("the numbers are %+v", got)
	}
	if got := (sequential.Policy{Need: 2_000, Alpha: 1e-9}).Judge(&watch); got.Verdict != sequential.Insufficient {
		t.Errorf("with a smaller alpha: %+v", got)
	}
}

func TestNothingIsNeitherAPassNorAFail(t *testing.T) {
	var watch sequential.Watch
	for range 17_280 { // a day
		watch.Add(sequential.Window{})
	}
	if got := judge(&watch); got.Verdict != sequential.Insufficient || got.Evidence != 1 || got.More != 1 {
		t.Errorf("after a day without traffic: %+v", got)
	}
}

func TestOneSideAloneSaysNothing(t *testing.T) {
	for _, w := range []sequential.Window{
		{New: sequential.Count{Exposures: 1_000, Events: 1_000}},
		{Legacy: sequential.Count{Exposures: 1_000, Events: 1_000}},
		{New: sequential.Count{Events: 1_000}},
		{New: sequential.Count{Exposures: 1_000, Events: 1_000}, Ceilings: sequential.Ceilings{Baseline: 1, Limit: math.NaN()}},
		{New: sequential.Count{Exposures: 1_000, Events: 1_000}, Ceilings: sequential.Ceilings{Baseline: -11, Limit: math.Inf(1)}},
	} {
		var watch sequential.Watch
		for range 100 {
			watch.Add(w)
		}
		if got := judge(&watch); got.Evidence > 1+1e-9 || got.Verdict == sequential.Fail {
			t.Errorf("%+v: %+v", w, got)
		}
	}
}

func TestCeilings(t *testing.T) {
	full := func(events uint64, c sequential.Ceilings) sequential.Window {
		return sequential.Window{From: time.Unix(0, 0), To: time.Unix(5, 0), Weight: 1, New: sequential.Count{Exposures: 100, Events: events}, Ceilings: c}
	}
	for _, c := range []struct {
		window sequential.Window
		want   sequential.Verdict
		by     sequential.Opponent
	}{
		{full(1, sequential.Ceilings{Baseline: .012}), sequential.Pass, sequential.AgainstLegacy},
		{full(5, sequential.Ceilings{Baseline: .012}), sequential.Fail, sequential.AgainstBaseline},
		{full(5, sequential.Ceilings{Limit: .012}), sequential.Fail, sequential.AgainstLimit},
		{full(5, sequential.Ceilings{Baseline: .06, Limit: .012}), sequential.Fail, sequential.AgainstLimit},
		{full(5, sequential.Ceilings{Baseline: .06}), sequential.Pass, sequential.AgainstLegacy},
	} {
		var watch sequential.Watch
		for range 10 {
			watch.Add(c.window)
		}
		if got := judge(&watch); got.Verdict != c.want || got.Against != c.by {
			t.Errorf("%+v: %+v, want %s against %s", c.window, got, c.want, c.by)
		}
	}
	var watch sequential.Watch
	for range 10 {
		w := quarter(900, 2_700)
		w.Ceilings = sequential.Ceilings{Baseline: .01, Limit: .01}
		watch.Add(w)
	}
	if got := judge(&watch); got.Verdict != sequential.Pass {
		t.Errorf("where legacy serves most, ceilings are not looked at: %+v", got)
	}
}

// Where an excess is allowed new has to be worse than legacy, and to exceed the ceiling.
func TestAnExcess(t *testing.T) {
	for _, c := range []struct {
		fresh, legacy uint64 // events in a window, of 1,000 and of 3,000 exposures
		tolerance     float64
		excess        float64
		want          sequential.Verdict
	}{
		{9, 1, 0, 0, sequential.Fail},
		{9, 1, 0, .02, sequential.Pass}, // below the ceiling
		{9, 1, 0, .004, sequential.Fail},
		{9, 1, 30, .004, sequential.Pass}, // within the tolerance
		{9, 27, 0, .004, sequential.Pass}, // no worse than legacy
		{9, 1, math.NaN(), .004, sequential.Fail},
		{9, 1, .5, math.NaN(), sequential.Fail},
	} {
		var watch sequential.Watch
		for i := range 24 {
			window := quarter(c.fresh, c.legacy)
			window.From, window.To = window.From.Add(time.Duration(5*i)*time.Second), window.To.Add(time.Duration(5*i)*time.Second)
			window.Tolerance, window.Ceilings.Excess = c.tolerance, c.excess
			watch.Add(window)
		}
		if got := judge(&watch); got.Verdict != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

func TestAStepKeepsWhatWasFound(t *testing.T) {
	var watch sequential.Watch
	watch.Add(quarter(7, 3))
	before := judge(&watch)
	next := sequential.Window{Step: 1, Weight: .5, New: sequential.Count{Exposures: 10}, Legacy: sequential.Count{Exposures: 10}}
	watch.Add(next)
	got := judge(&watch)
	if got.Evidence != before.Evidence || got.Total.New.Exposures != 1_010 || got.Step != (sequential.Sides{New: next.New, Legacy: next.Legacy}) {
		t.Errorf("%+v, and before %+v", got, before)
	}
}

// The very first event is judged by the weight: 50 exposures are foreseen.
func TestAStepBeginsWithItsWeight(t *testing.T) {
	for _, c := range []struct{ weight, chance float64 }{{.25, 13.5 / 51}, {.01, 1.5 / 51}, {0, 1}, {math.NaN(), 1}, {2, 1}} {
		var watch sequential.Watch
		watch.Add(sequential.Window{Weight: c.weight, New: sequential.Count{Exposures: 1, Events: 1}})
		chance, sum := c.chance*1.1/(1+c.chance*.1), 0.0
		for _, ratio := range ratios() {
			sum += ratio / (1 + chance*(ratio-1))
		}
		if got, want := judge(&watch).Evidence, .8*(.5+.5*sum/6)+.2; math.Abs(got-want) > 1e-9 {
			t.Errorf("weight %g: %g, want %g", c.weight, got, want)
		}
	}
}

// A step is judged by its own shares: what was right at 1 % would be a failure
// of new at 50 %.
func TestAStepHasSharesOfItsOwn(t *testing.T) {
	var watch sequential.Watch
	for range 100 {
		watch.Add(sequential.Window{
			Step: 1, Weight: .01, New: sequential.Count{Exposures: 1, Events: 0}, Legacy: sequential.Count{Exposures: 99, Events: 5},
		})
	}
	for range 20 {
		watch.Add(sequential.Window{
			Step: 2, Weight: .5, New: sequential.Count{Exposures: 1, Events: 1}, Legacy: sequential.Count{Exposures: 1, Events: 1},
		})
	}
	if got := judge(&watch); got.Verdict == sequential.Fail || got.Evidence > 1.1 {
		t.Errorf("%+v", got)
	}
}

func TestHugeCountsStayFinite(t *testing.T) {
	const huge = 100_000_000
	var watch sequential.Watch
	window := quarter(huge, 0)
	window.New.Exposures, window.Legacy.Exposures = huge, 3*huge
	watch.Add(window)
	if got := judge(&watch); got.Verdict != sequential.Fail || math.Abs(got.Evidence-1e12) > 1 {
		t.Errorf("10⁸ failures: %+v", got)
	}
	watch = sequential.Watch{}
	for range 100 {
		window.New.Events, window.Legacy.Events = huge/100, 3*huge/100
		watch.Add(window)
	}
	if got := judge(&watch); got.Verdict != sequential.Pass || !(got.Evidence > 0 && got.Evidence < 1) {
		t.Errorf("10⁸ failures on either side: %+v", got)
	}
	for range 20 {
		watch.Add(quarter(20, 0))
	}
	if got := judge(&watch); got.Verdict != sequential.Fail {
		t.Errorf("then 400 on new alone: %+v", got)
	}
}

func TestWatchIsKeptAsJSON(t *testing.T) {
	var watch, empty sequential.Watch
	windows := []sequential.Window{quarter(1, 3), quarter(9, 1), {Step: 3, Weight: 1, New: sequential.Count{Exposures: 50, Events: 2}, Ceilings: sequential.Ceilings{Baseline: .01, Excess: .2}}}
	for _, window := range windows {
		for _, w := range []*sequential.Watch{&watch, &empty} {
			text, err := json.Marshal(*w)
			if err != nil {
				t.Fatal(err)
			}
			var read sequential.Watch
			if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(read, *w) {
				t.Fatalf("%s: read as %+v, %v", text, read, err)
			}
		}
		watch.Add(window)
	}
}

func TestStateThatIsRefused(t *testing.T) {
	var kept sequential.Watch
	kept.Add(quarter(1, 3))
	watch := kept
	for _, text := range []string{
		`[]`, `{}`, `{"version":2}`, `{"version":1,"total":{"new":{"events":-1}}}`, `{"version":1,"recent":{"new":-1}}`,
		`{"version":1,"legacy":{"started":1}}`, `{"version":1,"legacy":{"sums":[0,0,0,0,0,0]}}`,
		`{"version":1,"baseline":{"started":1,"sums":[0,0,0,0,0]}}`, `{"version":1,"limit":{"started":1,"sums":[0,0,0,0,0,1e308]}}`,
		`{"version":1,"limit":{"started":18446744073709551615,"sums":[0,0,0,0,0,0],"young":[0,0,0,0,0,0]}}`,
		`{"version":1,"limit":{"started":1,"sums":[0,0,0,0,0,0]}}`, `{"version":1,"excess":{"started":1,"sums":[0,0,0,0,0,0],"young":[0]}}`,
		`{"version":1,"excess":{"started":1,"sums":[0,0,0,0,0,0],"young":[0,0,0,0,0,0],"paid":-1}}`,
		`{"version":1,"open":{"begun":-1}}`, `{"version":1,"open":{"passed":-1}}`, `{"version":1,"open":{"batch":-1}}`,
	} {
		if err := json.Unmarshal([]byte(text), &watch); !errors.Is(err, sequential.ErrState) {
			t.Errorf("%s: %v", text, err)
		}
		if !reflect.DeepEqual(watch, kept) {
			t.Fatalf("%s: it was changed to %+v", text, watch)
		}
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte(`{"version":1,"recent":{"new":1e300},"legacy":{"started":1,"sums":[0,0,0,0,0,-1e300]}}`))
	var seen sequential.Watch
	seen.Add(quarter(9, 1))
	text, err := json.Marshal(seen)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var watch sequential.Watch
		if json.Unmarshal(text, &watch) != nil {
			return
		}
		watch.Add(quarter(3, 1))
		if got := judge(&watch); math.IsNaN(got.Evidence) || math.IsInf(got.Evidence, 0) {
			t.Errorf("%s: %+v", text, got)
		}
		if _, err := json.Marshal(watch); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	})
}

func BenchmarkAddAndJudge(b *testing.B) {
	var watch sequential.Watch
	for b.Loop() {
		watch.Add(quarter(1, 3))
		judge(&watch)
	}
}
