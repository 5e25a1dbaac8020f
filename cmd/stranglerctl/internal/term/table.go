package term

import (
	"io"
	"strings"
	"unicode/utf8"
)

// Cell is one field of a table: text from anywhere, and how it is set apart.
type Cell struct {
	Text   string
	Colour Colour
}

// Cells makes plain cells of texts.
func Cells(texts ...string) []Cell {
	row := make([]Cell, len(texts))
	for i, text := range texts {
		row[i] = Cell{Text: text}
	}
	return row
}

// Table is rows in aligned columns under a heading.
type Table struct {
	Heading []string
	Rows    [][]Cell
}

// Add appends a row.
func (t *Table) Add(row ...Cell) { t.Rows = append(t.Rows, row) }

// Write prints the table, two spaces between columns and none at a line's end.
// Empty cells are a dash, so that every column can be cut out by its number.
func (t *Table) Write(w io.Writer, palette Palette) error {
	rows := make([][]Cell, 0, len(t.Rows)+1)
	heading := Cells(t.Heading...)
	for i := range heading {
		heading[i].Colour = Faint
	}
	rows = append(append(rows, heading), t.Rows...)
	widths := columnWidths(rows)
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			text := shown(cell)
			b.WriteString(string(palette.Paint(cell.Colour, text)))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+2))
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func columnWidths(rows [][]Cell) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(shown(cell)))
		}
	}
	return widths
}

func shown(cell Cell) string {
	if cell.Text == "" {
		return "-"
	}
	return Safe(cell.Text)
}
