package fleet

import (
	"errors"
	"fmt"
)

// The alarms: the store cannot be a successor of what is served, so what is
// served stays. Every alarm in a Status matches exactly one of them.
var (
	ErrStoreWentBack = errors.New("the store has gone back to an older revision")
	ErrStoreForked   = errors.New("the store has other content under the same revision")
	ErrStoreReplaced = errors.New("the store is not the one whose table is served")
)

// accept is the way out of an alarm.
const accept = "take the store as it is, on each router: stranglerctl doctor --accept-store"

// ErrUnreadable says that a snapshot does not fit together. It is not applied.
var ErrUnreadable = errors.New("unreadable snapshot")

// lineage returns nil when next is current, or may follow it.
func lineage(current, next *Snapshot) error {
	switch {
	case current == nil:
		return nil
	case next.StoreID != current.StoreID:
		return fmt.Errorf("%w: it is store %s, and revision %d of store %s stays in force; point the router at the right database, or "+accept,
			ErrStoreReplaced, next.StoreID, current.Revision, current.StoreID)
	case next.Revision < current.Revision:
		return fmt.Errorf("%w: it is at %d, and %d stays in force; this happens after a fail-over to a replica that lagged or a restored backup: "+
			"bring the store forward, or "+accept,
			ErrStoreWentBack, next.Revision, current.Revision)
	case next.Revision == current.Revision && next.Digest != current.Digest && !sameHistory(current, next):
		return fmt.Errorf("%w: both are %d, and the table in force stays; this happens after a fail-over or a restored backup: "+
			"any change makes a new revision that the router follows, or "+accept,
			ErrStoreForked, next.Revision)
	default:
		return nil
	}
}

// sameHistory reports whether the same event made the revision of both. Then they
// differ because the program that wrote the snapshot file was an older one, and left
// out what it did not know.
func sameHistory(current, next *Snapshot) bool {
	return current.Head != "" && next.Head == current.Head
}

// check reports whether the parts of a snapshot fit together. A snapshot with
// nothing in it does.
func (s *Snapshot) check() error {
	if s.StoreID == "" {
		return fmt.Errorf("%w: it names no store; what is served stays", ErrUnreadable)
	}
	defs := &s.Definitions
	for _, part := range []struct {
		name       string
		have, want int
	}{
		{"backend revisions", len(s.BackendRevisions), len(defs.Backends)},
		{"group revisions", len(s.GroupRevisions), len(defs.Groups)},
		{"webhook revisions", len(s.WebhookRevisions), len(defs.Webhooks)},
		{"route states", len(s.Routes), len(defs.Routes)},
	} {
		if part.have != part.want {
			return fmt.Errorf("%w: %d %s where %d are defined, at revision %d; what is served stays",
				ErrUnreadable, part.have, part.name, part.want, s.Revision)
		}
	}
	return nil
}
