package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
)

func testExemplars(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"are the newest and a fair sample": exemplarsFair,
		"are kept for any signature":       exemplarsShared,
		"keep a quota":                     exemplarsQuota,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

// exemplarsFair has two routers find 200 exemplars, in another order than they
// were made, and knows which are the smallest draws of all.
func exemplarsFair(t *testing.T, backend Backend) {
	f := open(t, backend)
	routers := []interface {
		gather(batch shadow.Batch)
	}{f, &fixture{Store: f.reopen(), t: t, backend: backend, url: f.url}}
	random := rand.New(rand.NewPCG(5, 5))
	now := recently()
	var all []shadow.Exemplar
	for i := range 200 {
		e := exemplar("orders", "e1", fmt.Sprintf("ex%03d", i), now.Add(time.Duration(i)*time.Millisecond), "s1")
		e.Draw = random.Uint32()
		all = append(all, e)
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for i, part := range slices.Collect(slices.Chunk(all, 7)) {
		routers[i%2].gather(found("orders", now, part...))
	}
	slices.SortFunc(all, func(a, b shadow.Exemplar) int { return b.At.Compare(a.At) })
	want := slices.Clone(all[:shadow.Newest])
	slices.SortFunc(all, func(a, b shadow.Exemplar) int { return int(int64(a.Draw) - int64(b.Draw)) })
	want = append(want, all[:shadow.Random]...)
	slices.SortFunc(want, func(a, b shadow.Exemplar) int { return b.At.Compare(a.At) })
	want = slices.CompactFunc(want, func(a, b shadow.Exemplar) bool { return a.ID == b.ID })
	var ids []string
	for _, e := range want {
		ids = append(ids, e.ID)
	}
	got := f.of("orders").Exemplars["s1"]
	equal(t, "exemplars", got, ids)
	equal(t, "rows", f.rows("shadow_exemplars"), len(ids))
	fetched, err := f.Exemplars(t.Context(), got)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "fetched", fetched, want)
}

// exemplarsShared has one exemplar that is old and of no small draw for one of
// its signatures, and the only one of another.
func exemplarsShared(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	shared := exemplar("orders", "e1", "shared", now, "s1", "s2")
	shared.Draw = 1 << 31
	batch := found("orders", now, shared)
	batch.Sightings = append(batch.Sightings, sighting("orders", "e1", "s2", now))
	f.gather(batch)
	want := []string{}
	for i := range 10 {
		e := exemplar("orders", "e1", fmt.Sprint("ex", i), now.Add(time.Duration(1+i)*time.Second), "s1")
		e.Draw = uint32(i)
		f.gather(found("orders", now, e))
		want = append([]string{e.ID}, want...)
	}
	equal(t, "exemplars", f.of("orders").Exemplars, map[string][]string{"s1": want, "s2": {"shared"}})
	if _, err := f.Exemplar(t.Context(), "shared"); err != nil {
		t.Errorf("the one that is kept for s2: %v", err)
	}
}

func exemplarsQuota(t *testing.T, backend Backend) {
	f := open(t, backend)
	now := recently()
	const quota, size = 4 << 20, 200 << 10
	batch := shadow.Batch{Epochs: []shadow.Epoch{epoch("orders", "e1", now)}}
	add := func(id string, age time.Duration, bytes int, signatures ...string) {
		e := exemplar("orders", "e1", id, now.Add(-age), signatures...)
		e.Draw = uint32(1000 - len(batch.Exemplars)) // the old ones are kept for their draw
		e.Differences[0].Legacy.Text = strings.Repeat("x", bytes)
		batch.Exemplars = append(batch.Exemplars, e)
	}
	for _, id := range []string{"plenty", "some", "rare", "huge"} {
		batch.Sightings = append(batch.Sightings, sighting("orders", "e1", id, now))
	}
	for i := range 10 {
		add(fmt.Sprint("p", i), time.Duration(10+i)*time.Minute, size, "plenty")
		add(fmt.Sprint("s", i), time.Duration(10+i)*time.Minute, size, "some")
	}
	add("rare1", 2*time.Hour, size, "rare")
	add("huge1", time.Hour, 3<<20, "huge")
	f.gather(batch)
	got := f.of("orders")
	if got.Bytes > quota || got.Bytes < quota-2*size {
		t.Errorf("%d bytes are kept, want nearly %d", got.Bytes, quota)
	}
	equal(t, "of the plentiful the oldest went", []int{len(got.Exemplars["plenty"]), len(got.Exemplars["some"])}, []int{9, 10})
	equal(t, "of the rare none", got.Exemplars["rare"], []string{"rare1"})
	equal(t, "of what is too large", got.Exemplars["huge"], nil)
	equal(t, "the oldest that is left", got.Exemplars["plenty"][8], "p8")
	other := exemplar("orders", "e1", "more", now, "rare")
	other.Differences[0].Legacy.Text = strings.Repeat("y", 900<<10)
	f.gather(shadow.Batch{Exemplars: []shadow.Exemplar{other}})
	got = f.of("orders")
	equal(t, "after more", []int{len(got.Exemplars["plenty"]), len(got.Exemplars["some"]), len(got.Exemplars["rare"])}, []int{7, 7, 2})
	equal(t, "rows", f.rows("shadow_exemplars"), 16)
	if got.Bytes > quota {
		t.Errorf("%d bytes are kept, want %d at most", got.Bytes, quota)
	}
}
