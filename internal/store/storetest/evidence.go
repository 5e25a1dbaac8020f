package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store"
)

func testEvidence(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"comes back as it was":                evidenceKept,
		"of several routers adds up":          evidenceAdded,
		"that is empty is nothing":            evidenceEmpty,
		"may hold any bytes":                  evidenceBytes,
		"refuses names no database keeps":     evidenceRefused,
		"is asked since a moment":             evidenceSince,
		"is of the current epoch":             evidenceCurrent,
		"is of the epoch with a build":        evidenceUnnamed,
		"is never of the future":              evidenceAhead,
		"keeps the last epochs":               evidenceEpochs,
		"is added by several at once":         evidenceTogether,
		"changes no revision":                 evidenceQuiet,
		"outlives its route":                  evidenceOutlives,
		"does not appear in errors":           evidenceSecret,
		"of a caller who is gone is not kept": evidenceCancelled,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

func (f *fixture) gather(batch shadow.Batch) {
	f.t.Helper()
	if err := f.AddEvidence(f.t.Context(), batch); err != nil {
		f.t.Fatalf("add evidence: %v", err)
	}
}

func (f *fixture) fold() {
	f.t.Helper()
	if err := f.FoldEvidence(f.t.Context()); err != nil {
		f.t.Fatalf("fold evidence: %v", err)
	}
}

func (f *fixture) evidence(query shadow.Query) []shadow.Evidence {
	f.t.Helper()
	found, err := f.Evidence(f.t.Context(), query)
	if err != nil {
		f.t.Fatalf("evidence: %v", err)
	}
	return found
}

// of is the evidence of one route's current epoch.
func (f *fixture) of(route string) shadow.Evidence {
	f.t.Helper()
	found := f.evidence(shadow.Query{Routes: []string{route}})
	if len(found) != 1 {
		f.t.Fatalf("evidence of %q: %+v, want one", route, found)
	}
	return found[0]
}

// tallied is what a route's tallies say, by result.
func tallied(e shadow.Evidence) map[string]uint64 {
	counted := make(map[string]uint64)
	for _, t := range e.Tallies {
		counted[t.Result] += t.N
	}
	return counted
}

func evidenceKept(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	first := exemplar("orders", "e1", "ex1", now, "s1")
	f.gather(found("orders", now, first))
	got := f.of("orders")
	size := got.Bytes
	got.Bytes = 0
	equal(t, "evidence", got, shadow.Evidence{
		Route: "orders", Epoch: epoch("orders", "e1", now), Epochs: []shadow.Epoch{epoch("orders", "e1", now)},
		Tallies: []shadow.Tally{
			{Route: "orders", Result: "skipped:method", N: 2},
			{Route: "orders", Epoch: "e1", Result: "match", N: 3},
			{Route: "orders", Epoch: "e1", Result: "set:x1", N: 1},
			{Route: "orders", Epoch: "e1", Result: "signature:s1", N: 1},
		},
		Sightings: []shadow.Sighting{sighting("orders", "e1", "s1", now)},
		Sets:      []shadow.Set{{Route: "orders", Epoch: "e1", ID: "x1", Members: []string{"s1"}}},
		Exemplars: map[string][]string{"s1": {"ex1"}},
	})
	if size < 100 || size > 2000 {
		t.Errorf("one exemplar takes %d bytes", size)
	}
	one, err := f.Exemplar(t.Context(), "ex1")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "exemplar", one, first)
	if _, err := f.Exemplar(t.Context(), "ex2"); !errors.Is(err, shadow.ErrUnknownExemplar) || !strings.Contains(err.Error(), "ex2") {
		t.Errorf("unknown: %v, want ErrUnknownExemplar with its id", err)
	}
	if _, err := f.Exemplar(t.Context(), "a\x00"); !errors.Is(err, shadow.ErrUnknownExemplar) {
		t.Errorf("impossible: %v, want ErrUnknownExemplar", err)
	}
}

