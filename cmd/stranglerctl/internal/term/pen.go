package term

import "io"

// Pen writes lines for people on one stream.
type Pen struct {
	w       io.Writer
	Palette Palette
	Width   int // what a table should fit into, in characters; 0: anything
}

// NewPen returns a Pen that writes to w with palette; on a terminal, for its width.
func NewPen(w io.Writer, palette Palette) Pen { return Pen{w: w, Palette: palette, Width: Width(w)} }

// Linef writes one line; see Sprintf for what happens to args. An error of the
// stream is dropped: there is nobody left to tell it to.
func (p Pen) Linef(format string, args ...any) {
	_, _ = io.WriteString(p.w, Sprintf(format, args...)+"\n")
}

// Promptf is Linef for a question, whose answer is written on the same line.
func (p Pen) Promptf(format string, args ...any) {
	_, _ = io.WriteString(p.w, Sprintf(format, args...))
}

// Paint makes text Safe and gives it a colour, if this stream gets any.
func (p Pen) Paint(colour Colour, text string) Styled { return p.Palette.Paint(colour, text) }

// Table prints t.
func (p Pen) Table(t *Table) error { return t.Write(p.w, p.Palette, p.Width) }
