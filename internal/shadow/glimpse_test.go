package shadow_test

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// seen returns what a batch has of each place.
func seen[T any](b shadow.Batch, what func(shadow.Sighting) T) map[string]T {
	all := make(map[string]T)
	for _, s := range b.Sightings {
		all[s.Signature.Where] = what(s)
	}
	return all
}

func pairsOf(s shadow.Sighting) shadow.Pairs { return s.Pairs }

func cutOff(r compare.Result) compare.Result {
	r.More, r.Lost = 1, true
	return r
}

func TestPairsSayWhereASignatureOccurred(t *testing.T) {
	type all = map[string]shadow.Pairs
	both, fresh, legacy, nothing := shadow.Pairs{Both: 1}, shadow.Pairs{New: 1}, shadow.Pairs{Legacy: 1}, shadow.Pairs{}
	a, b, c := value("$.a"), value("$.b"), value("$.c")
	asNumber := differs("$.a", compare.KindType, text(`"1"`), number("1"))
	broken := differs("status", compare.KindStatus, compare.Value{Type: "status", Text: "200"}, compare.Value{Type: "status", Text: "500"})
	lost := differs("answer", compare.KindAnswer, compare.Value{Type: "status", Text: "200"}, compare.Value{Type: "failure", Text: "timeout"})
	for name, test := range map[string]struct {
		result, itself compare.Result
		want           all
	}{
		"each way":                         {mismatch(a, b), mismatch(b, c), all{"$.a": fresh, "$.b": both, "$.c": legacy}},
		"a match beside noise":             {mismatch(), mismatch(c), all{"$.c": legacy}},
		"nothing at all":                   {mismatch(), mismatch(), all{}},
		"a type beside a value":            {mismatch(asNumber), mismatch(b), all{"$.a": fresh, "$.b": legacy}},
		"legacy's second is cut off":       {mismatch(a, b), cutOff(mismatch(b)), all{"$.a": nothing, "$.b": both}},
		"new's is cut off":                 {cutOff(mismatch(a)), mismatch(c), all{"$.a": fresh}},
		"new failed":                       {mismatch(broken), mismatch(c), all{"status": fresh}},
		"new gave no answer":               {mismatch(lost), mismatch(a), all{"answer": fresh}},
		"legacy failed the second time":    {mismatch(a), mismatch(broken), all{"$.a": nothing, "status": legacy}},
		"both failed alike, and differ by": {mismatch(broken, a), mismatch(broken), all{"status": both, "$.a": fresh}},
	} {
		t.Run(name, func(t *testing.T) {
			c := collecting()
			found := comparison(1, test.result)
			found.Noise = &test.itself
			c.Add(found)
			equal(t, "pairs", seen(c.Drain(), pairsOf), test.want)
		})
	}
}

func TestATypeChangeIsNoPairOfARandomValue(t *testing.T) {
	c := collecting()
	itself := mismatch(value("$.a"))
	found := comparison(1, mismatch(differs("$.a", compare.KindType, text(`"1"`), number("1"))))
	found.Noise = &itself
	c.Add(found)
	pairs := make(map[compare.Kind]shadow.Pairs)
	for _, s := range c.Drain().Sightings {
		pairs[s.Signature.Kind] = s.Pairs
	}
	equal(t, "pairs", pairs, map[compare.Kind]shadow.Pairs{compare.KindType: {New: 1}, compare.KindValue: {Legacy: 1}})
}

func TestASecondTryConfirmsOrNot(t *testing.T) {
	type tries struct{ Confirmed, Transient uint64 }
	a, b := value("$.a"), value("$.b")
	lost := differs("answer", compare.KindAnswer, compare.Value{Type: "status", Text: "200"}, compare.Value{Type: "failure", Text: "timeout"})
	for name, test := range map[string]struct {
		second compare.Result
		want   map[string]tries
	}{
		"there again":          {mismatch(a, b), map[string]tries{"$.a": {1, 0}, "$.b": {1, 0}}},
		"one of them gone":     {mismatch(b), map[string]tries{"$.a": {0, 1}, "$.b": {1, 0}}},
		"all gone":             {mismatch(), map[string]tries{"$.a": {0, 1}, "$.b": {0, 1}}},
		"cut off":              {cutOff(mismatch(a)), map[string]tries{"$.a": {1, 0}, "$.b": {}}},
		"no answer then":       {mismatch(lost), map[string]tries{"$.a": {}, "$.b": {}}},
		"not to be compared":   {compare.Result{Outcome: compare.Skipped}, map[string]tries{"$.a": {}, "$.b": {}}},
		"something else comes": {mismatch(a, value("$.c")), map[string]tries{"$.a": {1, 0}, "$.b": {0, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			c := collecting()
			found := comparison(1, mismatch(a, b))
			found.Second = &test.second
			c.Add(found)
			equal(t, "tries", seen(c.Drain(), func(s shadow.Sighting) tries { return tries{s.Confirmed, s.Transient} }), test.want)
		})
	}
}
