package guard_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/guard"
)

// fail makes n attempts on an endpoint that end badly, at the same moment. So
// that it is picked for sure, the others are drained meanwhile.
func fail(p *guard.Picker, e *guard.Endpoint, n int, now time.Time) {
	for _, other := range p.Endpoints() {
		defer other.SetDrained(other.State(now).Drained)
		other.SetDrained(other != e)
	}
	for range n {
		p.Done(p.Pick(0, now), guard.NoResponse, now)
	}
}

// shares picks often, returns each attempt at once and counts by address.
func shares(p *guard.Picker, now time.Time) map[string]int {
	random := rand.New(rand.NewPCG(1, 2))
	got := map[string]int{}
	for range 10_000 {
		e := p.Pick(random.Uint64(), now)
		if e == nil {
			got[""]++
			continue
		}
		got[e.Address()]++
		p.Done(e, guard.ClientGone, now)
	}
	return got
}

// wantShares wants the addresses to be picked equally often, and no others.
func wantShares(t *testing.T, p *guard.Picker, now time.Time, addresses ...string) {
	t.Helper()
	got := shares(p, now)
	for _, address := range addresses {
		if n := got[address]; n < 9000/len(addresses) || n > 11_000/len(addresses) {
			t.Errorf("%s was picked %d times of 10000: %v", address, n, got)
		}
		delete(got, address)
	}
	if len(got) > 0 {
		t.Errorf("picked as well: %v", got)
	}
}

func TestPickerIsFairAmongWhatIsUsable(t *testing.T) {
	p := guard.NewPicker([]string{"a", "b", "c", "d"}, nil, epoch)
	e := p.Endpoints()
	wantShares(t, p, epoch, "a", "b", "c", "d")
	e[1].SetDrained(true)
	wantShares(t, p, epoch, "a", "c", "d") // c takes no more of b's share than the others
	e[0].SetHealthy(false)
	wantShares(t, p, epoch, "c", "d")
	e[3].SetDrained(true)
	wantShares(t, p, epoch, "c")
	e[2].SetHealthy(false)
	wantShares(t, p, epoch, "a", "c") // both ill: rather those than none
	e[0].SetDrained(true)
	e[2].SetDrained(true)
	wantShares(t, p, epoch, "") // an operator's word stands
	e[3].SetDrained(false)
	wantShares(t, p, epoch, "d")
}

