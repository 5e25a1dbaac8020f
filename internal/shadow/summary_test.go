package shadow_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
	"github.com/stranglerfig/strangler/internal/shadow/noise"
)

// evidence is what a store would have of route orders after this batch.
func evidence(b shadow.Batch) shadow.Evidence {
	e := shadow.Evidence{Route: "orders", Tallies: b.Tallies, Sightings: b.Sightings, Sets: b.Sets, Exemplars: make(map[string][]string)}
	for _, exemplar := range b.Exemplars {
		for _, id := range exemplar.Signatures {
			e.Exemplars[id] = append([]string{exemplar.ID}, e.Exemplars[id]...)
		}
	}
	return e
}

// brief is what most tests want to know of a signature.
type brief struct {
	Where   string
	Count   uint64
	Verdict noise.Verdict
}

func briefs(s shadow.Summary) (all []brief) {
	for _, f := range s.Found {
		all = append(all, brief{f.Where, f.Count, f.Verdict})
	}
	return all
}

func TestNoiseIsToldFromDifferencesInRetrospect(t *testing.T) {
	c := collecting()
	clock, total := value("$.clock"), value("$.total")
	for i := range 30 {
		c.Add(comparison(i, mismatch(clock)))        // before anybody knew
		c.Add(comparison(i, mismatch(clock, total))) // noise does not excuse the total
	}
	c.Add(comparison(31, mismatch(total)))
	c.Add(comparison(32, mismatch()))
	before := shadow.Summarise(evidence(c.Drain()))
	equal(t, "mismatched before", before.Mismatched, uint64(61))
	equal(t, "found before", briefs(before), []brief{{"$.clock", 60, noise.Undecided}, {"$.total", 31, noise.Undecided}})

	for i := range 30 {
		for _, result := range []compare.Result{mismatch(clock), mismatch(clock, total)} {
			found := comparison(i, result)
			if i < 20 {
				itself := mismatch(clock)
				found.Noise = &itself
			}
			c.Add(found)
		}
	}
	c.Add(comparison(31, mismatch(total)))
	got := shadow.Summarise(evidence(c.Drain()))
	equal(t, "found", briefs(got), []brief{{"$.clock", 60, noise.Noise}, {"$.total", 31, noise.Real}})
	if got.Compared != 61 || got.Mismatched != 31 || got.Noise != 30 || got.Matched != 0 {
		t.Errorf("compared %d, mismatched %d, noise %d, matched %d, want 61, 31, 30, 0", got.Compared, got.Mismatched, got.Noise, got.Matched)
	}
}

func TestASummarySaysEverything(t *testing.T) {
	c := collecting()
	a := value("$.a")
	for i := range 3 {
		found := comparison(i, mismatch(a))
		again := mismatch()
		if i == 0 {
			again = mismatch(a)
		}
		found.Second = &again
		c.Add(found)
	}
	c.Add(comparison(4, compare.Result{Hits: map[string]uint64{"r1": 2}}))
	c.Add(comparison(5, cutOff(mismatch(value("$.b")))))
	itself := mismatch(value("$.only-legacy"))
	found := comparison(6, mismatch())
	found.Noise = &itself
	c.Add(found)
	c.Skips("orders").Add(shadow.ReasonTooLarge)
	kept := evidence(c.Drain())
	got := shadow.Summarise(kept)
	if len(got.Found) != 2 {
		t.Fatalf("found %v, want $.a and $.b", briefs(got))
	}
	equal(t, "$.a", got.Found[0], shadow.Found{
		Signature: got.Found[0].Signature, Count: 3, Verdict: noise.Undecided, Confirmed: 1, Transient: 2,
		First: at(0), Last: at(2), Exemplars: kept.Exemplars[got.Found[0].ID],
	})
	if n := len(got.Found[0].Exemplars); n != 3 {
		t.Errorf("%d exemplars of $.a, want 3", n)
	}
	got.Found = nil
	equal(t, "the rest", got, shadow.Summary{
		Compared: 6, Matched: 2, Mismatched: 4, Overflow: 1,
		Skipped: map[string]uint64{"too_large": 1}, RuleHits: map[string]uint64{"r1": 2},
	})
}

func TestASetOfUnknownMembersIsNoNoise(t *testing.T) {
	e := shadow.Evidence{Tallies: []shadow.Tally{{Result: shadow.PrefixSet + "0badcafe", N: 5}, {Result: shadow.PrefixSet + "empty", N: 2}}, Sets: []shadow.Set{{ID: "empty"}}}
	if got := shadow.Summarise(e); got.Mismatched != 7 || got.Noise != 0 || got.Compared != 7 {
		t.Errorf("mismatched %d, noise %d of %d, want 7, 0 of 7", got.Mismatched, got.Noise, got.Compared)
	}
}

func TestNothingComparedIsNothing(t *testing.T) {
	equal(t, "summary", shadow.Summarise(shadow.Evidence{Route: "orders"}), shadow.Summary{Skipped: map[string]uint64{}, RuleHits: map[string]uint64{}})
}

// A field that legacy answers at random every other time, and new wrongly in one
// of ten; one that is always random, and of another type in one of twenty of
// new's answers.
func TestRandomFieldsDoNotHideWrongOnes(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 23))
	fields := func() (half, always string) {
		half, always = `"steady"`, fmt.Sprintf(`"%08x"`, random.Uint32())
		if random.IntN(2) == 0 {
			half = fmt.Sprintf(`"%08x"`, random.Uint32())
		}
		return half, always
	}
	body := func(half, always string) compare.Answer {
		return answer(`{"half":` + half + `,"always":` + always + `}`)
	}
	c := collecting()
	for i := range 10_000 {
		half, always := fields()
		if random.IntN(10) == 0 {
			half = `"wrong"`
		}
		if random.IntN(20) == 0 {
			always = `7`
		}
		legacy, itself := body(fields()), body(fields())
		found := comparison(i, compare.Compare(legacy, body(half, always), compare.Options{Bodies: true}))
		twice := compare.Compare(legacy, itself, compare.Options{Bodies: true})
		found.Noise = &twice
		c.Add(found)
	}
	summary := shadow.Summarise(evidence(c.Drain()))
	got := make(map[string]noise.Verdict)
	for _, f := range summary.Found {
		got[fmt.Sprint(f.Where, " ", f.Kind)] = f.Verdict
	}
	equal(t, "verdicts", got, map[string]noise.Verdict{
		"$.half value": noise.Real, "$.always value": noise.Noise, "$.always type": noise.Real,
	})
	if summary.Noise == 0 || summary.Mismatched == 0 || summary.Noise+summary.Mismatched != 10_000 {
		t.Errorf("noise %d and mismatched %d, want 10000 together and some of both", summary.Noise, summary.Mismatched)
	}
}
