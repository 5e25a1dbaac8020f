package term

import (
	"strings"
	"unicode/utf8"
)

// leastWrapped is the narrowest column in which sentences can be read.
const leastWrapped = 20

// Wrap breaks text between its words into lines of at most width characters. A word
// that is longer has a line of its own. Below 20 characters, and so where the width is
// not known, it is one line.
func Wrap(text string, width int) []string {
	if width < leastWrapped || utf8.RuneCountInString(text) <= width {
		return []string{text}
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
