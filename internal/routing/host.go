package routing

import (
	"fmt"
	"net/netip"
	"strings"
)

// maxHost is the length of the longest DNS name; a longer Host matches only
// routes for any host, and costs no look-ups.
const maxHost = 253

// NormalizeHost returns the host that matching reads: lower case, without port,
// without trailing dot, an IPv6 address without brackets.
func NormalizeHost(hostport string) string {
	host := hostport
	if strings.HasPrefix(host, "[") {
		if end := strings.IndexByte(host, ']'); end > 0 {
			return strings.ToLower(host[1:end])
		}
	}
	if colon := strings.IndexByte(host, ':'); colon >= 0 && strings.IndexByte(host[colon+1:], ':') < 0 {
		host = host[:colon]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// hostKind orders what a route may say about hosts; the smaller wins.
type hostKind uint8

const (
	hostExact hostKind = iota
	hostSuffix
	hostAny
)

// hostShape is a route's host: exact holds the name, suffix what follows the
// star, with its leading dot.
type hostShape struct {
	kind hostKind
	text string
}

func (h hostShape) matches(host string) bool {
	switch h.kind {
	case hostExact:
		return host == h.text
	case hostSuffix:
		return len(host) <= maxHost && len(host) > len(h.text) && strings.HasSuffix(host, h.text)
	default:
		return true
	}
}

// parseHost reads Match.Host.
func parseHost(text string) (hostShape, error) {
	if text == "" {
		return hostShape{kind: hostAny}, nil
	}
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")); err == nil {
		return hostShape{kind: hostExact, text: addr.String()}, nil
	}
	name := NormalizeHost(text)
	if strings.Contains(text, ":") {
		return hostShape{}, fmt.Errorf("host %q has a port: a route matches host names on every port, write %q", text, name)
	}
	suffix, isSuffix := strings.CutPrefix(name, "*.")
	if err := checkHostName(text, suffix); err != nil {
		return hostShape{}, err
	}
	if isSuffix {
		return hostShape{kind: hostSuffix, text: "." + suffix}, nil
	}
	return hostShape{kind: hostExact, text: name}, nil
}

// CheckHost says what is wrong with the name or address of one host; nil: nothing.
// An IPv6 address may stand in brackets; a port is refused.
func CheckHost(text string) error {
	shape, err := parseHost(text)
	if err == nil && shape.kind != hostExact {
		err = fmt.Errorf("host %q is not one host: write a name like shop.example", text)
	}
	return err
}

// checkHostName checks the labels of name; text is how the host was written.
func checkHostName(text, name string) error {
	if len(name) > maxHost {
		return fmt.Errorf("host %q is %d characters long: a host name has at most %d", text[:32]+"…", len(name), maxHost)
	}
	for label := range strings.SplitSeq(name, ".") {
		switch {
		case label == "*":
			return fmt.Errorf("host %q: a star stands only for the first labels, as in *.shop.example; leave host out to match any", text)
		case label == "":
			return fmt.Errorf("host %q has an empty label: write names like shop.example or *.shop.example", text)
		case len(label) > 63:
			return fmt.Errorf("host %q has a label of %d characters: at most 63 are allowed", text, len(label))
		case label[0] == '-' || label[len(label)-1] == '-':
			return fmt.Errorf("host %q: the label %q begins or ends with a hyphen", text, label)
		}
		for _, c := range label {
			if c >= 0x80 {
				return fmt.Errorf("host %q: write %q in its ASCII form, which begins with xn--", text, label)
			}
			if !isLower(byte(c)) && (c < '0' || c > '9') && c != '-' && c != '_' {
				return fmt.Errorf("host %q: %q may not stand in a host name", text, c)
			}
		}
	}
	return nil
}
