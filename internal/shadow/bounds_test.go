package shadow_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

func sizeOf(exemplars []shadow.Exemplar) int {
	text, _ := json.Marshal(exemplars)
	return len(text)
}

func TestOverflowIsVisible(t *testing.T) {
	c := collecting()
	const all = 100_000
	for i := range all {
		c.Add(comparison(0, mismatch(value("$.always"), value(fmt.Sprint("$.k", i)))))
	}
	batch := c.Drain()
	sum := tallies(batch)
	if len(batch.Sightings) != shadow.MaxSignatures || compared(sum) != all {
		t.Errorf("%d signatures and %d comparisons, want %d and %d", len(batch.Sightings), compared(sum), shadow.MaxSignatures, all)
	}
	if want := uint64(all - (shadow.MaxSignatures - 1)); sum[shadow.ResultOverflow] != want {
		t.Errorf("overflow %d, want %d", sum[shadow.ResultOverflow], want)
	}
	if bytes := sizeOf(batch.Exemplars); bytes > shadow.MaxPending {
		t.Errorf("exemplars of %d bytes, more than %d", bytes, shadow.MaxPending)
	}
	c.Add(comparison(3599, mismatch(value("$.late"))))
	c.Add(comparison(3601, mismatch(value("$.later"))))
	equal(t, "overflow before and after an hour", tallies(c.Drain())[shadow.ResultOverflow], uint64(1))
}

// Names that are not heard of any more leave their places to others, and a store
// that is away all the while takes nothing.
func TestWhatIsKeptForAStoreThatIsAwayDoesNotGrow(t *testing.T) {
	c := collecting()
	const hours, each = 5, 400
	for hour := range hours {
		for i := range each {
			c.Add(comparison(hour*4000, mismatch(value(fmt.Sprint("$.h", hour, "k", i)))))
		}
		c.Return(c.Drain())
	}
	batch := c.Drain()
	sum := tallies(batch)
	if len(batch.Sightings) != shadow.MaxSignatures || len(batch.Sets) > shadow.MaxSets || compared(sum) != hours*each {
		t.Errorf("%d signatures, %d sets and %d comparisons, want %d, at most %d, and %d",
			len(batch.Sightings), len(batch.Sets), compared(sum), shadow.MaxSignatures, shadow.MaxSets, hours*each)
	}
	if len(sum) > shadow.MaxSignatures+shadow.MaxSets+1 {
		t.Errorf("%d results are counted", len(sum))
	}
}

func TestTooManySetsOverflow(t *testing.T) {
	c := collecting()
	const fields = 12 // 4095 sets
	for bits := 1; bits < 1<<fields; bits++ {
		var found []compare.Difference
		for i := range fields {
			if bits>>i&1 == 1 {
				found = append(found, value(fmt.Sprint("$.f", i)))
			}
		}
		c.Add(comparison(0, mismatch(found...)))
	}
	batch := c.Drain()
	sum := tallies(batch)
	if len(batch.Sets) != shadow.MaxSets || sum[shadow.ResultOverflow] != 1<<fields-1-shadow.MaxSets || compared(sum) != 1<<fields-1 {
		t.Errorf("%d sets, overflow %d, %d comparisons", len(batch.Sets), sum[shadow.ResultOverflow], compared(sum))
	}
	for _, s := range batch.Sightings {
		if n := sum[shadow.PrefixSignature+s.Signature.ID]; n != 1<<(fields-1) {
			t.Errorf("%s counted %d times, want %d: signatures are counted in any case", s.Signature.Where, n, 1<<(fields-1))
		}
	}
}

func TestWhatIsNotSeenWholeIsNoSet(t *testing.T) {
	c := collecting()
	found := mismatch(value("$.a"))
	found.More = 7
	c.Add(comparison(0, found)) // seven that are alike
	if batch := c.Drain(); len(batch.Sets) != 1 || tallies(batch)[shadow.ResultOverflow] != 0 {
		t.Errorf("%d sets, want one", len(batch.Sets))
	}
	found.Lost = true
	c.Add(comparison(1, found))
	batch := c.Drain()
	if sum := tallies(batch); sum[shadow.ResultOverflow] != 1 || len(batch.Sets) != 0 {
		t.Errorf("%v and %d sets, want an overflow", sum, len(batch.Sets))
	}
	if len(batch.Exemplars) != 1 || batch.Exemplars[0].More != 7 {
		t.Errorf("exemplars %v, want one with 7 more", batch.Exemplars)
	}
}

