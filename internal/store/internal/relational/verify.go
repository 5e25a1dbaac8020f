package relational

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// errBroken ends the reading of a chain at its first wrong row.
var errBroken = errors.New("the chain is broken")

// VerifyEvents follows the chain of hashes through every event, in order, and
// at its end holds it to what the store's own row says. A row that was changed,
// added, removed or moved behind the store's back breaks it; a chain that was
// written anew from some row on, to its end, does not: only a hash noted
// elsewhere tells.
func (d *DB) VerifyEvents(ctx context.Context) (rollout.Verification, error) {
	var found rollout.Verification
	err := d.bounded(ctx, longest, func(ctx context.Context) error {
		tx, err := d.reads.BeginTx(ctx, &d.dialect.Snapshot)
		if err != nil {
			return fmt.Errorf("start reading: %w", err)
		}
		defer func() { _ = tx.Rollback() }()
		found, err = verify(ctx, tx)
		return err
	})
	if err != nil {
		return rollout.Verification{}, fmt.Errorf("verify the history: %w", err)
	}
	return found, nil
}

func verify(ctx context.Context, tx *sql.Tx) (rollout.Verification, error) {
	newest, err := readHead(ctx, tx, "")
	if err != nil {
		return rollout.Verification{}, err
	}
	v := verifier{previous: head{id: newest.id}.link()}
	err = each(ctx, tx, v.row, `SELECT id, revision, verb, kind, subject, actor, cause, reason,
		before, after, evidence, at, prev_hash, hash FROM events ORDER BY id`)
	if err != nil && !errors.Is(err, errBroken) {
		return rollout.Verification{}, fmt.Errorf("read events: %w", err)
	}
	v.end(newest)
	v.found.Head = hex.EncodeToString(v.previous)
	return v.found, nil
}

// verifier follows a chain, row by row.
type verifier struct {
	previous []byte // hash of the last row that is right
	found    rollout.Verification
}

func (v *verifier) row(rows *sql.Rows) error {
	var (
		e                       rollout.Event
		before, after, evidence document
		at                      instant
		previous, hash          []byte
	)
	next := v.found.Events + 1
	err := rows.Scan(&e.ID, &e.Revision, &e.Verb, &e.Kind, &e.Subject, &e.Actor, &e.Cause, &e.Reason,
		&before, &after, &evidence, &at, &previous, &hash)
	if lost := rows.Err(); lost != nil {
		return lost // the connection broke, or nobody waits any more
	}
	if err != nil {
		return v.broken(next, "it holds what no event can")
	}
	e.Before, e.After, e.Evidence = json.RawMessage(before), json.RawMessage(after), json.RawMessage(evidence)
	e.At = at.Time
	switch {
	case e.ID != next:
		return v.broken(next, fmt.Sprintf("the event is missing: the next one is %d", e.ID))
	case !bytes.Equal(previous, v.previous):
		return v.broken(e.ID, "it does not follow the event before it")
	case !bytes.Equal(hash, Hash(previous, e)):
		return v.broken(e.ID, "its content is not what was written")
	}
	v.previous, v.found.Events = hash, next
	return nil
}

// end holds the chain's end to the store's row.
func (v *verifier) end(newest head) {
	if v.found.Broken != nil {
		return
	}
	switch {
	case v.found.Events < newest.eventID:
		_ = v.broken(v.found.Events+1, fmt.Sprintf("the event is missing: the store has written %d", newest.eventID))
	case v.found.Events > newest.eventID:
		_ = v.broken(newest.eventID+1, "the store has not written it")
	case !bytes.Equal(v.previous, newest.link()):
		_ = v.broken(newest.eventID, "its hash is not the one that the store noted")
	}
}

func (v *verifier) broken(id int64, why string) error {
	v.found.Broken = &rollout.BrokenEvent{ID: id, Why: why}
	return errBroken
}
