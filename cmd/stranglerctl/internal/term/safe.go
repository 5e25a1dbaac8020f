package term

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Safe returns text with everything that a terminal might obey written out:
// control characters, escape sequences, invisible and direction-changing
// runes, invalid UTF-8. A line feed becomes \n, an escape \x1b.
func Safe(text string) string {
	if strings.IndexFunc(text, obeyed) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case obeyed(r):
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

// obeyed reports whether a terminal might act on r instead of showing it.
func obeyed(r rune) bool { return !unicode.IsPrint(r) }

// Styled is text that is already safe and may carry colour; Sprintf leaves it as it is.
type Styled string

// Sprintf is fmt.Sprintf with every string, error and Stringer among args made
// Safe. The format itself is ours and may contain line feeds.
func Sprintf(format string, args ...any) string {
	safe := make([]any, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case Styled:
			safe[i] = string(v)
		case string:
			safe[i] = Safe(v)
		case error:
			safe[i] = Safe(v.Error())
		case fmt.Stringer:
			safe[i] = Safe(v.String())
		default:
			safe[i] = arg
		}
	}
	return fmt.Sprintf(format, safe...)
}

// ShellWord returns text as one word of a POSIX shell, for commands that
// people copy. What Safe would write out is given as $'…', which bash, zsh, ksh
// and the newer dash read, so that showing the word does not change it.
func ShellWord(text string) string {
	plain := func(r rune) bool {
		return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.:/@%+=,", r))
	}
	switch {
	case text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0:
		return text
	case Safe(text) != text:
		return "$'" + Octal(text, `\`, `'`) + "'"
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Octal returns text with every byte of what a terminal might obey written as
// three octal digits after a backslash, as $'…' and printf read it, and likewise
// the characters of special.
func Octal(text string, special ...string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		whole := text[i : i+size]
		if r == utf8.RuneError && size == 1 || obeyed(r) || slices.Contains(special, whole) {
			for _, c := range []byte(whole) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		} else {
			b.WriteString(whole)
		}
		i += size
	}
	return b.String()
}