func TestTheNewestAndTheSmallestDrawsAreKept(t *testing.T) {
	draws := rapid.Permutation(slices.Collect(func(yield func(uint64) bool) {
		for i := uint64(1); i <= 100 && yield(i); i++ {
		}
	})).Example(3)
	c := shadow.NewCollector(shadow.CollectorConfig{Random: func() uint64 { return draws[0] << 32 }})
	c.SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: hider{}}})
	want := make(map[uint32]bool)
	for i := range 100 {
		if draw := uint32(draws[0]); draw <= 5 || i >= 95 {
			want[draw] = true
		}
		c.Add(comparison(i, mismatch(value("$.a"))))
		draws = draws[1:]
		if i%10 == 9 { // the store is away now and then
			c.Return(c.Drain())
		}
		draws = append(draws, 0)
	}
	got := make(map[uint32]bool)
	for _, e := range c.Drain().Exemplars {
		got[e.Draw] = true
	}
	equal(t, "draws", got, want)
}

// counting counts the requests that it redacts.
type counting struct {
	hider

	requests int
}

func (c *counting) Target(pathAndQuery string) string {
	c.requests++
	return pathAndQuery
}

func TestARouteThatAlwaysDiffersIsNotRedactedAllTheTime(t *testing.T) {
	redactor, next := &counting{}, uint64(0)
	c := shadow.NewCollector(shadow.CollectorConfig{Random: func() uint64 {
		next++
		return next << 32
	}})
	c.SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: redactor}})
	for i := range 1000 {
		found := comparison(0, mismatch(value("$.a")))
		found.At = noon.Add(time.Duration(i) * time.Millisecond)
		c.Add(found)
	}
	exemplars := c.Drain().Exemplars
	if redactor.requests != 5+9 || len(exemplars) != 10 {
		t.Errorf("%d requests redacted for %d exemplars, want 14 for 10", redactor.requests, len(exemplars))
	}
	if last := exemplars[9].At; last != noon.Add(904*time.Millisecond) {
		t.Errorf("the newest is of %s, want one of the last tenth of a second", last.Format("05.000"))
	}
}

func TestExemplarsAreBounded(t *testing.T) {
	c := collecting()
	var many []compare.Difference
	for i := range 200 {
		long := strings.Repeat("x", compare.MaxText-2)
		d := differs("$.items[*].note", compare.KindValue, text(long), text(long+"y"))
		if i == 199 {
			d = value("$.total")
		}
		d.Where = fmt.Sprint("$.items[", i, "]")
		many = append(many, d)
	}
	for i := range 100 {
		found := comparison(i, mismatch(many...))
		found.Request.Body = []byte(strings.Repeat("z", shadow.MaxKeptBody+1))
		found.Request.Header = map[string][]string{"Content-Type": {"text/plain"}}
		c.Add(found)
	}
	batch := c.Drain()
	if n := len(batch.Exemplars); n < 5 || n > 10 {
		t.Fatalf("%d exemplars, want 5 to 10", n)
	}
	for _, e := range batch.Exemplars {
		if size := sizeOf([]shadow.Exemplar{e}); size > shadow.MaxExemplar {
			t.Errorf("an exemplar has %d bytes, more than %d", size, shadow.MaxExemplar)
		}
		if len(e.Differences)+e.More != 200 || len(e.Signatures) != 2 {
			t.Errorf("%d differences and %d more, %d signatures, want 200 in all and 2", len(e.Differences), e.More, len(e.Signatures))
		}
		if string(e.Request.Body) != "65537 bytes" {
			t.Errorf("the body was kept: %.20q", e.Request.Body)
		}
	}
	if size := sizeOf(batch.Exemplars); size > shadow.MaxPending {
		t.Errorf("exemplars have %d bytes, more than %d", size, shadow.MaxPending)
	}
}

func TestARareSignatureHasAnExemplarBesideAFrequentOne(t *testing.T) {
	c := collecting()
	for i := range 500 {
		found := comparison(i, mismatch(value(fmt.Sprint("$.k", i/2))))
		found.Request.Body = []byte(strings.Repeat("z", 20<<10))
		found.Request.Header = map[string][]string{"Content-Type": {"text/plain"}}
		c.Add(found)
	}
	shown := make(map[string]bool)
	exemplars := c.Drain().Exemplars
	for _, e := range exemplars {
		shown[e.Signatures[0]] = true
	}
	if size := sizeOf(exemplars); size > shadow.MaxPending*3/2 || // base64 makes bodies longer
		len(shown) < 140 {
		t.Errorf("%d bytes for %d signatures, want more than 140 with one", size, len(shown))
	}
}

func TestAnEpochThatIsOverIsForgotten(t *testing.T) {
	c := collecting()
	began := func(second int, build string) time.Time {
		found := comparison(second, mismatch())
		found.New.Build = build
		c.Add(found)
		for _, epoch := range c.Drain().Epochs {
			if epoch.Build == build {
				return epoch.Began
			}
		}
		return time.Time{}
	}
	began(0, "b1")
	equal(t, "b1 an hour later, beside b2", []time.Time{began(3600, "b2"), began(3600, "b1")}, []time.Time{at(3600), at(0)})
	began(7201, "b2")
	equal(t, "b1 after more than an hour without", began(7202, "b1"), at(7202))
}
