package relational

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// chunk is how many rows go into one statement. More save little, and SQLite
// looks each parameter up among all that came before it.
const chunk = 25

// insert writes rows in few statements. suffix is what follows the values, such
// as ON CONFLICT.
func insert(ctx context.Context, tx *sql.Tx, table string, columns []string, rows [][]any, suffix string) error {
	for len(rows) > 0 {
		part := rows[:min(chunk, len(rows))]
		rows = rows[len(part):]
		query, args := insertion(table, columns, part, suffix)
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return fmt.Errorf("write %s: %w", table, err)
		}
	}
	return nil
}

func insertion(table string, columns []string, rows [][]any, suffix string) (query string, args []any) {
	var text strings.Builder
	fmt.Fprintf(&text, "INSERT INTO %s (%s) VALUES ", table, strings.Join(columns, ", "))
	for i, row := range rows {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(placeholders(len(args), len(row)))
		args = append(args, row...)
	}
	text.WriteString(" " + suffix)
	return text.String(), args
}

// placeholders writes "($4, $5)" for two parameters after the third.
func placeholders(after, count int) string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("$%d", after+i+1)
	}
	return "(" + strings.Join(names, ", ") + ")"
}
