package spec

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/stranglerfig/strangler/internal/guard"
)

// endpointFault says what is wrong with an endpoint; empty: nothing. It never
// repeats a password that somebody wrote into the URL.
func endpointFault(text string) string {
	const want = "write http://HOST:PORT or https://HOST:PORT"
	shown := withoutUserinfo(text)
	u, err := url.Parse(text)
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return fmt.Sprintf("%q contains a space or a control character: %s", shown, want)
	case err != nil:
		return fmt.Sprintf("%q is not a URL: %s", shown, want)
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Sprintf("%q is neither http nor https: %s", shown, want)
	case u.User != nil:
		return fmt.Sprintf("%q carries a user or password: definitions are shown to every viewer, so leave it out", shown)
	case u.Hostname() == "":
		return fmt.Sprintf("%q has no host: %s", shown, want)
	case u.Path != "" && u.Path != "/":
		return fmt.Sprintf("%q has a path: requests keep their own path, so leave %q out", shown, u.Path)
	case u.RawQuery != "" || u.ForceQuery:
		return fmt.Sprintf("%q has a query: requests keep their own query, so leave it out", shown)
	case strings.Contains(text, "#"):
		return fmt.Sprintf("%q has a fragment, which no server ever sees: leave it out", shown)
	case !validPort(u):
		return fmt.Sprintf("%q has a port that is not one: write a number from 1 to 65535", shown)
	}
	if err := checkHost(u.Hostname()); err != nil {
		return fmt.Sprintf("%q is refused: %v", shown, err)
	}
	return ""
}

// withoutUserinfo hides everything between the scheme and the last @ of a text
// that may not even be a URL.
func withoutUserinfo(text string) string {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text
	}
	scheme, _, found := strings.Cut(text[:at], "//")
	if !found {
		return "…" + text[at:]
	}
	return scheme + "//…" + text[at:]
}

func validPort(u *url.URL) bool {
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	if u.Port() == "" {
		return true
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

// checkHost refuses what is neither an address nor a name, and what leads to a
// metadata service. Names are resolved, and checked again, when they are dialled.
func checkHost(host string) error {
	if address, err := netip.ParseAddr(host); err == nil {
		return guard.CheckAddress(address)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if slices.Contains([]string{
		"metadata", "metadata.google.internal", "metadata.goog",
		"instance-data", "instance-data.ec2.internal",
	}, host) {
		return fmt.Errorf("%s is a cloud's metadata service", host)
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool {
			return !alphanumeric(r) && r != '-' && r != '_'
		}) {
			return fmt.Errorf("%q is not a host name: use letters, digits, '-' and '_' between single dots (xn--… for others)", host)
		}
	}
	if last := labels[len(labels)-1]; numeric(last) {
		// Some resolvers read 2852039166 and 0xa9fea9fe as 169.254.169.254.
		return errors.New("a host that ends in a number must be an address like 192.0.2.7")
	}
	return nil
}

// numeric reports whether a resolver may take a label for a number.
func numeric(label string) bool {
	_, err := strconv.ParseUint(label, 0, 64)
	return err == nil || strings.Trim(label, "0123456789") == "" || strings.HasPrefix(label, "0x")
}
