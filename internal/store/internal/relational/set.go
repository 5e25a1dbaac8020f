package relational

import (
	"context"
	"database/sql"
	"strings"

	"github.com/stranglerfig/strangler/internal/shadow"
)

func putSets(ctx context.Context, tx *sql.Tx, sets []shadow.Set) error {
	rows := make([][]any, len(sets))
	for i, s := range sets {
		rows[i] = []any{s.Route, s.Epoch, s.ID, strings.Join(s.Members, ",")}
	}
	return insert(ctx, tx, "shadow_sets", []string{"route", "epoch", "id", "members"}, rows, "ON CONFLICT (route, epoch, id) DO NOTHING")
}

func scanSet(rows *sql.Rows) (shadow.Set, error) {
	var (
		s       shadow.Set
		members string
	)
	err := rows.Scan(&s.Route, &s.Epoch, &s.ID, &members)
	s.Members = strings.Split(members, ",")
	return s, err
}
