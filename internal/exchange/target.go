package exchange

import (
	"strings"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Target is where a request wants to go. Raw and Query are the client's bytes,
// which are forwarded as they are; Path is the copy that matching reads.
type Target struct {
	Raw      string
	Query    string
	HasQuery bool // there was a "?", even with nothing behind it
	Path     string
}

// Head is what Inspect looks at.
type Head struct {
	Method    string
	Target    string // exactly as on the request line, or :path
	HTTP2     bool   // the target is a :path, which names no host
	Host      string
	Ambiguous bool // the head had both Content-Length and Transfer-Encoding, or the latter in HTTP/1.0
}

// Inspect reads a request's target and refuses the shapes that no two servers
// read alike, or that a reverse proxy has no business with.
func Inspect(h Head) (Target, *Problem) {
	switch h.Method {
	case "CONNECT", "TRACE":
		return Target{}, methodRefused(h.Method)
	}
	if h.Ambiguous {
		return Target{}, ambiguousLength()
	}
	if strings.ContainsFunc(h.Host, notOfHost) {
		return Target{}, badHost(h.Host)
	}
	if h.HTTP2 && !strings.HasPrefix(h.Target, "/") && h.Target != "*" { // RFC 9113 §8.3.1
		return Target{}, badTarget("the :path of a request over HTTP/2 is no path: what names the host is :authority")
	}
	return parseTarget(h.Target)
}

// notOfHost reports whether c may not stand in a Host header (RFC 3986 §3.2.2,
// with a port). net/http refuses such a header itself in HTTP/1; :authority it
// lets pass, and would send as another host than the one that was matched.
func notOfHost(c rune) bool {
	alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	return !alphanumeric && !strings.ContainsRune("-._~!$&'()*+,;=:[]%", c)
}

// parseTarget splits origin-form and absolute-form targets (RFC 9112 §3.2).
func parseTarget(target string) (Target, *Problem) {
	if target == "*" {
		return Target{}, badTarget("OPTIONS * asks the server itself, not one of its resources; this router does not answer it")
	}
	if strings.IndexByte(target, '#') >= 0 {
		return Target{}, badTarget("the request target contains a fragment (#…), which belongs to the client alone")
	}
	if strings.IndexByte(target, ' ') >= 0 { // HTTP/2 carries one; in HTTP/1 it ends the target
		return Target{}, badTarget("the request target contains a space: write it as %20")
	}
	if !strings.HasPrefix(target, "/") {
		_, rest, ok := strings.Cut(target, "://")
		if !ok {
			return Target{}, badTarget("the request target is neither a path nor a URL")
		}
		target = afterAuthority(rest)
	}
	var t Target
	t.Raw, t.Query, t.HasQuery = strings.Cut(target, "?")
	path, err := routing.NormalizePath(t.Raw)
	if err != nil {
		return Target{}, badTarget(err.Error())
	}
	t.Path = path
	return t, nil
}

// afterAuthority returns path and query of what follows "scheme://".
func afterAuthority(rest string) string {
	i := strings.IndexAny(rest, "/?")
	switch {
	case i < 0:
		return "/"
	case rest[i] == '?':
		return "/" + rest[i:]
	default:
		return rest[i:]
	}
}