func evidenceAdded(t *testing.T, backend Backend) {
	a := open(t, backend)
	b := a.reopen()
	now := recently()
	later := now.Add(10 * time.Second)
	one, other := found("orders", later, exemplar("orders", "e1", "ex1", later, "s1")), found("orders", now, exemplar("orders", "e1", "ex2", now, "s1"))
	one.Sightings[0].Pairs, one.Sightings[0].Confirmed = shadow.Pairs{Both: 1, New: 2, Legacy: 3}, 4
	other.Sightings[0].Pairs, other.Sightings[0].Transient = shadow.Pairs{Both: 10, New: 20, Legacy: 30}, 5
	one.Tallies = append(one.Tallies, one.Tallies[0]) // twice in one batch adds up as well
	a.gather(one)
	if err := b.AddEvidence(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	got := a.of("orders")
	equal(t, "tallies", tallied(got), map[string]uint64{"match": 9, "set:x1": 2, "signature:s1": 2, "skipped:method": 4})
	equal(t, "sightings", got.Sightings, []shadow.Sighting{{
		Route: "orders", Epoch: "e1", Signature: signature("s1"), First: now, Last: later,
		Pairs: shadow.Pairs{Both: 11, New: 22, Legacy: 33}, Confirmed: 4, Transient: 5,
	}})
	equal(t, "exemplars", got.Exemplars, map[string][]string{"s1": {"ex1", "ex2"}})
	want := epoch("orders", "e1", now)
	want.Last = later
	equal(t, "epoch", got.Epoch, want)
	both, err := b.Exemplars(t.Context(), []string{"ex2", "none", "ex1", "ex2", "\xff"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "those that are there", both, []shadow.Exemplar{one.Exemplars[0], other.Exemplars[0]})
}

func evidenceEmpty(t *testing.T, backend Backend) {
	f := open(t, backend)
	f.gather(shadow.Batch{})
	f.fold()
	equal(t, "evidence", len(f.evidence(shadow.Query{})), 0)
	equal(t, "of some", len(f.evidence(shadow.Query{Routes: []string{"orders", "a\x00"}})), 0)
	if exemplars, err := f.Exemplars(t.Context(), nil); err != nil || len(exemplars) != 0 {
		t.Errorf("%+v, %v; want none", exemplars, err)
	}
	f.gather(shadow.Batch{Tallies: []shadow.Tally{{Route: "cart", Result: "skipped:method", N: 1}}})
	f.gather(found("orders", recently()))
	got := f.evidence(shadow.Query{})
	equal(t, "routes", []string{got[0].Route, got[1].Route}, []string{"cart", "orders"})
	equal(t, "what was never compared", got[0], shadow.Evidence{
		Route: "cart", Tallies: []shadow.Tally{{Route: "cart", Result: "skipped:method", N: 1}}, Exemplars: map[string][]string{},
	})
	equal(t, "of no route", len(f.evidence(shadow.Query{Routes: []string{}})), 0)
}

func evidenceBytes(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	for i, text := range []string{"nul \x00 nul", "latin1 \xfcber", "\"quoted\" \\u0000", "世界 🐘", "\ufffd", `{"base64":"aGk="}`, ""} {
		id := fmt.Sprint("ex", i)
		e := exemplar("orders", "e1", id, now.Add(time.Duration(i)*time.Second), "s1")
		e.Request.Target, e.Request.Host, e.Request.Body = "/"+text, text, []byte(text+"\xff\x00")
		e.Request.Header = map[string][]string{"X-Any": {text}}
		e.Differences[0].Where, e.Differences[0].Path = text, text
		e.Differences[0].Legacy.Text, e.New.Build, e.Instance = text, text, text
		batch := found("orders", now, e)
		batch.Epochs[0].ID, batch.Epochs[0].Build = "e"+id, text
		batch.Sightings = append(batch.Sightings, sighting("orders", "e"+id, "s2", now))
		batch.Sightings[1].Signature.Where = text
		f.gather(batch)
		got, err := f.Exemplar(t.Context(), id)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		equal(t, "exemplar", got, e)
		evidence := f.evidence(shadow.Query{Epoch: "e" + id})
		equal(t, "build", evidence[0].Epoch.Build, text)
		equal(t, "signature", evidence[0].Sightings[0].Signature.Where, text)
	}
}

func evidenceRefused(t *testing.T, backend Backend) {
	f := open(t, backend)
	for _, bad := range []string{"a\x00", "\xff"} {
		batch := found("orders", recently())
		batch.Tallies[1].Result = bad
		if err := f.AddEvidence(t.Context(), batch); !errors.Is(err, rollout.ErrText) {
			t.Errorf("%q: %v, want ErrText", bad, err)
		}
	}
	equal(t, "evidence", len(f.evidence(shadow.Query{})), 0)
}

// talliedEarlier moves every tally that is less than two minutes old.
func (f *fixture) talliedEarlier(minutes int64) {
	f.t.Helper()
	f.mustBehind(fmt.Sprintf("UPDATE shadow_tallies SET minute = minute - %d WHERE minute >= %d", minutes, time.Now().Unix()/60-1))
}

func evidenceSince(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	batch := found("orders", now)
	batch.Epochs[0].Began = now.Add(-50 * time.Minute)
	f.gather(batch)
	f.talliedEarlier(70) // before the epoch began, by another clock: its own count, of the skipped nobody knows
	f.gather(batch)
	f.talliedEarlier(20)
	f.gather(batch)
	match := func(since time.Time) map[string]uint64 {
		return tallied(f.evidence(shadow.Query{Since: since})[0])
	}
	equal(t, "of the epoch", match(time.Time{}), map[string]uint64{"match": 9, "set:x1": 3, "signature:s1": 3, "skipped:method": 4})
	equal(t, "of an hour", match(now.Add(-time.Hour)), map[string]uint64{"match": 6, "set:x1": 2, "signature:s1": 2, "skipped:method": 4})
	equal(t, "of the last minutes", match(now.Add(-10 * time.Minute))["match"], 3)
	equal(t, "of all time", match(now.Add(-1000*time.Hour)), map[string]uint64{"match": 9, "set:x1": 3, "signature:s1": 3, "skipped:method": 6})
	future := f.evidence(shadow.Query{Since: now.Add(time.Hour)})
	equal(t, "of the future", tallied(future[0]), map[string]uint64{})
	equal(t, "signatures of the future", len(future[0].Sightings), 1)
}

// rows counts behind the store's back.
func (f *fixture) rows(of string) int {
	f.t.Helper()
	var rows int
	if err := f.backend.DB(f.t, f.url).QueryRowContext(f.t.Context(), "SELECT count(*) FROM "+of).Scan(&rows); err != nil {
		f.t.Fatal(err)
	}
	return rows
}

func evidenceQuiet(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.load(nil)
	events := len(f.events(rollout.EventQuery{}))
	f.gather(found("cart", recently()))
	f.fold()
	if f.load(before) != before {
		t.Error("evidence made a new snapshot")
	}
	equal(t, "events", len(f.events(rollout.EventQuery{})), events)
}

func evidenceOutlives(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.gather(found("cart", recently()))
	f.apply(spec.Definitions{})
	f.fold()
	equal(t, "tallies", tallied(f.of("cart"))["match"], 3)
}

// evidenceSecret plants values and looks for them in what is said when the
// database fails.
func evidenceSecret(t *testing.T, backend Backend) {
	f := open(t, backend)
	e := exemplar("orders", "e1", "ex1", recently(), "s1")
	e.Differences[0].Legacy.Text, e.Request.Target = "hunter2secret", "/?token=hunter2secret"
	f.gather(found("orders", recently(), e))
	f.mustBehind(`UPDATE shadow_exemplars SET document = '{"request": "hunter2secret"}'`)
	_, readErr := f.Exemplar(t.Context(), "ex1")
	all, err := f.Exemplars(t.Context(), []string{"ex1"})
	if err != nil || len(all) != 0 {
		t.Errorf("%+v, %v; want what cannot be read to be left out", all, err)
	}
	f.mustBehind("ALTER TABLE shadow_exemplars DROP COLUMN draw")
	e.ID = "ex2"
	writeErr := f.AddEvidence(t.Context(), found("orders", recently(), e))
	for what, err := range map[string]error{"read": readErr, "write": writeErr} {
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want one without the value", what, err)
		}
	}
	equal(t, "tallies after an error", tallied(f.of("orders"))["match"], 3)
}

func evidenceCancelled(t *testing.T, backend Backend) {
	f := open(t, backend)
	err := f.AddEvidence(cancelled(), found("orders", recently()))
	_, readErr := f.Evidence(cancelled(), shadow.Query{})
	for what, err := range map[string]error{"write": err, "read": readErr, "fold": f.FoldEvidence(cancelled())} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, shadow.ErrUncertain) {
			t.Errorf("%s: %v, want context.Canceled", what, err)
		}
	}
	equal(t, "evidence", len(f.evidence(shadow.Query{})), 0)
}