func TestPickerTakesTheLessLoaded(t *testing.T) {
	p := guard.NewPicker([]string{"a", "b"}, nil, epoch)
	first := p.Pick(0, epoch)
	if first.Address() != "a" { // a draw; the first one wins
		t.Fatalf("picked %s", first.Address())
	}
	for _, random := range []uint64{0, 1 << 31, 1 << 63} {
		e := p.Pick(random, epoch)
		if e.Address() != "b" {
			t.Errorf("random %x: picked %s", random, e.Address())
		}
		p.Done(e, guard.OK, epoch)
	}
	if got := first.State(epoch); got.InFlight != 1 {
		t.Errorf("got %+v", got)
	}
	p.Done(first, guard.OK, epoch)
	if got := first.State(epoch); got.InFlight != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestEjectionAfterFailuresInARow(t *testing.T) {
	p := guard.NewPicker([]string{"a", "b"}, nil, epoch)
	a := p.Endpoints()[0]
	end := func(class guard.Class) { p.Done(p.Pick(0, epoch), class, epoch) } // a, which a draw of 0 prefers
	fail(p, a, 4, epoch)
	end(guard.OK) // begins anew
	fail(p, a, 4, epoch)
	end(guard.ClientGone) // says nothing
	end(guard.ClientFault)
	if got := a.State(epoch); !got.Ejected.IsZero() {
		t.Fatalf("ejected after four: %+v", got)
	}
	end(guard.Timeout) // the fifth
	if got := a.State(epoch); !got.Ejected.Equal(at(30 * time.Second)) {
		t.Fatalf("got %+v", got)
	}
	wantShares(t, p, at(30*time.Second-1), "b")
	wantShares(t, p, at(30*time.Second), "a", "b")
}

func TestEjectionsGrowLongerAndShrinkAgain(t *testing.T) {
	p := guard.NewPicker([]string{"a", "b", "c", "d"}, nil, epoch)
	a := p.Endpoints()[0]
	now := epoch
	eject := func(after, want time.Duration) {
		t.Helper()
		now = now.Add(after)
		if fail(p, a, 4, now); !a.State(now).Ejected.IsZero() {
			t.Error("what failed before the last ejection counts again")
		}
		fail(p, a, 1, now)
		until := a.State(now).Ejected
		if got := until.Sub(now); got != want {
			t.Errorf("ejected for %s, want %s", got, want)
		}
		fail(p, a, 50, now) // those that were under way add nothing
		now = until
	}
	for n := range 10 {
		eject(0, time.Duration(n+1)*30*time.Second)
	}
	eject(0, 5*time.Minute)
	eject(time.Minute-1, 5*time.Minute)
	eject(3*time.Minute, 4*time.Minute) // 10 times less 3, and this one
	eject(time.Hour, 30*time.Second)
}

func TestAtMostHalfAreEjected(t *testing.T) {
	for n, most := range []int{1: 0, 2: 1, 3: 1, 4: 2, 5: 2} {
		if n == 0 {
			continue
		}
		addresses := []string{"a", "b", "c", "d", "e"}[:n]
		p := guard.NewPicker(addresses, nil, epoch)
		out := 0
		for _, e := range p.Endpoints() {
			fail(p, e, 7, epoch)
			if !e.State(epoch).Ejected.IsZero() {
				out++
			}
		}
		if out != most {
			t.Errorf("%d of %d are ejected, want %d", out, n, most)
		}
		wantShares(t, p, epoch, addresses[most:]...)
		if n == 3 { // the first is back, and the next failure of another ejects that one
			later := at(30 * time.Second)
			fail(p, p.Endpoints()[1], 1, later)
			wantShares(t, p, later, "a", "c")
		}
	}
}

func TestAllThatIsLeftIsEjected(t *testing.T) {
	p := guard.NewPicker([]string{"a", "b", "c"}, nil, epoch)
	e := p.Endpoints()
	fail(p, e[0], 5, epoch)
	e[1].SetDrained(true)
	e[2].SetHealthy(false)
	wantShares(t, p, epoch, "a") // rather an ejected one than one known to be ill
}

func TestOneEndpointIsAlwaysUsed(t *testing.T) {
	p := guard.NewPicker([]string{"a"}, nil, epoch)
	a := p.Endpoints()[0]
	fail(p, a, 100, epoch)
	a.SetHealthy(false)
	if p.Pick(7, epoch) != a {
		t.Error("not picked")
	}
	a.SetDrained(true)
	if e := p.Pick(7, epoch); e != nil {
		t.Errorf("drained, and picked: %+v", e.State(epoch))
	}
}

func TestPickerTakesOverWhatStays(t *testing.T) {
	old := guard.NewPicker([]string{"a", "b", "c"}, nil, epoch)
	fail(old, old.Endpoints()[1], 5, epoch)
	old.Endpoints()[2].SetDrained(true)
	under := old.Pick(0, epoch)
	p := guard.NewPicker([]string{"d", "c", "b", "a"}, old, at(time.Second))
	now := at(2 * time.Second)
	want := []guard.EndpointState{
		{Address: "d", Healthy: true},
		{Address: "c", Healthy: true, Drained: true},
		{Address: "b", Healthy: true, Ejected: at(30 * time.Second)},
		{Address: "a", Healthy: true, InFlight: 1},
	}
	for i, e := range p.Endpoints() {
		if got := e.State(now); got != want[i] {
			t.Errorf("got %+v, want %+v", got, want[i])
		}
	}
	old.Done(under, guard.OK, now)
	if got := p.Endpoints()[3].State(now).InFlight; got != 0 {
		t.Errorf("%d in flight", got)
	}
}

func TestPickerInAStampede(t *testing.T) {
	p := guard.NewPicker([]string{"a", "b", "c", "d", "e"}, nil, epoch)
	stampede(16, func(i int) {
		random := rand.New(rand.NewPCG(uint64(i), 0))
		for k := range 500 {
			now := at(time.Duration(k) * 100 * time.Millisecond)
			p.Endpoints()[4].SetDrained(k%2 == 0)
			e := p.Pick(random.Uint64(), now)
			if e == nil {
				t.Error("nothing was picked")
				return
			}
			class := guard.OK
			if e.Address() < "d" && k%20 > 5 {
				class = guard.Failure
			}
			p.Done(e, class, now)
			out := 0
			for _, e := range p.Endpoints() {
				if !e.State(now).Ejected.IsZero() {
					out++
				}
			}
			if out > 3 { // two at any one moment; the goroutines' clocks differ
				t.Errorf("%d are ejected", out)
			}
		}
	})
	for _, e := range p.Endpoints() {
		if got := e.State(epoch).InFlight; got != 0 {
			t.Errorf("%s has %d in flight", e.Address(), got)
		}
	}
}

// TestPickIsAlwaysOfTheBest holds Pick to the order of preference, whatever the
// state of the endpoints and the random number.
func TestPickIsAlwaysOfTheBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		addresses := []string{"a", "b", "c", "d", "e", "f"}[:rapid.IntRange(2, 6).Draw(t, "n")]
		p := guard.NewPicker(addresses, nil, epoch)
		rank := func(s guard.EndpointState) int {
			switch {
			case s.Drained:
				return 0
			case !s.Healthy:
				return 1
			case !s.Ejected.IsZero():
				return 2
			default:
				return 3
			}
		}
		best := 0
		for _, e := range p.Endpoints() {
			e.SetDrained(rapid.Bool().Draw(t, "drained"))
			e.SetHealthy(rapid.Bool().Draw(t, "healthy"))
			if rapid.Bool().Draw(t, "failing") {
				fail(p, e, 5, epoch)
			}
			best = max(best, rank(e.State(epoch)))
		}
		got := p.Pick(rapid.Uint64().Draw(t, "random"), epoch)
		if (got == nil) != (best == 0) || got != nil && rank(got.State(epoch)) != best {
			t.Fatalf("picked %+v, and there is one of rank %d", got, best)
		}
	})
}

