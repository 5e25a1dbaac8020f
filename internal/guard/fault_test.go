package guard_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/guard"
)

func someFault() guard.Fault {
	return guard.Fault{
		ID: 7, Route: "orders", Side: "new", Percent: 2000,
		Latency: 300 * time.Millisecond, Jitter: 100 * time.Millisecond, Status: 503, Until: at(5 * time.Minute),
	}
}

func noFields(string) []string { return nil }

func TestFaultsThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		change func(*guard.Fault)
		want   string
	}{
		{func(f *guard.Fault) { f.Route = "" }, "it names no route"},
		{func(f *guard.Fault) { f.Side = "old" }, `side is "old": it must be legacy or new`},
		{func(f *guard.Fault) { f.Percent = 0 }, "percent is 0 basis points: it must be between 1 and 10000"},
		{func(f *guard.Fault) { f.Percent = 10001 }, "percent is 10001 basis points: it must be between 1 and 10000"},
		{func(f *guard.Fault) { f.Value = "1" }, `it wants the value "1" of a header without a name`},
		{func(f *guard.Fault) { f.Until = time.Time{} }, "it has no expiry; the longest is 1h0m0s"},
		{func(f *guard.Fault) { f.Until = at(-time.Minute) }, "it expired 1m0s ago"},
		{func(f *guard.Fault) { f.Until = at(61 * time.Minute) }, "it would last 1h1m0s; the longest is 1h0m0s"},
		{func(f *guard.Fault) { f.Latency = -1 }, "latency is -1ns: it must be between 0s and 1m0s"},
		{func(f *guard.Fault) { f.Latency = time.Hour }, "latency is 1h0m0s: it must be between 0s and 1m0s"},
		{func(f *guard.Fault) { f.Jitter = time.Second }, "jitter is 1s: it must be between 0s and the latency (300ms)"},
		{func(f *guard.Fault) { f.Latency = time.Minute }, "latency (1m0s) and jitter (100ms) together are longer than 1m0s"},
		{func(f *guard.Fault) { f.Status = 302 }, "status is 302: it must be between 400 and 599"},
		{func(f *guard.Fault) { f.Reset = true }, "it has both status 503 and a reset: an attempt ends in one way only"},
		{func(f *guard.Fault) { f.Latency, f.Jitter, f.Status = 0, 0, 0 }, "it does nothing: give it a latency, a status or a reset"},
	} {
		fault := someFault()
		if err := fault.Validate(epoch); err != nil {
			t.Fatal(err)
		}
		test.change(&fault)
		if err := fault.Validate(epoch); !errors.Is(err, guard.ErrFault) || err.Error() != "fault refused: "+test.want {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	longest := someFault()
	longest.Until, longest.Percent = at(time.Hour), 10_000
	if err := longest.Validate(epoch); err != nil {
		t.Error(err)
	}
}

func TestFaultMeetsItsShare(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fault := someFault()
		fault.Percent = rapid.IntRange(1, 10_000).Draw(t, "percent")
		point := rapid.IntRange(0, 9999).Draw(t, "point")
		rolls := []float64{(float64(point) + 0.5) / 10_000, 0.75}
		random := func() float64 {
			roll := rolls[0]
			rolls = rolls[1:]
			return roll
		}
		got, met := fault.Decide(random, epoch, noFields)
		want := guard.Injection{Fault: 7, Delay: 350 * time.Millisecond, Status: 503}
		if met != (point < fault.Percent) || met && got != want {
			t.Fatalf("got %+v, %t", got, met)
		}
	})
}

func TestFaultEndsOnTime(t *testing.T) {
	fault := someFault()
	for after, want := range map[time.Duration]bool{5*time.Minute - 1: true, 5 * time.Minute: false, time.Hour: false} {
		if _, met := fault.Decide(constant(0), at(after), noFields); met != want {
			t.Errorf("after %s: %t", after, met)
		}
	}
}

func TestFaultForOneHeaderOnly(t *testing.T) {
	fields := map[string][]string{"X-Test": {"0", "1"}, "X-Empty": {""}}
	header := func(name string) []string { return fields[name] }
	for _, test := range []struct {
		name, value string
		want        bool
	}{
		{"X-Test", "1", true},
		{"X-Test", "2", false},
		{"X-Test", "", true},
		{"X-Empty", "", true},
		{"X-Other", "", false},
		{"", "", true},
	} {
		fault := someFault()
		fault.Header, fault.Value = test.name, test.value
		if _, met := fault.Decide(constant(0), epoch, header); met != test.want {
			t.Errorf("%s: %s: %t", test.name, test.value, met)
		}
	}
}

func TestFirstFaultThatMeetsWins(t *testing.T) {
	reset := guard.Fault{ID: 1, Percent: 1000, Reset: true, Until: at(time.Minute)}
	slow := guard.Fault{ID: 2, Percent: 5000, Latency: time.Second, Until: at(time.Hour)}
	faults := guard.Faults{reset, slow}
	for _, test := range []struct {
		random float64
		after  time.Duration
		want   string
	}{
		{0.09, 0, "{Fault:1 Delay:0s Status:0 Reset:true} true"},
		{0.1, 0, "{Fault:2 Delay:1s Status:0 Reset:false} true"},
		{0.09, time.Minute, "{Fault:2 Delay:1s Status:0 Reset:false} true"},
		{0.5, 0, "{Fault:0 Delay:0s Status:0 Reset:false} false"},
	} {
		injection, met := faults.Decide(constant(test.random), at(test.after), noFields)
		if got := fmt.Sprintf("%+v %t", injection, met); got != test.want {
			t.Errorf("random %v after %s: got %s", test.random, test.after, got)
		}
	}
	if _, met := guard.Faults(nil).Decide(nil, epoch, nil); met {
		t.Error("no fault, and it meets")
	}
}