// evidenceTogether lets four routers write the same and other routes, while
// others fold and read.
func evidenceTogether(t *testing.T, backend Backend) {
	f := open(t, backend)
	const routers, flushes = 4, 10
	var all sync.WaitGroup
	for r := range routers {
		router := f.reopen()
		all.Go(func() {
			for i := range flushes {
				if err := evidenceTurn(t.Context(), router, r, i); err != nil {
					t.Errorf("router %d: %v", r, err)
				}
			}
		})
	}
	all.Wait()
	for _, e := range f.evidence(shadow.Query{}) {
		equal(t, e.Route, tallied(e), map[string]uint64{
			"match": 3 * routers * flushes, "set:x1": routers * flushes, "signature:s1": routers * flushes, "skipped:method": 2 * routers * flushes,
		})
		ids := e.Exemplars["s1"]
		equal(t, "exemplars", len(ids) >= shadow.Newest && len(ids) <= shadow.Newest+shadow.Random, true)
		equal(t, "those that can be fetched", f.rows("shadow_exemplars WHERE route = '"+e.Route+"'"), len(ids))
	}
}

func evidenceTurn(ctx context.Context, router store.Store, r, i int) error {
	at := recently()
	routes := []string{"cart", "orders", "rest"}
	var batch shadow.Batch
	for n := range routes {
		route := routes[(n+r)%len(routes)]
		x := exemplar(route, "e1", fmt.Sprint(route, r, "-", i), at.Add(time.Duration(i)*time.Millisecond), "s1")
		x.Draw = uint32(r*1000003+i*7919) % 1009
		part := found(route, at, x)
		batch.Epochs, batch.Tallies = append(batch.Epochs, part.Epochs...), append(batch.Tallies, part.Tallies...)
		batch.Sightings, batch.Sets = append(batch.Sightings, part.Sightings...), append(batch.Sets, part.Sets...)
		batch.Exemplars = append(batch.Exemplars, part.Exemplars...)
	}
	err := router.AddEvidence(ctx, batch)
	if i%3 == r%3 {
		err = errors.Join(err, router.FoldEvidence(ctx))
	}
	_, readErr := router.Evidence(ctx, shadow.Query{})
	return errors.Join(err, readErr)
}
