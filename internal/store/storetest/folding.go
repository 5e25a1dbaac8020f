package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/store"
)

func testFolding(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"adds minutes up to hours":      foldingHours,
		"by several at once":            foldingTogether,
		"forgets what is past its time": foldingForgets,
		"forgets a route":               foldingRoute,
		"lets signatures go":            foldingSignatures,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// unfolded counts the tallies of minutes that are older than three hours.
func (f *fixture) unfolded() int {
	return f.rows(fmt.Sprintf("shadow_tallies WHERE minute %% 60 <> 0 AND minute < %d", time.Now().Unix()/60-180))
}

func foldingHours(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	batch := found("orders", now)
	batch.Epochs[0].Began = now.Add(-4 * 24 * time.Hour)
	for _, age := range []int64{3001, 3002, 3003, 241, 10} {
		f.gather(batch)
		f.talliedEarlier(age)
	}
	since := now.Add(-3002 * time.Minute)
	before := tallied(f.evidence(shadow.Query{Since: since})[0])
	for range 2 {
		f.fold()
	}
	after := tallied(f.evidence(shadow.Query{Since: since})[0])
	equal(t, "since a moment that is folded", after, before)
	if after["match"] < 4*3 {
		t.Errorf("%d matches since a minute of which there are four younger, want 12 at least", after["match"])
	}
	equal(t, "of the epoch", tallied(f.of("orders")), map[string]uint64{"match": 15, "set:x1": 5, "signature:s1": 5, "skipped:method": 10})
	equal(t, "minutes left", f.unfolded(), 0)
	if rows := f.rows("shadow_tallies"); rows > 4*4 {
		t.Errorf("%d rows, want four results of three hours, or four, and a minute", rows)
	}
}

func foldingTogether(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	const hours = 12
	for i := range int64(hours) {
		for _, route := range []string{"cart", "orders"} {
			f.gather(found(route, now))
			f.talliedEarlier(200 + 60*i)
			f.gather(found(route, now))
			f.talliedEarlier(201 + 60*i)
		}
	}
	var folding sync.WaitGroup
	for _, s := range []store.Store{f, f.reopen(), f.reopen()} {
		folding.Go(func() {
			if err := s.FoldEvidence(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	folding.Wait()
	for _, e := range f.evidence(shadow.Query{}) {
		equal(t, e.Route, tallied(e)["match"], 2*3*hours)
	}
	equal(t, "minutes left", f.unfolded(), 0)
}

func foldingForgets(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	old := now.Add(-7*24*time.Hour - time.Hour)
	f.gather(found("orders", old, exemplar("orders", "e1", "old", old, "s1")))
	f.talliedEarlier(7*24*60 + 60)
	f.gather(found("orders", now, exemplar("orders", "e1", "young", now, "s1")))
	f.fold()
	got := f.of("orders")
	equal(t, "tallies", tallied(got), map[string]uint64{"match": 3, "set:x1": 1, "signature:s1": 1, "skipped:method": 2})
	equal(t, "exemplars", got.Exemplars, map[string][]string{"s1": {"young"}})
	if _, err := f.Exemplar(t.Context(), "old"); !errors.Is(err, shadow.ErrUnknownExemplar) {
		t.Errorf("the old one: %v, want ErrUnknownExemplar", err)
	}
	equal(t, "signatures", len(got.Sightings), 1)
	equal(t, "sets", len(got.Sets), 1)
}

func foldingRoute(t *testing.T, backend Backend) {
	f := open(t, backend)
	old := recently().Add(-7*24*time.Hour - time.Hour)
	f.gather(found("orders", old, exemplar("orders", "e1", "old", old, "s1")))
	f.talliedEarlier(7*24*60 + 60)
	f.gather(found("cart", recently()))
	f.fold()
	got := f.evidence(shadow.Query{})
	equal(t, "routes", len(got), 1)
	equal(t, "the other", got[0].Route, "cart")
	for _, table := range []string{
		"shadow_routes", "shadow_epochs", "shadow_tallies", "shadow_signatures", "shadow_sets", "shadow_kept", "shadow_exemplars",
	} {
		equal(t, table, f.rows(table+" WHERE route = 'orders'"), 0)
	}
}

// foldingSignatures has signatures end and the epoch go on: there is room again.
func foldingSignatures(t *testing.T, backend Backend) {
	f := open(t, backend)
	old := recently().Add(-7*24*time.Hour - time.Hour)
	f.gather(overflowing("a", shadow.MaxSignatures, old, once))
	f.talliedEarlier(7*24*60 + 60)
	f.gather(found("orders", recently()))
	_, _, overflow := mismatches(f.of("orders"))
	equal(t, "without room", overflow, 1)
	f.fold()
	f.gather(found("orders", recently()))
	got := f.of("orders")
	sets, _, overflow := mismatches(got)
	equal(t, "signatures, and mismatches with and without room", []int{len(got.Sightings), int(sets), int(overflow)}, []int{1, 1, 1})
}
