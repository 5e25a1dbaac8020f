package exchange

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/stranglerfig/strangler/internal/routing"
)

// RewriteFault is one thing that is wrong with a RewriteDefinition.
type RewriteFault struct {
	Field   string // as definitions write it: path, set_headers.X-A, remove_headers[0]
	Message string // what is wrong with the value, and what to write instead
}

// rewriteFaults collects them.
type rewriteFaults []RewriteFault

func (f *rewriteFaults) add(field, format string, args ...any) {
	*f = append(*f, RewriteFault{Field: field, Message: fmt.Sprintf(format, args...)})
}

// prefix reads a template of match's parameters that paths are to begin with.
func (f *rewriteFaults) prefix(field, text string, match routing.Template) routing.Template {
	switch text {
	case "":
		return routing.Template{}
	case "/":
		f.add(field, "%s is \"/\", which changes nothing: leave it out", field)
		return routing.Template{}
	}
	return f.template(field, routing.Match{Prefix: text}, match)
}

// stripped reads what match guarantees to stand at the beginning of a path.
func (f *rewriteFaults) stripped(text string, match routing.Template) routing.Template {
	before := len(*f)
	head := f.prefix("strip_prefix", text, match)
	if len(*f) > before {
		return routing.Template{}
	}
	head, ok := match.Head(head)
	if !ok {
		f.add("strip_prefix", "strip_prefix is %q, but the route matches %q, which does not begin with it: strip only what every request has",
			text, match)
	}
	return head
}

// template reads a template of match's parameters.
func (f *rewriteFaults) template(field string, like routing.Match, match routing.Template) routing.Template {
	text := like.Path + like.Prefix
	switch {
	case strings.ContainsAny(text, "?#"):
		f.add(field, "%s is %q: a path has no query and no fragment; the client's query is passed on as it is", field, text)
		return routing.Template{}
	case strings.HasPrefix(text, "//"):
		f.add(field, "%s is %q: what begins with two slashes is taken for a host, write one", field, text)
		return routing.Template{}
	}
	t, err := like.Template()
	if err == nil {
		t, err = t.Within(match)
	}
	if err != nil {
		f.add(field, "%s: %s", field, err)
	}
	return t
}

func (f *rewriteFaults) checkHost(text string) {
	if text == "" {
		return
	}
	if fault := hostFault(text); fault != "" {
		f.add("host", "the host is %q: %s", text, fault)
	}
}

// hostFault says what keeps text from being a Host header; empty: nothing.
func hostFault(text string) string {
	name := text
	if colon := strings.LastIndexByte(text, ':'); colon >= 0 && !strings.HasSuffix(text, "]") {
		name = text[:colon]
		if port, err := strconv.ParseUint(text[colon+1:], 10, 16); err != nil || port == 0 {
			return "a port is a number from 1 to 65535"
		}
	}
	if strings.ContainsAny(name, "[]:%") {
		addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
		if err != nil || !addr.Is6() || addr.Zone() != "" || name[0] != '[' {
			return "write a name like orders.internal, or an IPv6 address in brackets"
		}
		return ""
	}
	if err := routing.CheckHost(name); err != nil {
		return err.Error()
	}
	return ""
}

func (f *rewriteFaults) checkHeaders(def *RewriteDefinition) {
	written := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(def.SetHeaders)) {
		field := "set_headers." + name
		f.checkHeaderName(field, name, written)
		if fault := valueFault(def.SetHeaders[name]); fault != "" {
			f.add(field, "the value for the header %s %s", name, fault)
		}
	}
	for i, name := range def.RemoveHeaders {
		f.checkHeaderName(fmt.Sprintf("remove_headers[%d]", i), name, written)
	}
}

// checkHeaderName checks one name; written are those before it, by canonical name.
func (f *rewriteFaults) checkHeaderName(field, name string, written map[string]string) {
	if !isToken(name) {
		f.add(field, "%q is no header name: write one like X-Tenant", name)
		return
	}
	full := canonical(name)
	switch earlier, twice := written[full]; {
	case full == "Host":
		f.add(field, "the header %s has a key of its own: write host", name)
	case hopByHop(full) || ours(full):
		f.add(field, "the header %s is the router's: it says how this one message travels, or where it came from", name)
	case reserved(full) || disguised(full):
		f.add(field, "the header %s is the router's: backends believe it, so no route may change it", name)
	case twice:
		f.add(field, "the header %s is named twice, here and as %s: what is set replaces what the client sent, so once is enough", name, earlier)
	}
	written[full] = name
}

// ours reports whether a field is set by the router, or by net/http for it.
func ours(name string) bool {
	switch name {
	case "Content-Length", "Expect", "X-Request-Id":
		return true
	default:
		return false
	}
}

// maxHeaderValue is in bytes; servers refuse heads from about 8 KiB on.
const maxHeaderValue = 4096

// valueFault says what keeps text from being a field value. It does not repeat
// the value, which may be a password for the backend.
func valueFault(text string) string {
	switch {
	case len(text) > maxHeaderValue:
		return fmt.Sprintf("has %d bytes: at most %d are allowed", len(text), maxHeaderValue)
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "contains a line end or another control character"
	case strings.Trim(text, " \t") != text:
		return "begins or ends with a space, which no server ever sees: leave it out"
	default:
		return ""
	}
}

// isToken reports whether text is a token of RFC 9110 §5.6.2.
func isToken(text string) bool {
	for _, c := range []byte(text) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return text != ""
}
