package term

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Palette colours text, or leaves it alone. The zero Palette leaves it alone.
type Palette struct{ on bool }

// NewPalette decides whether w gets colour. What is first in this list wins:
// never (the --no-color flag); NO_COLOR, set to anything; CLICOLOR_FORCE, set
// to anything but 0; TERM=dumb; and last whether w is a terminal.
func NewPalette(w io.Writer, getenv func(string) string, never bool) Palette {
	force := getenv("CLICOLOR_FORCE")
	switch {
	case never, getenv("NO_COLOR") != "":
		return Palette{}
	case force != "" && force != "0":
		return Palette{on: true}
	case getenv("TERM") == "dumb":
		return Palette{}
	}
	return Palette{on: IsTerminal(w)}
}

// Colour is one of the few ways text is set apart. Meaning never hangs on it
// alone: a word or a mark says the same.
type Colour string

// The colours, by what they mean here.
const (
	Plain  Colour = ""
	Good   Colour = "32" // green
	Notice Colour = "33" // yellow
	Bad    Colour = "31" // red
	Faint  Colour = "2"
	Strong Colour = "1"
)

// Paint makes text Safe and gives it a colour.
func (p Palette) Paint(colour Colour, text string) Styled {
	text = Safe(text)
	if !p.on || colour == Plain || text == "" {
		return Styled(text)
	}
	return Styled("\x1b[" + string(colour) + "m" + text + "\x1b[0m")
}

// Width is how many characters a line of the terminal w has; 0 when it is none.
func Width(w io.Writer) int {
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// IsTerminal reports whether stream, a reader or writer, is a terminal.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
