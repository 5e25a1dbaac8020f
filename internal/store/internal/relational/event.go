package relational

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"strconv"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// newestEvents is how many events a query returns that does not say.
const newestEvents = 50

// eventColumns are the columns of table events, in the order of chained.row.
var eventColumns = []string{
	"id", "revision", "verb", "kind", "subject", "actor", "cause", "reason",
	"before", "after", "evidence", "at", "prev_hash", "hash",
}

// chained is an event with its place in the chain.
type chained struct {
	event    rollout.Event
	previous []byte
	hash     []byte
}

// newChained brings the event into the form that is stored, and links it.
func newChained(previous []byte, event rollout.Event) (chained, error) {
	err := checkText(
		field{"verb", string(event.Verb)}, field{"kind", event.Kind}, field{"name", event.Subject},
		field{"actor", event.Actor}, field{"cause", string(event.Cause)}, field{"reason", event.Reason})
	if err != nil {
		return chained{}, err
	}
	for name, raw := range map[string]*json.RawMessage{
		"before": &event.Before, "after": &event.After, "evidence": &event.Evidence,
	} {
		if *raw, err = compacted(*raw); err != nil {
			return chained{}, fmt.Errorf("%s of the event about %s %q: %w", name, event.Kind, event.Subject, err)
		}
	}
	return chained{event: event, previous: previous, hash: Hash(previous, event)}, nil
}

func (c chained) row() []any {
	e := c.event
	return []any{
		e.ID, e.Revision, string(e.Verb), e.Kind, e.Subject, e.Actor, string(e.Cause), e.Reason,
		jsonOrNull(e.Before), jsonOrNull(e.After), jsonOrNull(e.Evidence), kept(e.At), c.previous, c.hash,
	}
}

// Hash is what an event's row keeps as its hash, and the next row as prev_hash:
// SHA-256 over the predecessor's hash and then, in this order, id, revision,
// verb, kind, subject, actor, cause, reason, before, after, evidence and at.
// Each of these is preceded by its length in bytes as four big-endian bytes.
// Numbers are decimal; JSON is the stored text, and empty where it is NULL; at
// is RFC 3339 in UTC with six decimals. The first event's predecessor is the
// SHA-256 of the store's id.
func Hash(previous []byte, e rollout.Event) []byte {
	sum := sha256.New()
	sum.Write(previous)
	for _, part := range []string{
		strconv.FormatInt(e.ID, 10), strconv.FormatInt(int64(e.Revision), 10),
		string(e.Verb), e.Kind, e.Subject, e.Actor, string(e.Cause), e.Reason,
		string(e.Before), string(e.After), string(e.Evidence),
		e.At.UTC().Format("2006-01-02T15:04:05.000000Z07:00"),
	} {
		writePart(sum, part)
	}
	return sum.Sum(nil)
}

func writePart(sum hash.Hash, part string) {
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(part)))
	sum.Write(length[:])
	sum.Write([]byte(part))
}

// Events returns the events that query selects, newest first; with After or Oldest,
// oldest first.
func (d *DB) Events(ctx context.Context, query rollout.EventQuery) ([]rollout.Event, error) {
	if !keepable(query.Kind) || !keepable(query.Subject) {
		return nil, nil // no event can be about it
	}
	where, args := conditions(query)
	limit := query.Limit
	if limit <= 0 {
		limit = newestEvents
	}
	order := " ORDER BY id DESC LIMIT "
	if query.After > 0 || query.Oldest {
		order = " ORDER BY id LIMIT "
	}
	var events []rollout.Event
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		events, err = selectEvents(ctx, tx, where+order+strconv.Itoa(limit), args...)
		return err
	})
	return events, err
}

func conditions(query rollout.EventQuery) (where string, args []any) {
	var terms []string
	add := func(term string, arg any) {
		args = append(args, arg)
		terms = append(terms, term+" $"+strconv.Itoa(len(args)))
	}
	switch {
	case query.Kind != "" && len(query.AlsoKinds) > 0:
		terms = append(terms, "kind IN "+placeholders(0, 1+len(query.AlsoKinds)))
		args = append(args, query.Kind)
		for _, kind := range query.AlsoKinds {
			args = append(args, kind)
		}
	case query.Kind != "":
		add("kind =", query.Kind)
	}
	if query.Subject != "" {
		add("subject =", query.Subject)
	}
	if query.Before > 0 {
		add("id <", query.Before)
	}
	if query.After > 0 {
		add("id >", query.After)
	}
	if query.UpTo > 0 {
		add("revision <=", query.UpTo)
	}
	if len(terms) == 0 {
		return "", nil
	}
	return "WHERE " + strings.Join(terms, " AND "), args
}

func selectEvents(ctx context.Context, tx *sql.Tx, rest string, args ...any) ([]rollout.Event, error) {
	var events []rollout.Event
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var (
			e                       rollout.Event
			before, after, evidence document
			at                      instant
		)
		err := rows.Scan(&e.ID, &e.Revision, &e.Verb, &e.Kind, &e.Subject, &e.Actor, &e.Cause, &e.Reason,
			&before, &after, &evidence, &at)
		e.Before, e.After, e.Evidence = json.RawMessage(before), json.RawMessage(after), json.RawMessage(evidence)
		e.At = at.Time
		events = append(events, e)
		return err
	}, `SELECT id, revision, verb, kind, subject, actor, cause, reason, before, after, evidence, at FROM events `+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return events, nil
}

// controlVerbs are the verbs about a backend that leave its definition alone.
const controlVerbs = `('backend_drain', 'backend_ready')`

// lastWord says who changed an object last, and when: nobody, at the zero time,
// when its history is empty.
func lastWord(ctx context.Context, tx *sql.Tx, kind, name string) (by string, at time.Time, err error) {
	if !keepable(name) {
		return "nobody", time.Time{}, nil
	}
	events, err := selectEvents(ctx, tx, "WHERE kind = $1 AND subject = $2 AND verb NOT IN "+controlVerbs+" ORDER BY id DESC LIMIT 1", kind, name)
	if err != nil || len(events) == 0 {
		return "nobody", time.Time{}, err
	}
	return events[0].Actor, events[0].At, nil
}
