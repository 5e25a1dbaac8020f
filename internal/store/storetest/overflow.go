package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/store"
)

func testOverflow(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"of signatures is visible":  overflowVisible,
		"is of the rare signatures": overflowRare,
		"of sets is visible":        overflowSets,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// overflowing is a batch with mismatches of many signatures, each alone.
func overflowing(prefix string, many int, at time.Time, n func(int) uint64) shadow.Batch {
	batch := shadow.Batch{Epochs: []shadow.Epoch{epoch("orders", "e1", at)}}
	for i := range many {
		id := fmt.Sprintf("%s%03d", prefix, i)
		batch.Sightings = append(batch.Sightings, sighting("orders", "e1", id, at))
		batch.Sets = append(batch.Sets, shadow.Set{Route: "orders", Epoch: "e1", ID: "x" + id, Members: []string{id}})
		batch.Tallies = append(batch.Tallies,
			shadow.Tally{Route: "orders", Epoch: "e1", Result: shadow.PrefixSignature + id, N: n(i)},
			shadow.Tally{Route: "orders", Epoch: "e1", Result: shadow.PrefixSet + "x" + id, N: n(i)})
		batch.Exemplars = append(batch.Exemplars, exemplar("orders", "e1", "ex"+id, at, id))
	}
	return batch
}

func once(int) uint64 { return 1 }

// mismatches adds up what counts as one, by kind of result.
func mismatches(e shadow.Evidence) (sets, signatures, overflow uint64) {
	for _, t := range e.Tallies {
		switch {
		case t.Result == shadow.ResultOverflow:
			overflow += t.N
		case strings.HasPrefix(t.Result, shadow.PrefixSet):
			sets += t.N
		case strings.HasPrefix(t.Result, shadow.PrefixSignature):
			signatures += t.N
		}
	}
	return sets, signatures, overflow
}

// overflowVisible has two routers find 400 signatures each, 300 of them the same.
func overflowVisible(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	a, b, c := overflowing("a", 400, now, once), overflowing("a", 300, now, once), overflowing("c", 300, now, once)
	b.Sightings, b.Sets = append(b.Sightings, c.Sightings...), append(b.Sets, c.Sets...)
	b.Tallies, b.Exemplars = append(b.Tallies, c.Tallies...), append(b.Exemplars, c.Exemplars...)
	for i := range b.Exemplars {
		b.Exemplars[i].ID += "b"
	}
	// One comparison shows a signature with room and one without: it overflows, once.
	b.Sets = append(b.Sets, shadow.Set{Route: "orders", Epoch: "e1", ID: "both", Members: []string{"a000", "c299"}})
	b.Tallies = append(b.Tallies,
		shadow.Tally{Route: "orders", Epoch: "e1", Result: shadow.PrefixSet + "both", N: 1},
		shadow.Tally{Route: "orders", Epoch: "e1", Result: shadow.PrefixSet + "unheard of", N: 1})
	var all sync.WaitGroup
	for i, s := range []store.Store{f, f.reopen()} {
		all.Go(func() {
			if err := s.AddEvidence(t.Context(), []shadow.Batch{a, b}[i]); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := f.of("orders")
	sets, signatures, overflow := mismatches(got)
	equal(t, "signatures", len(got.Sightings), shadow.MaxSignatures)
	equal(t, "comparisons", sets+overflow, 1002)
	equal(t, "overflow: 200 without room, one partly, one of no known set", overflow, 202)
	equal(t, "comparisons with a signature", signatures, 800)
	for _, s := range got.Sightings {
		if len(got.Exemplars[s.Signature.ID]) == 0 {
			t.Errorf("signature %s has no exemplar", s.Signature.ID)
		}
	}
	equal(t, "signatures with exemplars", len(got.Exemplars), shadow.MaxSignatures)
}

func overflowRare(t *testing.T, backend Backend) {
	f := open(t, backend)
	f.gather(overflowing("a", 600, recently(), func(i int) uint64 { return uint64(i) }))
	got := f.of("orders")
	slices.SortFunc(got.Sightings, func(a, b shadow.Sighting) int { return strings.Compare(a.Signature.ID, b.Signature.ID) })
	equal(t, "the rarest with room", got.Sightings[0].Signature.ID, "a100")
	sets, _, overflow := mismatches(got)
	equal(t, "overflow", overflow, 100*99/2)
	equal(t, "sets", sets+overflow, 600*599/2)
}

func overflowSets(t *testing.T, backend Backend) {
	f := open(t, backend)
	batch := overflowing("a", 70, recently(), once)
	for i := range 70 {
		for j := range i {
			id := fmt.Sprintf("x%d-%d", i, j)
			members := []string{fmt.Sprintf("a%03d", j), fmt.Sprintf("a%03d", i)}
			batch.Sets = append(batch.Sets, shadow.Set{Route: "orders", Epoch: "e1", ID: id, Members: members})
			batch.Tallies = append(batch.Tallies, shadow.Tally{Route: "orders", Epoch: "e1", Result: shadow.PrefixSet + id, N: 1})
		}
	}
	f.gather(batch)
	got := f.of("orders")
	sets, _, overflow := mismatches(got)
	if diff := cmp.Diff([]int{len(got.Sets), int(sets), int(overflow)}, []int{shadow.MaxSets, shadow.MaxSets, 70 + 70*69/2 - shadow.MaxSets}); diff != "" {
		t.Errorf("sets, and comparisons with and without one:\n%s", diff)
	}
}
