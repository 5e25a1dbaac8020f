package relational

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/shadow"
)

// room is what one epoch has, of what it may have only so many of.
type room struct {
	signatures, sets map[string]bool
}

// rooms are the rooms of several epochs.
type rooms map[place]*room

// readRooms reads the room of every epoch that the batch adds to.
func readRooms(ctx context.Context, tx *sql.Tx, batch shadow.Batch) (rooms, error) {
	all := make(rooms)
	epochs := keys{columns: []string{"route", "epoch"}}
	for _, at := range places(batch) {
		if at = at.in(); all[at] == nil {
			all[at] = &room{signatures: make(map[string]bool), sets: make(map[string]bool)}
			epochs.rows = append(epochs.rows, []any{at.route, at.epoch})
		}
	}
	for table, taken := range map[string]func(*room) map[string]bool{
		"shadow_signatures": func(r *room) map[string]bool { return r.signatures },
		"shadow_sets":       func(r *room) map[string]bool { return r.sets },
	} {
		err := epochs.each(ctx, tx, func(rows *sql.Rows) error {
			var at place
			if err := rows.Scan(&at.route, &at.epoch, &at.id); err != nil {
				return err
			}
			taken(all[at.in()])[at.id] = true
			return nil
		}, "SELECT t.route, t.epoch, t.id FROM "+table+" t JOIN named n ON t.route = n.route AND t.epoch = n.epoch")
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", table, err)
		}
	}
	return all, nil
}

// fit returns what of a batch there is room for. Whoever wrote the same routes
// before is seen, and nobody else does meanwhile: the routes are locked.
func (r rooms) fit(batch shadow.Batch) shadow.Batch {
	fits := shadow.Batch{Epochs: batch.Epochs}
	for _, s := range byFrequency(batch) {
		if r[sightingPlace(s).in()].signature(s.Signature.ID) {
			fits.Sightings = append(fits.Sightings, s)
		}
	}
	slices.SortFunc(fits.Sightings, func(a, b shadow.Sighting) int { return sightingPlace(a).compare(sightingPlace(b)) })
	for _, s := range batch.Sets {
		if r[setPlace(s).in()].set(s) {
			fits.Sets = append(fits.Sets, s)
		}
	}
	for _, t := range batch.Tallies {
		if t, counts := r[tallyPlace(t).in()].tally(t); counts {
			fits.Tallies = append(fits.Tallies, t)
		}
	}
	fits.Tallies = tidyTallies(fits.Tallies)
	for _, e := range batch.Exemplars {
		known := r[exemplarPlace(e).in()].signatures
		e.Signatures = slices.DeleteFunc(slices.Clone(e.Signatures), func(id string) bool { return !known[id] })
		if len(e.Signatures) > 0 {
			fits.Exemplars = append(fits.Exemplars, e)
		}
	}
	return fits
}

// signature reports whether it is there, and lets it in while there is room.
func (r *room) signature(id string) bool {
	if !r.signatures[id] && len(r.signatures) < shadow.MaxSignatures {
		r.signatures[id] = true
	}
	return r.signatures[id]
}

// set does the same for a set, all members of which are there.
func (r *room) set(s shadow.Set) bool {
	outside := func(id string) bool { return !r.signatures[id] }
	if !r.sets[s.ID] && len(r.sets) < shadow.MaxSets && !slices.ContainsFunc(s.Members, outside) {
		r.sets[s.ID] = true
	}
	return r.sets[s.ID]
}

// tally returns what is counted. A comparison is in one set, so it is the set
// that becomes an overflow: its signatures would count it once more.
func (r *room) tally(t shadow.Tally) (shadow.Tally, bool) {
	if id, is := strings.CutPrefix(t.Result, shadow.PrefixSignature); is {
		return t, r.signatures[id]
	}
	if id, is := strings.CutPrefix(t.Result, shadow.PrefixSet); is && !r.sets[id] {
		t.Result = shadow.ResultOverflow
	}
	return t, true
}

// byFrequency sorts a batch's sightings by how often each occurred, the most
// frequent first: those are to find room.
func byFrequency(batch shadow.Batch) []shadow.Sighting {
	occurred := make(map[place]uint64)
	for _, t := range batch.Tallies {
		if id, is := strings.CutPrefix(t.Result, shadow.PrefixSignature); is {
			occurred[place{t.Route, t.Epoch, id}] += t.N
		}
	}
	return slices.SortedStableFunc(slices.Values(batch.Sightings), func(a, b shadow.Sighting) int {
		return cmp.Compare(occurred[sightingPlace(b)], occurred[sightingPlace(a)])
	})
}
