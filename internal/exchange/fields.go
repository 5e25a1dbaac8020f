package exchange

import (
	"net/netip"
	"slices"
	"strings"
)

// Fields are header fields by canonical name. An http.Header converts to it for free.
type Fields map[string][]string

// get returns the first value of a field, or "".
func (f Fields) get(name string) string {
	if v := f[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// hasToken reports whether a comma-separated field contains token, whatever its case.
func (f Fields) hasToken(name, token string) bool {
	for _, line := range f[name] {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// Origin is what the router itself knows of where a request came from.
type Origin struct {
	PeerText string     // the peer's address without port
	Peer     netip.Addr // the same, parsed
	Trusted  bool       // the peer is one of the trusted proxies
	Scheme   string
	Host     string
}

// hopByHop reports whether a field belongs to one connection only
// (RFC 9110 §7.6.1, with the ones that old agents send).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return true
	default:
		return false
	}
}

// reserved reports whether a field is one that only the router or a trusted
// proxy may set: a backend believes it. X-Original-URL and X-Rewrite-URL are
// among them because some frameworks serve the path they name, which is not
// the path that was matched.
func reserved(name string) bool {
	switch name {
	case "Forwarded", "X-Real-Ip", "X-Original-Url", "X-Rewrite-Url":
		return true
	default:
		return strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "Strangler-")
	}
}

// forwards reports whether a field is one of the reserved ones by which proxies
// say whom they forward for.
func forwards(name string) bool {
	return name == "Forwarded" || name == "X-Real-Ip" || strings.HasPrefix(name, "X-Forwarded-")
}

// disguised reports whether a field becomes one that is stripped, or that says
// how long the body is, in servers that fold "_" and other marks into "-" (CGI,
// WSGI, PHP).
func disguised(name string) bool {
	if plainName(name) {
		return false
	}
	plain := folded(name)
	return reserved(plain) || hopByHop(plain) || plain == "Content-Length"
}

// folded is the field that such servers take a name for.
func folded(name string) string {
	return canonical(strings.Map(func(r rune) rune {
		if r < 0x80 && plainByte(byte(r)) {
			return r
		}
		return '-'
	}, name))
}

// plainName reports whether a name is nothing but letters, digits and "-".
func plainName(name string) bool {
	for i := range len(name) {
		if !plainByte(name[i]) {
			return false
		}
	}
	return true
}

func plainByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || '0' <= c && c <= '9'
}

// canonical upper-cases the first letter of each dash-separated word and lower-cases the rest.
func canonical(name string) string {
	words := strings.Split(strings.ToLower(name), "-")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "-")
}

// OutboundRequest returns the fields to send to a backend: the client's without
// what belongs to its connection or may not come from it, then ours. The
// values are shared with in, which is left untouched.
func (x *Exchange) OutboundRequest(in Fields, from Origin) Fields {
	out := make(Fields, len(in)+4) // ours come to four, unless the client sent none of the usual ones
	for name, values := range in {
		if hopByHop(name) || disguised(name) {
			continue
		}
		if !from.Trusted && reserved(name) {
			x.ForwardedDropped = x.ForwardedDropped || forwards(name)
			continue
		}
		out[name] = values
	}
	dropNamedByConnection(out, in)
	// Ours come last, so that no Connection header of the client's can strip them.
	if in.hasToken("Te", "trailers") {
		out["Te"] = []string{"trailers"}
	}
	if x.Kind == KindUpgrade {
		out["Connection"] = []string{"Upgrade"}
		out["Upgrade"] = []string{strings.Join(offers(in), ", ")}
	}
	if _, ok := out["User-Agent"]; !ok {
		out["User-Agent"] = nil // present and empty: net/http then adds none of its own
	}
	if x.RequestID != "" {
		out["X-Request-Id"] = x.values.one(x.RequestID)
	}
	x.setForwarded(out, from)
	return out
}

// singles hands out one-element slices without an allocation each.
type singles struct {
	values [4]string
	used   int
}

