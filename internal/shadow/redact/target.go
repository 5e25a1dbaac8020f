package redact

import (
	"net/url"
	"strings"
)

// Target returns a request's path and query as they may be kept. The values of
// sensitive names are hidden, and so are parts of the path that look like tokens.
// A URL's user goes too.
func (r *Redactor) Target(target string) string {
	path, query, asked := strings.Cut(target, "?")
	if scheme, rest, absolute := cutHost(path); absolute {
		host, rest, slash := strings.Cut(rest, "/")
		if n := strings.LastIndexByte(host, '@'); n >= 0 {
			host = r.hide("string", host[:n]) + host[n:]
		}
		path = scheme + host
		if slash {
			path += "/" + r.path(rest)
		}
	} else {
		path = r.path(path)
	}
	if asked {
		path += "?" + r.pairs(query)
	}
	return path
}

// cutHost cuts a URL before its host. One without a scheme, //user@host/path, is
// a path like others but for its user.
func cutHost(path string) (scheme, rest string, absolute bool) {
	if rest, absolute = strings.CutPrefix(path, "//"); absolute {
		host, _, _ := strings.Cut(rest, "/")
		return "//", rest, strings.Contains(host, "@")
	}
	scheme, rest, absolute = strings.Cut(path, "://")
	return scheme + "://", rest, absolute
}

func (r *Redactor) path(path string) string {
	segments := strings.Split(path, "/")
	shown := make([]string, len(segments))
	for i, segment := range segments {
		shown[i] = r.segment(segment, i > 0 && r.names.sensitive(segments[i-1]))
	}
	return strings.Join(shown, "/")
}

// segment is one part of a path, with its parameters: name;v=1. Behind a
// sensitive name, as in /reset-password/k3J9, a part that is no word is hidden.
func (r *Redactor) segment(segment string, behind bool) string {
	name, parameters, has := strings.Cut(segment, ";")
	shown := r.opaque(name, behind && isMixed(name))
	if !has {
		return shown
	}
	all := strings.Split(parameters, ";")
	for i := range all {
		all[i] = r.pair(all[i])
	}
	return shown + ";" + strings.Join(all, ";")
}

// isMixed reports whether a text has letters and digits, and is longer than the
// numbers of a catalogue.
func isMixed(text string) bool {
	letters := strings.TrimLeft(text, "0123456789")
	return len(text) >= 8 && letters != "" && strings.ContainsAny(text, "0123456789")
}

// pairs hides what must not be kept of a=1&b=2.
func (r *Redactor) pairs(text string) string {
	all := strings.Split(text, "&")
	for i := range all {
		all[i] = r.pair(all[i])
	}
	return strings.Join(all, "&")
}

func (r *Redactor) pair(pair string) string {
	name, value, named := strings.Cut(pair, "=")
	if !named {
		return r.opaque(pair, false)
	}
	return r.opaque(name, false) + "=" + r.opaque(value, value != "" && r.queries.sensitive(unescaped(name)))
}

// opaque is one part of a target, as it may be kept. What is escaped more than
// once is hidden as a whole when a secret is at the bottom of it.
func (r *Redactor) opaque(text string, hidden bool) string {
	plain := unescaped(text)
	if hidden || isOpaque(plain) {
		return r.hide("string", plain)
	}
	if shown := r.scrub(plain); shown != plain {
		return strings.ReplaceAll(url.QueryEscape(shown), "%3A", ":")
	}
	if r.hidesDeeper(plain) {
		return r.hide("string", plain)
	}
	return text
}

// maxEscapes is how many more times a text may be escaped before it is hidden
// unread.
const maxEscapes = 3

func (r *Redactor) hidesDeeper(text string) bool {
	for range maxEscapes {
		deeper := unescaped(text)
		if deeper == text {
			return false
		}
		if isOpaque(deeper) || r.scrub(deeper) != deeper {
			return true
		}
		text = deeper
	}
	return unescaped(text) != text
}

// unescaped is what an escaped text says, or the text where that cannot be read.
func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// How long tokens in targets are at least: 128 bits in hexadecimal, and 96 in
// base64. UUIDs are shorter between their hyphens: they name things.
const (
	minHex    = 32
	minOpaque = 16
)

// isOpaque reports whether a text looks like a token where names are expected.
func isOpaque(text string) bool {
	if looksRandom(text, minOpaque) && strings.IndexFunc(text, func(c rune) bool { return c >= 0x80 || !isToken(byte(c)) }) < 0 {
		return true
	}
	digits := 0
	for i := range len(text) {
		if !isHex(text[i]) {
			digits = 0
			continue
		}
		if digits++; digits >= minHex {
			return true
		}
	}
	return false
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
