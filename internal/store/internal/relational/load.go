package relational

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/spec"
)

// Load implements fleet.Source. It reads one row when nothing changed, the
// changed routes when only states did, and everything otherwise.
func (d *DB) Load(ctx context.Context, known *fleet.Snapshot) (*fleet.Snapshot, error) {
	var loaded *fleet.Snapshot
	err := d.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		found, err := readHead(ctx, tx, "")
		if err != nil {
			return err
		}
		if same(known, found) {
			loaded = known
			return nil
		}
		shared, err := continues(ctx, tx, known, found)
		switch {
		case err != nil:
			return err
		case shared:
			loaded, err = d.loadRoutes(ctx, tx, known, found)
		default:
			loaded, err = d.loadAll(ctx, tx, found)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return loaded, nil
}

// same compares the head too: after a failover to a replica that lagged behind,
// another history may have come to the same number.
func same(known *fleet.Snapshot, found head) bool {
	return known != nil && known.StoreID == found.id && known.Revision == found.revision && known.Head == found.name()
}

// unnumbered are the verbs whose events spend no revision of their own, because
// no table changes: they carry the one that was in force.
const unnumbered = `('token_create', 'token_revoke', 'override_create', 'override_rotate', 'store_accept', 'login_denied')`

// continues reports whether found is a later revision in the history of known,
// with the same definitions.
func continues(ctx context.Context, tx *sql.Tx, known *fleet.Snapshot, found head) (bool, error) {
	if known == nil || known.StoreID != found.id || known.Revision == 0 ||
		known.Revision >= found.revision || known.DefinitionsRevision != found.definitions {
		return false, nil
	}
	var hash []byte
	err := tx.QueryRowContext(ctx, `SELECT hash FROM events WHERE revision = $1 AND verb NOT IN `+unnumbered+` ORDER BY id DESC LIMIT 1`,
		known.Revision).Scan(&hash)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the event of revision %d: %w", known.Revision, err)
	}
	return hex.EncodeToString(hash) == known.Head, nil
}

func snapshot(found head) *fleet.Snapshot {
	return &fleet.Snapshot{
		StoreID: found.id, Revision: found.revision, Head: found.name(),
		DefinitionsRevision: found.definitions, ReadAt: time.Now().UTC(),
	}
}

func (d *DB) loadAll(ctx context.Context, tx *sql.Tx, found head) (*fleet.Snapshot, error) {
	rows, err := readCatalog(ctx, tx)
	if err != nil {
		return nil, err
	}
	s := snapshot(found)
	s.Definitions = rows.definitions(d.logger)
	s.BackendRevisions = revisions(rows.backends)
	s.GroupRevisions = revisions(rows.groups)
	s.WebhookRevisions = revisions(rows.webhooks)
	s.Routes = make([]fleet.RouteState, len(rows.routes))
	for i, r := range rows.routes {
		s.Routes[i] = r.routeState()
	}
	if s.RevokedOverrides, err = selectRevoked(ctx, tx); err != nil {
		return nil, err
	}
	if s.Controls, err = d.selectControls(ctx, tx); err != nil {
		return nil, err
	}
	s.Seal()
	return s, nil
}

// loadRoutes reads the states that changed since known, the revocations and the
// controls, and shares the rest.
func (d *DB) loadRoutes(ctx context.Context, tx *sql.Tx, known *fleet.Snapshot, found head) (*fleet.Snapshot, error) {
	changed, err := selectRoutes(ctx, tx, "WHERE revision > $1", known.Revision)
	if err != nil {
		return nil, err
	}
	s := snapshot(found)
	s.Definitions, s.DefinitionsDigest = known.Definitions, known.DefinitionsDigest
	s.BackendRevisions, s.GroupRevisions, s.WebhookRevisions = known.BackendRevisions, known.GroupRevisions, known.WebhookRevisions
	s.Routes = slices.Clone(known.Routes)
	for _, r := range changed {
		i, defined := slices.BinarySearchFunc(s.Definitions.Routes, r.name, func(route spec.Route, name string) int {
			return strings.Compare(route.Name, name)
		})
		if !defined {
			return nil, fmt.Errorf("route %q changed at revision %d without being defined at %d", r.name, r.revision, known.DefinitionsRevision)
		}
		s.Routes[i] = r.routeState()
	}
	if s.RevokedOverrides, err = selectRevoked(ctx, tx); err != nil {
		return nil, err
	}
	if s.Controls, err = d.selectControls(ctx, tx); err != nil {
		return nil, err
	}
	s.Seal()
	return s, nil
}