// one returns a slice that holds value alone and cannot be appended to in place.
func (s *singles) one(value string) []string {
	if s.used == len(s.values) {
		return []string{value}
	}
	i := s.used
	s.used++
	s.values[i] = value
	return s.values[i : i+1 : i+1]
}

// setForwarded says who the client was. Behind a trusted proxy its own words
// stay and our peer is appended; otherwise ours are the first.
func (x *Exchange) setForwarded(out Fields, from Origin) {
	chain := from.PeerText
	if prior := out["X-Forwarded-For"]; len(prior) > 0 {
		chain = strings.Join(prior, ", ") + ", " + chain
	}
	out["X-Forwarded-For"] = x.values.one(chain)
	if len(out["X-Forwarded-Proto"]) == 0 {
		out["X-Forwarded-Proto"] = x.values.one(from.Scheme)
	}
	if len(out["X-Forwarded-Host"]) == 0 && from.Host != "" {
		out["X-Forwarded-Host"] = x.values.one(from.Host)
	}
	if prior := out["Forwarded"]; len(prior) > 0 {
		out["Forwarded"] = []string{strings.Join(prior, ", ") + ", " + forwardedElement(from)}
	}
}

// forwardedElement is our hop in the syntax of RFC 7239.
func forwardedElement(from Origin) string {
	node := from.PeerText
	if from.Peer.Is6() && !from.Peer.Is4In6() {
		node = `"[` + node + `]"`
	}
	return "for=" + node + ";proto=" + from.Scheme
}

// dropNamedByConnection removes every field that the Connection header names
// (RFC 9110 §7.6.1), whatever number of lines it is spread over.
func dropNamedByConnection(out, in Fields) {
	for _, line := range in["Connection"] {
		for token := range strings.SplitSeq(line, ",") {
			if token = strings.TrimSpace(token); token != "" {
				delete(out, canonical(token))
			}
		}
	}
}

// TrailerPasses reports whether a field may travel behind a body: not one that
// says how a message is framed or routed, nor one that only the router may set
// (RFC 9110 §6.5.1).
func TrailerPasses(name string) bool {
	switch name {
	case "Content-Length", "Content-Encoding", "Content-Type", "Content-Range", "Host", "Authorization", "Set-Cookie", "Cookie":
		return false
	default:
		return !hopByHop(name) && !reserved(name) && !disguised(name)
	}
}

// InterimResponse fills out with the fields of a 1xx answer that are for the
// client. The values are shared with in.
func InterimResponse(out, in Fields) {
	for name, values := range in {
		if !hopByHop(name) && name != "Content-Length" {
			out[name] = values
		}
	}
	dropNamedByConnection(out, in)
}

// InboundResponse fills out with the fields of a backend's response that are
// for the client. The values are shared with in.
func InboundResponse(out, in Fields) {
	for name, values := range in {
		if !hopByHop(name) {
			out[name] = values
		}
	}
	dropNamedByConnection(out, in)
	// What the backend left out stays out: nil keeps net/http from guessing a
	// type, and from adding its own date.
	for _, name := range [...]string{"Content-Type", "Date"} {
		if _, ok := out[name]; !ok {
			out[name] = nil
		}
	}
}

// ClientAddress returns the client's address: the peer's, or behind trusted
// proxies the last address in X-Forwarded-For that is not one of them.
// Anything unreadable ends the walk at the last address that could be trusted.
func ClientAddress(in Fields, from Origin, trusted func(netip.Addr) bool) netip.Addr {
	client := from.Peer
	if !from.Trusted {
		return client
	}
	for _, line := range slices.Backward(in["X-Forwarded-For"]) {
		for rest := line; rest != ""; {
			var last string
			if cut := strings.LastIndexByte(rest, ','); cut >= 0 {
				rest, last = rest[:cut], rest[cut+1:]
			} else {
				rest, last = "", rest
			}
			addr, ok := parseNode(strings.Trim(last, " \t"))
			if !ok {
				return client
			}
			client = addr
			if !trusted(client) {
				return client
			}
		}
	}
	return client
}

// parseNode reads an address as proxies write it: alone, in brackets, or with a port.
func parseNode(text string) (netip.Addr, bool) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap(), true
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return addr.Unmap(), err == nil
}
