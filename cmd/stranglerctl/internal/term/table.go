package term

import (
	"io"
	"slices"
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
	Spare   []string // headings of what is left out where the rest would not be readable, the first one first

	below map[int]Cell // by the number of the row above
}

// Add appends a row.
func (t *Table) Add(row ...Cell) { t.Rows = append(t.Rows, row) }

// Below puts a line of its own under the row that was added last: what is too
// long for a column. It is set in, so that no column begins like it.
func (t *Table) Below(line Cell) {
	if t.below == nil {
		t.below = make(map[int]Cell)
	}
	t.below[len(t.Rows)] = line
}

// First is the table with its first columns only.
func (t *Table) First(columns int) *Table {
	narrow := &Table{Heading: t.Heading[:columns], Spare: t.Spare, below: t.below}
	for _, row := range t.Rows {
		narrow.Add(row[:columns]...)
	}
	return narrow
}

// Unfolded is the table with as few of its last columns below the rows as it takes to
// shorten nothing in width characters, and at most so many: for sentences, which say
// little when they are cut.
func (t *Table) Unfolded(width, most int) *Table {
	for columns := range most {
		if narrow := t.lastBelow(columns); narrow.fits(width) {
			return narrow
		}
	}
	return t.lastBelow(most)
}

// lastBelow is the table with some of its last columns as a line below each row.
func (t *Table) lastBelow(columns int) *Table {
	if columns == 0 {
		return t
	}
	first := len(t.Heading) - columns
	narrow := &Table{Heading: t.Heading[:first], Spare: t.Spare}
	for _, row := range t.Rows {
		narrow.Add(row[:first]...)
		var said []string
		for _, cell := range row[first:] {
			if cell.Text != "" {
				said = append(said, cell.Text)
			}
		}
		if len(said) > 0 {
			narrow.Below(Cell{Text: strings.Join(said, "; "), Colour: row[len(row)-1].Colour})
		}
	}
	return narrow
}

// fits reports whether nothing has to be shortened to fit the table into width
// characters; 0 is room for anything.
func (t *Table) fits(width int) bool { return width == 0 || total(columnWidths(t.all())) <= width }

// Write prints the table, two spaces between columns and none at a line's end.
// Empty cells are a dash, so that every column can be cut out by its number.
// Cells are shortened to fit the table into width characters, if that is
// possible; 0 leaves them whole.
func (t *Table) Write(w io.Writer, palette Palette, width int) error {
	rows := t.all()
	widths := columnWidths(rows)
	if width > 0 {
		rows, widths = t.fit(rows, widths, width)
	}
	var b strings.Builder
	for number, row := range rows {
		for i, cell := range row {
			text := shortened(shown(cell), widths[i])
			b.WriteString(string(palette.Paint(cell.Colour, text)))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+gap))
			}
		}
		b.WriteByte('\n')
		if line, found := t.below[number]; found {
			for _, part := range Wrap(line.Text, width-len(indent)) {
				b.WriteString(indent + string(palette.Paint(line.Colour, part)) + "\n")
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// all are the rows under their heading.
func (t *Table) all() [][]Cell {
	heading := Cells(t.Heading...)
	for i := range heading {
		heading[i].Colour = Faint
	}
	return append([][]Cell{heading}, t.Rows...)
}

// gap is the spaces between two columns.
const gap = 2

// indent is in front of a line below a row.
const indent = "    "

// floor is what columns keep when they are shortened. The first one keeps
// more: names are there to be typed again.
type floor struct{ first, others int }

// fit makes the table narrow enough: by shortening, and where little would be
// left of each column, by leaving spare ones out. The first spare column gives
// way before all others.
func (t *Table) fit(rows [][]Cell, widths []int, width int) (fitted [][]Cell, widthsOfThem []int) {
	roomy, tight := floor{30, 24}, floor{20, 10} // readable, recognisable
	for _, name := range t.Spare {
		at := slices.IndexFunc(rows[0], func(c Cell) bool { return c.Text == name })
		if at < 0 {
			continue
		}
		if over := total(widths) - width; over > 0 {
			widths[at] -= max(0, min(over, widths[at]-tight.others))
		}
		trial := slices.Clone(widths)
		if roomy.shrink(trial, width) {
			return rows, trial
		}
		rows, widths = without(rows, at), slices.Delete(widths, at, at+1)
	}
	tight.shrink(widths, width)
	return rows, widths
}

// without is the rows without one column.
func without(rows [][]Cell, column int) [][]Cell {
	left := make([][]Cell, len(rows))
	for i, row := range rows {
		left[i] = slices.Delete(slices.Clone(row), column, column+1)
	}
	return left
}

func total(widths []int) int {
	sum := gap * (len(widths) - 1)
	for _, w := range widths {
		sum += w
	}
	return sum
}

// shrink takes from the widest column, again and again, until the table has no
// more than width characters a line or no column has anything to give. The
// first column gives last. It reports whether the table fits.
func (f floor) shrink(widths []int, width int) (fits bool) {
	for over := total(widths) - width; over > 0; over-- {
		widest := 0
		for i := 1; i < len(widths); i++ {
			if widths[i] > f.others && (widest == 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest == 0 && widths[0] <= f.first {
			return false
		}
		widths[widest]--
	}
	return true
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
