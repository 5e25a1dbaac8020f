package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
)

func evidenceCurrent(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	is := func(what, want string) {
		t.Helper()
		equal(t, what, f.of("orders").Epoch.ID, want)
	}
	heard := func(id string, began, last time.Duration) {
		e := epoch("orders", id, now.Add(-began))
		e.Last = now.Add(-last)
		f.gather(shadow.Batch{Epochs: []shadow.Epoch{e}})
	}
	heard("e1", 3*time.Hour, 2*time.Hour)
	heard("e2", 2*time.Hour, time.Hour)
	is("the later one", "e2")
	heard("e1", 3*time.Hour, 30*time.Minute)
	is("the one that a rule was taken back to", "e1")
	heard("e3", 30*time.Minute, 30*time.Minute+50*time.Second)
	is("the newer of two that are served side by side", "e3")
	ids := func(evidence shadow.Evidence) (ids []string) {
		for _, e := range evidence.Epochs {
			ids = append(ids, e.ID)
		}
		return ids
	}
	equal(t, "epochs", ids(f.of("orders")), []string{"e3", "e2", "e1"})
	equal(t, "one that is asked for", f.evidence(shadow.Query{Epoch: "e2"})[0].Epoch.ID, "e2")
	equal(t, "one that is not there", len(f.evidence(shadow.Query{Epoch: "e9"})), 0)
}

// A router that has just started does not know which build it is that fails, and
// many side by side begin such an epoch last.
func evidenceUnnamed(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	named, unnamed := epoch("orders", "e1", now.Add(-time.Hour)), epoch("orders", "e2", now.Add(-time.Second))
	named.Last, unnamed.Build = now.Add(-30*time.Second), ""
	f.gather(shadow.Batch{Epochs: []shadow.Epoch{named, unnamed}})
	equal(t, "beside a build", f.of("orders").Epoch.ID, "e1")
	f.gather(shadow.Batch{Epochs: []shadow.Epoch{epoch("shop", "e1", now.Add(-2*time.Minute)), {Route: "shop", ID: "e2", Rules: "r1", Began: now, Last: now}}})
	equal(t, "after a build", f.of("shop").Epoch.ID, "e2")
}

// The clock of one router is two hours ahead.
func evidenceAhead(t *testing.T, backend Backend) {
	f := open(t, backend)
	before := recently()
	ahead := before.Add(2 * time.Hour)
	f.gather(found("orders", ahead, exemplar("orders", "e1", "ex1", ahead, "s1")))
	fetched, err := f.Exemplar(t.Context(), "ex1")
	if err != nil {
		t.Fatal(err)
	}
	got := f.of("orders")
	for what, at := range map[string]time.Time{
		"epoch began": got.Epoch.Began, "epoch last": got.Epoch.Last, "exemplar": fetched.At,
		"signature first": got.Sightings[0].First, "signature last": got.Sightings[0].Last,
	} {
		if at.Before(before) || at.After(before.Add(time.Hour)) {
			t.Errorf("%s is at %s, and not about %s", what, at, before)
		}
	}
	f.gather(shadow.Batch{Epochs: []shadow.Epoch{epoch("orders", "e2", time.Now())}})
	equal(t, "the next epoch", f.of("orders").Epoch.ID, "e2")
}

func evidenceEpochs(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	for i := range 12 {
		at := now.Add(time.Duration(i) * time.Second)
		e, x := fmt.Sprint("e", i), fmt.Sprint("ex", i)
		batch := found("orders", at, exemplar("orders", e, x, at, "s1"))
		batch.Epochs[0].ID, batch.Tallies[0].Epoch, batch.Tallies[1].Epoch, batch.Tallies[2].Epoch = e, e, e, e
		batch.Sightings[0].Epoch, batch.Sets[0].Epoch = e, e
		f.gather(batch)
		f.gather(found("cart", at))
	}
	got := f.of("orders")
	equal(t, "epochs", len(got.Epochs), 10)
	equal(t, "the oldest", got.Epochs[9].ID, "e2")
	equal(t, "the other route's tallies", tallied(f.of("cart"))["match"], 36)
	for _, table := range []string{"shadow_signatures", "shadow_sets", "shadow_kept", "shadow_exemplars", "shadow_epochs"} {
		equal(t, table, f.rows(table+" WHERE route = 'orders'"), 10)
	}
	if _, err := f.Exemplar(t.Context(), "ex1"); !errors.Is(err, shadow.ErrUnknownExemplar) {
		t.Errorf("an exemplar of an old epoch: %v, want ErrUnknownExemplar", err)
	}
}
