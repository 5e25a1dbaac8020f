package telemetry

import "unicode/utf8"

// valueMost is how many bytes of one value are logged: a client must not fill
// the disk with what it calls a path.
const valueMost = 4096

const hexDigits = "0123456789abcdef"

// appendString appends text as a JSON string on one line, whatever bytes a
// client put into it: control characters and the line separators of Unicode
// are escaped, and what is no UTF-8 becomes U+FFFD.
func appendString(buf []byte, text string) []byte {
	cut := len(text) > valueMost
	if cut {
		text = text[:valueMost]
	}
	buf = append(buf, '"')
	for len(text) > 0 {
		plain := plainPrefix(text)
		buf = append(buf, text[:plain]...)
		text = text[plain:]
		if text == "" {
			break
		}
		r, size := utf8.DecodeRuneInString(text)
		buf = appendRune(buf, r, text[:size])
		text = text[size:]
	}
	if cut {
		buf = append(buf, "…"...)
	}
	return append(buf, '"')
}

// plainPrefix returns how many bytes need neither escaping nor a closer look.
func plainPrefix(text string) int {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return i
		}
	}
	return len(text)
}

func appendRune(buf []byte, r rune, raw string) []byte {
	switch {
	case r == '"' || r == '\\':
		return append(buf, '\\', byte(r))
	case r == utf8.RuneError: // also one that was really sent
		return append(buf, `\ufffd`...)
	case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029':
		return append(buf, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
	default:
		return append(buf, raw...)
	}
}
