package relational

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// chunk is how many rows go into one statement. More save little, and SQLite
// looks each parameter up among all that came before it.
const chunk = 25

// insert writes rows in few statements. suffix is what follows the values, such
// as ON CONFLICT.
func insert(ctx context.Context, tx *sql.Tx, table string, columns []string, rows [][]any, suffix string) error {
	whole := len(rows) / chunk * chunk
	for _, part := range [][][]any{rows[:whole], rows[whole:]} {
		if err := insertEvenly(ctx, tx, insertion(table, columns, min(chunk, len(part)), suffix), part); err != nil {
			return fmt.Errorf("write %s: %w", table, err)
		}
	}
	return nil
}

// insertEvenly runs one statement until no rows are left: their number is a
// multiple of what the statement takes, or it takes all.
func insertEvenly(ctx context.Context, tx *sql.Tx, query string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	statement, err := tx.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = statement.Close() }()
	for part := range slices.Chunk(rows, chunk) {
		if _, err := statement.ExecContext(ctx, slices.Concat(part...)...); err != nil {
			return err
		}
	}
	return nil
}

func insertion(table string, columns []string, rows int, suffix string) string {
	values := make([]string, rows)
	for i := range values {
		values[i] = placeholders(i*len(columns), len(columns))
	}
	return fmt.Sprintf("INSERT INTO %s (%s) VALUES %s %s", table, strings.Join(columns, ", "), strings.Join(values, ", "), suffix)
}

// placeholders writes "($4, $5)" for two parameters after the third.
func placeholders(after, count int) string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("$%d", after+i+1)
	}
	return "(" + strings.Join(names, ", ") + ")"
}
