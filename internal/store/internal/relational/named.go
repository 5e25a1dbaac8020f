package relational

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// manyKeys is how many rows of keys one statement is given.
const manyKeys = 100

// keys are rows that a statement finds others by: a table "named" with these
// columns. A column that is no text says what it is: "since bigint".
type keys struct {
	columns []string
	rows    [][]any
}

// each runs scan on every row that query finds, which reads of named.
func (k keys) each(ctx context.Context, tx *sql.Tx, scan func(*sql.Rows) error, query string) error {
	for part := range slices.Chunk(k.rows, manyKeys) {
		if err := each(ctx, tx, scan, k.table(len(part))+query, slices.Concat(part...)...); err != nil {
			return err
		}
	}
	return nil
}

// exec runs a statement that reads of named.
func (k keys) exec(ctx context.Context, tx *sql.Tx, statement string) error {
	for part := range slices.Chunk(k.rows, manyKeys) {
		if _, err := tx.ExecContext(ctx, k.table(len(part))+statement, slices.Concat(part...)...); err != nil {
			return err
		}
	}
	return nil
}

// table is named as a common table expression, of so many rows.
func (k keys) table(rows int) string {
	names, kinds := make([]string, len(k.columns)), make([]string, len(k.columns))
	for i, column := range k.columns {
		name, kind, found := strings.Cut(column, " ")
		if !found {
			kind = "text"
		}
		names[i], kinds[i] = name, kind
	}
	values := make([]string, rows)
	for r := range values {
		cells := make([]string, len(kinds))
		for i, kind := range kinds {
			cells[i] = fmt.Sprintf("CAST($%d AS %s)", r*len(kinds)+i+1, kind)
		}
		values[r] = "(" + strings.Join(cells, ", ") + ")"
	}
	return fmt.Sprintf("WITH named (%s) AS (VALUES %s) ", strings.Join(names, ", "), strings.Join(values, ", "))
}

// keysOf makes keys of one column.
func keysOf(column string, ids []string) keys {
	k := keys{columns: []string{column}, rows: make([][]any, len(ids))}
	for i, id := range ids {
		k.rows[i] = []any{id}
	}
	return k
}