func TestRetryPrefersAnotherEndpoint(t *testing.T) {
	p := guard.NewPicker([]string{"a", "b", "c"}, nil, epoch)
	e := p.Endpoints()
	others := func(than *guard.Endpoint) map[string]int {
		random := rand.New(rand.NewPCG(3, 4))
		got := map[string]int{}
		for range 1000 {
			chosen := p.PickOther(than, random.Uint64(), epoch)
			if chosen == nil {
				got[""]++
				continue
			}
			got[chosen.Address()]++
			p.Done(chosen, guard.ClientGone, epoch)
		}
		return got
	}
	if got := others(e[0]); got["a"] != 0 || got["b"] < 400 || got["c"] < 400 {
		t.Errorf("two others: %v", got)
	}
	if got := others(nil); got["a"] < 250 || got["b"] < 250 || got["c"] < 250 {
		t.Errorf("none to avoid: %v", got)
	}
	e[1].SetDrained(true)
	if got := others(e[0]); got["c"] != 1000 {
		t.Errorf("one other: %v", got)
	}
	e[2].SetHealthy(false)
	if got := others(e[0]); got["a"] != 1000 {
		t.Errorf("the other is ill: %v", got)
	}
	e[0].SetHealthy(false)
	if got := others(e[0]); got["c"] != 1000 {
		t.Errorf("both are ill: %v", got)
	}
	e[2].SetDrained(true)
	if got := others(e[0]); got["a"] != 1000 {
		t.Errorf("all others are drained: %v", got)
	}
	e[0].SetDrained(true)
	if got := others(e[0]); got[""] != 1000 {
		t.Errorf("all are drained: %v", got)
	}
	for _, endpoint := range e {
		if state := endpoint.State(epoch); state.InFlight != 0 {
			t.Errorf("left behind: %+v", state)
		}
	}
	alone := guard.NewPicker([]string{"a"}, nil, epoch)
	if got := alone.PickOther(alone.Endpoints()[0], 0, epoch); got != alone.Endpoints()[0] {
		t.Errorf("the only one was left out: %v", got)
	}
}

func TestDoneTellsOfAnEjection(t *testing.T) {
	p := guard.NewPicker([]string{"a", "b"}, nil, epoch)
	p.Endpoints()[1].SetDrained(true)
	for n := range 7 {
		if got, want := p.Done(p.Pick(0, epoch), guard.NotSent, epoch), n == 4; got != want {
			t.Errorf("failure %d: ejected %t, want %t", n+1, got, want)
		}
	}
	p.Endpoints()[0].SetDrained(true)
	p.Endpoints()[1].SetDrained(false)
	for range 7 {
		if p.Done(p.Pick(0, epoch), guard.NotSent, epoch) {
			t.Error("the second of two was ejected as well")
		}
	}
}

func TestFaultOfAHealthCheckIsShown(t *testing.T) {
	e := guard.NewPicker([]string{"a"}, nil, epoch).Endpoints()[0]
	for _, fault := range []string{"", "it answered 500", ""} {
		e.SetFault(fault)
		if got := e.State(epoch).Fault; got != fault {
			t.Errorf("got %q, want %q", got, fault)
		}
	}
}
