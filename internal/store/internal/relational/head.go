package relational

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/stranglerfig/strangler/internal/routing"
)

// errNoStore is a database whose one row is gone: not empty, but broken.
var errNoStore = errors.New("table store has lost its row: restore it from a backup, or start with an empty database")

// head is the one row of table store: who it is and how far its history goes.
type head struct {
	id           string
	revision     routing.Revision
	definitions  routing.Revision // of the last change to any definition
	revisionHash []byte           // of the last event of revision; empty at revision 0
	eventID      int64            // of the newest event
	eventHash    []byte           // of the newest event; empty when there is none
}

func readHead(ctx context.Context, tx *sql.Tx, lock string) (head, error) {
	var h head
	row := tx.QueryRowContext(ctx, `SELECT id, revision, definitions_revision, revision_hash, event_id, event_hash FROM store`+lock)
	err := row.Scan(&h.id, &h.revision, &h.definitions, &h.revisionHash, &h.eventID, &h.eventHash)
	if errors.Is(err, sql.ErrNoRows) {
		return head{}, errNoStore
	}
	if err != nil {
		return head{}, fmt.Errorf("read the store's row: %w", err)
	}
	return h, nil
}

func (h head) write(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `UPDATE store SET revision = $1, definitions_revision = $2,
		revision_hash = $3, event_id = $4, event_hash = $5`,
		h.revision, h.definitions, append([]byte{}, h.revisionHash...), h.eventID, h.eventHash) // empty, never NULL
	if err != nil {
		return fmt.Errorf("write the store's row: %w", err)
	}
	return nil
}

// name is what fleet.Snapshot.Head holds of this revision.
func (h head) name() string {
	return hex.EncodeToString(h.revisionHash)
}

// link is what the next event hashes as its predecessor. The first event's
// predecessor is the store itself, so that two stores never share a chain.
func (h head) link() []byte {
	if len(h.eventHash) > 0 {
		return h.eventHash
	}
	genesis := sha256.Sum256([]byte(h.id))
	return genesis[:]
}
