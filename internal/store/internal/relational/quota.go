package relational

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/stranglerfig/strangler/internal/shadow"
)

const (
	// quotaBytes is what the exemplars of one route may take: some 2,000 of 2 KB, and
	// for a hundred routes less than half a gigabyte.
	quotaBytes = 4 << 20
	// exemplarBytes is what one of them may take: larger ones would drive out all
	// others of a route.
	exemplarBytes = quotaBytes / 4
)

// keptExemplar is an exemplar as the quota sees it.
type keptExemplar struct {
	shadow.Exemplar // its ID, At and Signatures
	bytes           int64
}

// keepQuota forgets exemplars of the routes that have too many bytes of them.
func keepQuota(ctx context.Context, tx *sql.Tx, routes []string) error {
	over := make(map[string]int64)
	err := keysOf("route", routes).each(ctx, tx, func(rows *sql.Rows) error {
		var (
			route string
			bytes int64
		)
		err := rows.Scan(&route, &bytes)
		over[route] = bytes - quotaBytes
		return err
	}, fmt.Sprintf(`SELECT e.route, CAST(SUM(e.bytes) AS bigint) FROM shadow_exemplars e JOIN named n ON e.route = n.route
		GROUP BY e.route HAVING SUM(e.bytes) > %d`, quotaBytes))
	if err != nil {
		return fmt.Errorf("measure exemplars: %w", err)
	}
	for _, route := range slices.Sorted(maps.Keys(over)) {
		exemplars, err := readKept(ctx, tx, route)
		if err != nil {
			return err
		}
		if err := forgetExemplars(ctx, tx, surplus(exemplars, over[route])); err != nil {
			return err
		}
	}
	return nil
}

// readKept reads a route's exemplars without their documents, oldest first.
func readKept(ctx context.Context, tx *sql.Tx, route string) ([]keptExemplar, error) {
	var exemplars []keptExemplar
	err := each(ctx, tx, func(rows *sql.Rows) error {
		var (
			id, signature string
			at            instant
			bytes         int64
		)
		err := rows.Scan(&id, &at, &bytes, &signature)
		if last := len(exemplars) - 1; last >= 0 && exemplars[last].ID == id {
			exemplars[last].Signatures = append(exemplars[last].Signatures, signature)
			return err
		}
		exemplars = append(exemplars, keptExemplar{shadow.Exemplar{ID: id, At: at.Time, Signatures: []string{signature}}, bytes})
		return err
	}, `SELECT e.id, e.at, e.bytes, k.signature FROM shadow_exemplars e JOIN shadow_kept k ON k.exemplar = e.id
		WHERE e.route = $1 ORDER BY e.at, e.id`, route)
	if err != nil {
		return nil, fmt.Errorf("read the exemplars of route %q: %w", route, err)
	}
	return exemplars, nil
}

// surplus chooses what is forgotten to make so many bytes free: again and again
// the oldest exemplar of the signature that has most of them, so that rare
// differences keep theirs. The exemplars are sorted, the oldest first.
func surplus(exemplars []keptExemplar, over int64) []string {
	of := make(map[string][]int) // by signature, the indexes of its exemplars
	left := make(map[string]int) // by signature, how many are not chosen
	for i, e := range exemplars {
		for _, id := range e.Signatures {
			of[id] = append(of[id], i)
			left[id]++
		}
	}
	signatures := slices.Sorted(maps.Keys(of))
	chosen := make(map[int]bool)
	var ids []string
	for over > 0 && len(ids) < len(exemplars) {
		most := slices.MaxFunc(signatures, func(a, b string) int { return cmp.Compare(left[a], left[b]) })
		for chosen[of[most][0]] {
			of[most] = of[most][1:]
		}
		e := exemplars[of[most][0]]
		chosen[of[most][0]] = true
		ids, over = append(ids, e.ID), over-e.bytes
		for _, id := range e.Signatures {
			left[id]--
		}
	}
	return ids
}
