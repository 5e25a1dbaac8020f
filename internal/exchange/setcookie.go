package exchange

import (
	"strings"

	"github.com/stranglerfig/strangler/internal/routing"
)

// cookie returns a Set-Cookie line of the backend's as the client must see it.
// Only the values of Domain and Path change; order, spaces and everything else
// stay as they are. A cookie without a Path needs none: it belongs to the
// directory of the request, and that of the client's is the backend's, mapped.
func (w *Rewritten) cookie(line string) string {
	parts := strings.Split(line, ";")
	for i, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		trimmed := strings.Trim(value, " \t")
		mapped := trimmed
		switch strings.ToLower(strings.Trim(name, " \t")) {
		case "path":
			mapped = w.cookiePath(trimmed)
		case "domain":
			mapped = w.cookieDomain(trimmed)
		}
		if mapped != trimmed && strings.IndexByte(mapped, ';') < 0 { // that would begin another attribute
			at := len(name) + 1 + strings.Index(value, trimmed)
			parts[i+1] = part[:at] + mapped + part[at+len(trimmed):]
		}
	}
	return strings.Join(parts, ";")
}

// cookiePath maps a cookie's path. A cookie for the whole backend is one for
// the whole site: other routes lead there too.
func (w *Rewritten) cookiePath(written string) string {
	if !w.rule.moves || written == "/" || !strings.HasPrefix(written, "/") {
		return written
	}
	path, err := routing.NormalizePath(written)
	if err != nil {
		return written
	}
	mapped, ok := w.back(path)
	switch above := strings.TrimSuffix(path, "/") + "/"; {
	case ok && mapped != path:
		return mapped
	case !ok && strings.HasPrefix(w.rule.to.Write(w.parameters)+"/", above):
		return orRoot(w.rule.from.Fixed()) // it covers all that this lane leads to, and more
	default:
		return written
	}
}

// cookieDomain maps a cookie's domain where only the router knows that host.
func (w *Rewritten) cookieDomain(written string) string {
	client := routing.NormalizeHost(w.exchange.Host)
	domain := strings.ToLower(strings.TrimPrefix(written, "."))
	_, endpoint, _ := strings.Cut(w.exchange.Endpoint, "://")
	switch {
	case client == "" || domain == "" || within(client, domain):
		return written
	case within(routing.NormalizeHost(w.Host), domain), within(routing.NormalizeHost(endpoint), domain):
		return client
	default:
		return written
	}
}

// within reports whether a host is the domain or below it.
func within(host, domain string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}
