package storetest

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/store/internal/relational"
)

func testEvents(t *testing.T, backend Backend) {
	for name, test := range map[string]func(*testing.T, Backend){
		"are selected, newest first":     eventsQuery,
		"form a chain":                   eventsChain,
		"are verified to the end":        eventsVerified,
		"show what was done to them":     eventsTampered,
		"cannot be changed or removed":   eventsImmutable,
		"hash as the documentation says": eventsVector,
	} {
		t.Run(name, func(t *testing.T) { test(t, backend) })
	}
}

func ids(events []rollout.Event) []int64 {
	var out []int64
	for _, e := range events {
		out = append(out, e.ID)
	}
	return out
}

func eventsQuery(t *testing.T, backend Backend) {
	f := applied(t, backend) // events 1–6
	for i := range 60 {
		f.move([]string{"cart", "orders-get"}[i%2], at(100))
	}
	equal(t, "of one route", ids(f.events(rollout.EventQuery{Kind: "route", Subject: "cart", Limit: 3})), []int64{65, 63, 61})
	equal(t, "older than one", ids(f.events(rollout.EventQuery{Before: 10, Limit: 2})), []int64{9, 8})
	equal(t, "of one kind", ids(f.events(rollout.EventQuery{Kind: "backend"})), []int64{2, 1})
	equal(t, "up to a revision", ids(f.events(rollout.EventQuery{Kind: "route", Subject: "cart", UpTo: 4})), []int64{9, 7, 4})
	equal(t, "newer than one, oldest first", ids(f.events(rollout.EventQuery{After: 6, Limit: 3})), []int64{7, 8, 9})
	equal(t, "of one route, newer than one", ids(f.events(rollout.EventQuery{Kind: "route", Subject: "cart", After: 61, Before: 65})), []int64{63})
	equal(t, "the oldest first", ids(f.events(rollout.EventQuery{Oldest: true, Limit: 2})), []int64{1, 2})
	equal(t, "newer than the newest", ids(f.events(rollout.EventQuery{After: 66})), nil)
	equal(t, "of nobody", ids(f.events(rollout.EventQuery{Subject: "nobody"})), nil)
	if all := f.events(rollout.EventQuery{}); len(all) != 50 || all[0].ID != 66 {
		t.Errorf("%d events from %d, want the newest 50 from 66", len(all), all[0].ID)
	}
	if all := f.events(rollout.EventQuery{Limit: 1000}); len(all) != 66 {
		t.Errorf("%d events, want all 66", len(all))
	}
}

func eventsChain(t *testing.T, backend Backend) {
	f := applied(t, backend)
	f.move("cart", at(100))
	f.createToken("t1")
	f.move("orders-get", at(200))
	events := f.events(rollout.EventQuery{Limit: 100})
	byID := make(map[int64]rollout.Event, len(events))
	for _, e := range events {
		byID[e.ID] = e
	}
	snapshot := f.load(nil)
	genesis := sha256.Sum256([]byte(snapshot.StoreID))
	previous := genesis[:]
	links := 0
	f.links(func(id int64, prev, hash []byte) {
		links++
		if hex.EncodeToString(prev) != hex.EncodeToString(previous) {
			t.Errorf("event %d follows %x, want %x", id, prev, previous)
		}
		if want := relational.Hash(previous, byID[id]); hex.EncodeToString(hash) != hex.EncodeToString(want) {
			t.Errorf("event %d has hash %x, want %x", id, hash, want)
		}
		previous = hash
	})
	if links != 9 || snapshot.Head != hex.EncodeToString(previous) {
		t.Errorf("%d links to %x, want 9 to the snapshot's head %s", links, previous, snapshot.Head)
	}
}

// links reads the chain as it is stored.
func (f *fixture) links(visit func(id int64, prev, hash []byte)) {
	f.t.Helper()
	rows, err := f.backend.DB(f.t, f.url).QueryContext(f.t.Context(), "SELECT id, prev_hash, hash FROM events ORDER BY id")
	if err != nil {
		f.t.Fatal(err)
	}
	defer func(rows *sql.Rows) { _ = rows.Close() }(rows)
	for rows.Next() {
		var id int64
		var prev, hash []byte
		if err := rows.Scan(&id, &prev, &hash); err != nil {
			f.t.Fatal(err)
		}
		visit(id, prev, hash)
	}
	if err := rows.Err(); err != nil {
		f.t.Fatal(err)
	}
}

func eventsImmutable(t *testing.T, backend Backend) {
	f := applied(t, backend)
	before := f.events(rollout.EventQuery{})
	for _, statement := range []string{"UPDATE events SET actor = 'eve'", "DELETE FROM events WHERE id = 1"} {
		if err := f.behind(statement); err == nil || !strings.Contains(err.Error(), "events are immutable") {
			t.Errorf("%s: %v, want a refusal", statement, err)
		}
	}
	equal(t, "events", f.events(rollout.EventQuery{}), before)
}

// eventsVector holds Hash to a value computed by hand from its description.
func eventsVector(t *testing.T, _ Backend) {
	part := func(text string) string { return "\x00\x00\x00" + string(rune(len(text))) + text }
	sum := sha256.Sum256([]byte("before" + part("7") + part("3") + part("promote") + part("route") + part("cart") +
		part("ana") + part("operator") + part("why") + part(`{"a":1}`) + part("") + part("") + part("2026-01-02T03:04:05.000006Z")))
	got := relational.Hash([]byte("before"), rollout.Event{
		ID: 7, Revision: 3, Verb: rollout.VerbPromote, Kind: "route", Subject: "cart", Actor: "ana",
		Cause: rollout.CauseOperator, Reason: "why", Before: []byte(`{"a":1}`), At: moment,
	})
	equal(t, "hash", hex.EncodeToString(got), hex.EncodeToString(sum[:]))
}
