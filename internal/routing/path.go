package routing

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// ErrPath is wrapped by every error of NormalizePath. The router answers 400.
var ErrPath = errors.New("not a path the router can read")

// NormalizePath returns the path that matching reads. rawPath is the escaped
// path exactly as on the request line, without the query; "" is "/" (RFC 9110
// 4.2.3). What is forwarded stays rawPath, byte for byte.
//
//   - Percent-encoded unreserved characters are decoded, the hexadecimal digits
//     of every other escape are upper case: %2F stays %2F and never separates.
//   - Bytes that may not stand in a path are percent-encoded. So is the
//     backslash: only some backends take it for a separator, and a route must
//     not depend on which.
//   - Dot segments are resolved (RFC 3986 5.2.4) after decoding; one with a
//     parameter, ..;x, is a dot segment, because servlet containers read it so.
//   - Duplicate slashes are kept.
//
// NUL, CR, LF, malformed escapes, fragments and a path without leading slash
// are errors that wrap ErrPath. A path in normal form is returned as it is,
// without allocating.
func NormalizePath(rawPath string) (string, error) {
	if rawPath == "" {
		return "/", nil
	}
	if rawPath[0] != '/' {
		return "", fmt.Errorf("%w: it does not begin with a slash", ErrPath)
	}
	normal, err := normalizeText(rawPath)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPath, err)
	}
	if hasDotSegment(normal) {
		normal = resolveDots(normal)
	}
	return normal, nil
}

// normalizeText brings escapes and bytes into normal form; a template's literals go through it too.
func normalizeText(raw string) (string, error) {
	clean := 0
	for clean < len(raw) && isPathByte(raw[clean]) {
		clean++
	}
	if clean == len(raw) {
		return raw, nil
	}
	var out strings.Builder
	changed := false
	for i := clean; i < len(raw); i++ {
		c, escaped := raw[i], false
		if c == '%' {
			if i+2 >= len(raw) || !isHex(raw[i+1]) || !isHex(raw[i+2]) {
				return "", fmt.Errorf("malformed escape at byte %d: a percent sign is followed by two hexadecimal digits, or written %%25", i)
			}
			c, escaped = unhex(raw[i+1])<<4|unhex(raw[i+2]), true
		}
		if fault := forbidden(c, escaped); fault != "" {
			return "", fmt.Errorf("%s at byte %d", fault, i)
		}
		same := isPathByte(c) && !escaped || escaped && !isUnreserved(c) && !isLower(raw[i+1]) && !isLower(raw[i+2])
		if !same && !changed {
			changed = true
			out.Grow(len(raw) + 16)
			out.WriteString(raw[:i])
		}
		if changed {
			writeNormal(&out, c, escaped)
		}
		if escaped {
			i += 2
		}
	}
	if !changed {
		return raw, nil
	}
	return out.String(), nil
}

// forbidden names what no two backends read alike.
func forbidden(c byte, escaped bool) string {
	switch {
	case c == 0:
		return "NUL"
	case c == '\r':
		return "carriage return"
	case c == '\n':
		return "line feed"
	case c == '#' && !escaped:
		return "fragment"
	case c == '?' && !escaped:
		return "query"
	default:
		return ""
	}
}

func writeNormal(out *strings.Builder, c byte, escaped bool) {
	if isUnreserved(c) || !escaped && isPathByte(c) {
		out.WriteByte(c)
		return
	}
	const digits = "0123456789ABCDEF"
	out.WriteByte('%')
	out.WriteByte(digits[c>>4])
	out.WriteByte(digits[c&15])
}

// hasDotSegment is the quick no of nearly every request.
func hasDotSegment(path string) bool {
	for rest := path; ; {
		_, after, found := strings.Cut(rest, "/.")
		if !found {
			return false
		}
		after = strings.TrimPrefix(after, ".")
		if after == "" || after[0] == '/' || after[0] == ';' {
			return true
		}
		rest = after
	}
}

// dots returns 1 for ".", 2 for "..", with or without a parameter, else 0.
func dots(segment string) int {
	name, _, _ := strings.Cut(segment, ";")
	switch name {
	case ".":
		return 1
	case "..":
		return 2
	default:
		return 0
	}
}

// resolveDots removes dot segments as RFC 3986 5.2.4 does. path begins with a slash.
func resolveDots(path string) string {
	out := make([]byte, 0, len(path))
	for rest := path[1:]; ; {
		segment, next, more := strings.Cut(rest, "/")
		switch dots(segment) {
		case 0:
			out = append(append(out, '/'), segment...)
		case 2:
			out = out[:max(0, bytes.LastIndexByte(out, '/'))]
			fallthrough
		case 1:
			if !more { // /a/.. ends in a slash
				out = append(out, '/')
			}
		}
		if !more {
			return string(out)
		}
		rest = next
	}
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// isPathByte reports whether c may stand in a path as it is: a slash or pchar of RFC 3986.
func isPathByte(c byte) bool {
	return isUnreserved(c) || c == '/' || strings.IndexByte("!$&'()*+,;=:@", c) >= 0
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}
