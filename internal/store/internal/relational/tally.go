package relational

import (
	"context"
	"database/sql"

	"github.com/stranglerfig/strangler/internal/shadow"
)

// addTallies makes an insertion an addition to what is there.
const addTallies = `ON CONFLICT (route, epoch, result, minute) DO UPDATE SET n = shadow_tallies.n + excluded.n`

func putTallies(ctx context.Context, tx *sql.Tx, tallies []shadow.Tally, minute int64) error {
	rows := make([][]any, len(tallies))
	for i, t := range tallies {
		rows[i] = []any{t.Route, minute, t.Epoch, t.Result, int64(t.N)}
	}
	return insert(ctx, tx, "shadow_tallies", []string{"route", "minute", "epoch", "result", "n"}, rows, addTallies)
}
