package compare

import (
	"bytes"
	"strings"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// Bounds of the paths that differences carry, in bytes.
const (
	maxPath = 512
	maxName = 64 // a longer name of a member looks like data
)

// step is one step of the way from the top of a body to a place in it.
type step struct {
	key   []byte
	index int // of an element; -1: it is a member
}

// where is the place as it is.
func (w *walker) where() string {
	path := []byte("$")
	for _, s := range w.path {
		begin := len(path)
		if s.index >= 0 {
			path = rule.AppendIndex(path, s.index)
		} else {
			path = appendName(path, s.key)
		}
		if len(path) > maxPath-len("…") {
			return string(path[:begin]) + "…"
		}
	}
	return string(path)
}

// wildcard is the place as it is for all elements, and for all members whose
// names look like data.
func (w *walker) wildcard() string {
	path := []byte("$")
	for _, s := range w.path {
		begin := len(path)
		switch {
		case s.index >= 0:
			path = append(path, "[*]"...)
		case looksLikeData(s.key):
			path = append(path, ".*"...)
		default:
			path = appendName(path, s.key)
		}
		if len(path) > maxPath-len("…") {
			return string(path[:begin]) + "…"
		}
	}
	return string(path)
}

// appendName appends the step to a member.
func appendName(path, key []byte) []byte {
	return rule.AppendKey(path, readable(string(key[:min(len(key), maxPath)])))
}

// looksLikeData reports whether a member's name is rather a value: a number, a
// date or time, a UUID, at least 12 hexadecimal digits with a decimal one among
// them, an e-mail address, or more than 64 bytes.
func looksLikeData(key []byte) bool {
	if len(key) > maxName || bytes.IndexByte(key, '@') > 0 { // not @id, as JSON-LD has it
		return true
	}
	digits, others := 0, 0
	hex := len(key) > 0
	for _, c := range key {
		switch {
		case isDigit(c):
			digits++
		case c == '-' || c == ':' || c == '.':
		default:
			others++
			hex = hex && isHex(c)
		}
	}
	switch {
	case digits == 0:
		return false
	case others == 0:
		return true // 42, 2026-11-23, 12:30, 1.5, 192.0.2.1
	case isDate(key):
		return true // 2026-11-23T12:30:00Z
	default:
		return hex && digits+others >= 12
	}
}

// isDate reports whether a name begins like 2026-11-23T.
func isDate(key []byte) bool {
	const shape = "0000-00-00T"
	if len(key) < len(shape) {
		return false
	}
	for i := range len(shape) {
		if shape[i] == '0' && !isDigit(key[i]) || shape[i] != '0' && !strings.EqualFold(string(key[i]), shape[i:i+1]) {
			return false
		}
	}
	return true
}
