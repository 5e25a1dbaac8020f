package relational

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
)

// place is where a piece of evidence belongs.
type place struct {
	route, epoch string
	id           string // of a signature, a set or an exemplar, or a result; empty: the epoch itself
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.route, q.route), cmp.Compare(p.epoch, q.epoch), cmp.Compare(p.id, q.id))
}

// in is the epoch that a place belongs to.
func (p place) in() place { return place{route: p.route, epoch: p.epoch} }

// AddEvidence implements shadow.Sink. It takes no part in the order of changes,
// and a verb does not wait for it but on SQLite, for one short transaction.
func (d *DB) AddEvidence(ctx context.Context, batch shadow.Batch) error {
	batch = tidy(batch)
	routes := routesOf(batch)
	if len(routes) == 0 {
		return nil
	}
	if err := checkEvidence(batch); err != nil {
		return err
	}
	written, err := describeExemplars(batch.Exemplars)
	if err != nil {
		return err
	}
	return d.gathering(ctx, func(ctx context.Context, tx *sql.Tx, at time.Time) error {
		if err := lockRoutes(ctx, tx, routes, at); err != nil {
			return err
		}
		holdBack(batch, at)
		if err := putEpochs(ctx, tx, batch.Epochs); err != nil {
			return err
		}
		rooms, err := readRooms(ctx, tx, batch)
		if err != nil {
			return err
		}
		fits := rooms.fit(batch)
		if err := putTallies(ctx, tx, fits.Tallies, minuteOf(at)); err != nil {
			return err
		}
		if err := putSightings(ctx, tx, fits.Sightings); err != nil {
			return err
		}
		if err := putSets(ctx, tx, fits.Sets); err != nil {
			return err
		}
		if err := putExemplars(ctx, tx, fits.Exemplars, written); err != nil {
			return err
		}
		return forgetEpochsBeyond(ctx, tx, routesOf(shadow.Batch{Epochs: batch.Epochs}))
	})
}

// gathering runs fn in a transaction that writes evidence.
func (d *DB) gathering(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx, at time.Time) error) error {
	return d.adding(ctx, addition{"evidence", shadow.ErrUncertain}, fn)
}

// lockRoutes makes whoever writes evidence of one of these routes wait until the
// transaction ends. All lock in the same order, so that nobody waits in a circle.
func lockRoutes(ctx context.Context, tx *sql.Tx, routes []string, at time.Time) error {
	rows := make([][]any, len(routes))
	for i, route := range routes {
		rows[i] = []any{route, at}
	}
	return insert(ctx, tx, "shadow_routes", []string{"route", "written_at"}, rows,
		"ON CONFLICT (route) DO UPDATE SET written_at = excluded.written_at")
}

// holdBack takes what lies ahead of the store's clock for now. A router whose
// clock is ahead would else have the newest exemplars, and an epoch that stays
// the current one, until the others' clocks come to where its own was.
func holdBack(batch shadow.Batch, at time.Time) {
	for i := range batch.Epochs {
		e := &batch.Epochs[i]
		e.Began, e.Last = earlier(e.Began, at), earlier(e.Last, at)
	}
	for i := range batch.Sightings {
		s := &batch.Sightings[i]
		s.First, s.Last = earlier(s.First, at), earlier(s.Last, at)
	}
	for i := range batch.Exemplars {
		batch.Exemplars[i].At = earlier(batch.Exemplars[i].At, at)
	}
}

// tidy returns the batch in order, with nothing in it twice: one statement must
// not write a row twice.
func tidy(batch shadow.Batch) shadow.Batch {
	return shadow.Batch{
		Epochs: unique(batch.Epochs, epochPlace, func(a, b shadow.Epoch) shadow.Epoch {
			a.Began, a.Last = earlier(a.Began, b.Began), later(a.Last, b.Last)
			return a
		}),
		Tallies: tidyTallies(batch.Tallies),
		Sightings: unique(batch.Sightings, sightingPlace, func(a, b shadow.Sighting) shadow.Sighting {
			a.First, a.Last = earlier(firstOf(a), firstOf(b)), later(a.Last, b.Last)
			a.Pairs.Both, a.Pairs.New, a.Pairs.Legacy = a.Pairs.Both+b.Pairs.Both, a.Pairs.New+b.Pairs.New, a.Pairs.Legacy+b.Pairs.Legacy
			a.Confirmed, a.Transient = a.Confirmed+b.Confirmed, a.Transient+b.Transient
			return a
		}),
		Sets:      unique(batch.Sets, setPlace, func(a, _ shadow.Set) shadow.Set { return a }),
		Exemplars: unique(batch.Exemplars, exemplarPlace, func(a, _ shadow.Exemplar) shadow.Exemplar { return a }),
	}
}

func tidyTallies(tallies []shadow.Tally) []shadow.Tally {
	return unique(tallies, tallyPlace, func(a, b shadow.Tally) shadow.Tally {
		a.N += b.N
		return a
	})
}

func epochPlace(e shadow.Epoch) place       { return place{e.Route, e.ID, ""} }
func tallyPlace(t shadow.Tally) place       { return place{t.Route, t.Epoch, t.Result} }
func sightingPlace(s shadow.Sighting) place { return place{s.Route, s.Epoch, s.Signature.ID} }
func setPlace(s shadow.Set) place           { return place{s.Route, s.Epoch, s.ID} }
func exemplarPlace(e shadow.Exemplar) place { return place{e.Route, e.Epoch, e.ID} }

// unique joins what belongs to the same place, and sorts by it.
func unique[T any](items []T, where func(T) place, join func(a, b T) T) []T {
	by := make(map[place]T, len(items))
	for _, item := range items {
		at := where(item)
		if other, taken := by[at]; taken {
			item = join(other, item)
		}
		by[at] = item
	}
	sorted := make([]T, 0, len(by))
	for _, at := range slices.SortedFunc(maps.Keys(by), place.compare) {
		sorted = append(sorted, by[at])
	}
	return sorted
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// places are where the parts of a batch belong, in no order.
func places(batch shadow.Batch) []place {
	var found []place
	for _, e := range batch.Epochs {
		found = append(found, epochPlace(e))
	}
	for _, t := range batch.Tallies {
		found = append(found, tallyPlace(t))
	}
	for _, s := range batch.Sightings {
		found = append(found, sightingPlace(s))
	}
	for _, s := range batch.Sets {
		found = append(found, setPlace(s))
	}
	for _, e := range batch.Exemplars {
		found = append(found, exemplarPlace(e))
	}
	return found
}

// routesOf are the routes of a batch, sorted.
func routesOf(batch shadow.Batch) []string {
	routes := make(map[string]bool)
	for _, at := range places(batch) {
		routes[at.route] = true
	}
	return slices.Sorted(maps.Keys(routes))
}

// checkEvidence refuses names that PostgreSQL cannot keep. Whatever else comes
// from outside is kept as JSON.
func checkEvidence(batch shadow.Batch) error {
	for _, at := range places(batch) {
		if err := checkText(field{"route", at.route}, field{"epoch", at.epoch}, field{"id", at.id}); err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
	}
	for _, e := range batch.Epochs {
		if err := checkText(field{"rules", e.Rules}); err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
	}
	return nil
}
