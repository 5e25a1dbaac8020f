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
// Cells are shortened to fit the table into width characters, if that is
// possible; 0 leaves them whole.
func (t *Table) Write(w io.Writer, palette Palette, width int) error {
	rows := make([][]Cell, 0, len(t.Rows)+1)
	heading := Cells(t.Heading...)
	for i := range heading {
		heading[i].Colour = Faint
	}
	rows = append(append(rows, heading), t.Rows...)
	widths := columnWidths(rows)
	if width > 0 {
		fit(widths, width)
	}
	var b strings.Builder
	for _, row := range rows {
		for i, cell := range row {
			text := shortened(shown(cell), widths[i])
			b.WriteString(string(palette.Paint(cell.Colour, text)))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+gap))
			}
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Between and within columns.
const (
	gap       = 2  // spaces between two columns
	narrowest = 10 // what a column keeps when it is shortened
	firstKeep = 20 // the same for the first column: names are there to be typed again
)

// fit takes from the widest column, again and again, until the table has no
// more than width characters a line or no column has anything to give. The
// first column gives last.
func fit(widths []int, width int) {
	total := gap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for ; total > width; total-- {
		widest := 0
		for i := 1; i < len(widths); i++ {
			if widths[i] > narrowest && (widest == 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest == 0 && widths[0] <= firstKeep {
			return
		}
		widths[widest]--
	}
}

// shortened is text in at most width characters, the last of which says that it was longer.
func shortened(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
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
