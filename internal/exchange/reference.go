package exchange

import (
	"strings"

	"github.com/stranglerfig/strangler/internal/routing"
)

// urlReference is a URL as Location carries it, taken apart without changing a byte.
type urlReference struct {
	scheme    string // with its colon; empty without one
	authority string // with its two slashes; empty without one
	path      string
	tail      string // query and fragment
}

// parseReference takes a reference apart (RFC 3986 §4.1); false: it is one that
// is left alone. A backslash is a slash to browsers and none to others.
func parseReference(text string) (r urlReference, ok bool) {
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' }) {
		return r, false
	}
	r.path = text
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		r.path, r.tail = text[:i], text[i:]
	}
	if i := strings.IndexAny(r.path, ":/"); i >= 0 && r.path[i] == ':' {
		r.scheme, r.path = r.path[:i+1], r.path[i+1:]
	}
	if strings.HasPrefix(r.path, "//") {
		end := len(r.path)
		if i := strings.IndexByte(r.path[2:], '/'); i >= 0 {
			end = i + 2
		}
		r.authority, r.path = r.path[:end], r.path[end:]
	}
	if r.scheme == "" {
		return r, true
	}
	web := strings.EqualFold(r.scheme, "http:") || strings.EqualFold(r.scheme, "https:")
	return r, web && r.authority != ""
}

// String puts the reference together again.
func (r *urlReference) String() string {
	path := r.path
	if r.authority == "" && strings.HasPrefix(path, "//") {
		path = "/." + path // RFC 3986 §4.2: else it were an authority
	}
	return r.scheme + r.authority + path + r.tail
}

// reference returns a URL reference of the backend's as the client must see
// it. Those to other hosts, and what cannot be read, stay as they are.
func (w *Rewritten) reference(text string) string {
	r, ok := parseReference(text)
	if !ok {
		return text
	}
	changed := false
	if r.authority != "" {
		var own bool
		if own, changed = w.mapAuthority(&r); !own {
			return text
		}
	}
	if w.rule.moves {
		moved, err := w.mapPath(&r)
		if err != nil {
			return text
		}
		changed = changed || moved
	}
	if !changed {
		return text
	}
	return r.String()
}

// mapAuthority tells the backend's own hosts from others, and replaces the
// names that only the router knows them by.
func (w *Rewritten) mapAuthority(r *urlReference) (own, changed bool) {
	host := plainHost(r.authority[2:], r.scheme)
	switch {
	case host == plainHost(w.exchange.Host, r.scheme):
		return true, false
	case w.exchange.Host == "", host != plainHost(w.Host, r.scheme) && host != w.endpointHost(r.scheme):
		return false, false
	}
	r.authority = "//" + w.exchange.Host
	if r.scheme != "" {
		r.scheme = w.exchange.Scheme + ":"
	}
	return true, true
}

// endpointHost is host and port of the endpoint that answered.
func (w *Rewritten) endpointHost(scheme string) string {
	_, host, _ := strings.Cut(w.exchange.Endpoint, "://")
	return plainHost(host, scheme)
}

// plainHost makes hosts comparable: lower case, without the scheme's own port.
func plainHost(host, scheme string) string {
	host = strings.ToLower(host)
	if strings.EqualFold(scheme, "http:") {
		return strings.TrimSuffix(host, ":80")
	}
	return strings.TrimSuffix(host, ":443")
}

// mapPath maps the path of a reference to the backend itself, and reports whether it changed.
func (w *Rewritten) mapPath(r *urlReference) (changed bool, err error) {
	if r.authority == "" && !strings.HasPrefix(r.path, "/") {
		return w.mapRelative(r)
	}
	path, err := routing.NormalizePath(r.path)
	if err != nil {
		return false, err
	}
	mapped, ok := w.back(path)
	if !ok || mapped == path {
		return false, nil
	}
	r.path = mapped
	return true, nil
}

// mapRelative maps a path that the backend meant below its own. Where it leads
// the client to the right place already, it stays.
func (w *Rewritten) mapRelative(r *urlReference) (changed bool, err error) {
	if r.path == "" {
		return false, nil
	}
	taken, err := routing.NormalizePath(directory(w.clientPath) + r.path)
	if err != nil {
		return false, err
	}
	meant, err := routing.NormalizePath(directory(w.Target.Path) + r.path)
	if err != nil {
		return false, err
	}
	r.path, _ = w.back(meant)
	return r.path != taken, nil
}

// directory is a path up to its last slash, included.
func directory(path string) string { return path[:strings.LastIndexByte(path, '/')+1] }
