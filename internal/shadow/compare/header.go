package compare

import (
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// DefaultHeaders are the response fields that are compared where a route names
// none: those that a client acts upon. Left out are the fields that differ by
// nature (Date, Age, Server, ETag, Last-Modified, and whatever a proxy adds), those
// of the connection and of the coding (Content-Length, Content-Encoding), and
// Set-Cookie, whose values hardly ever agree.
//
// Content-Type is compared by its media type and parameters, in any order;
// Allow, Cache-Control, Content-Language and Vary as sets, the latter without
// Accept-Encoding, which goes with the coding; Set-Cookie, where a route names
// it, cookie by cookie. All others are compared by their text.
func DefaultHeaders() []string {
	return []string{
		"Allow", "Cache-Control", "Content-Disposition", "Content-Language", "Content-Location", "Content-Range",
		"Content-Type", "Link", "Location", "Retry-After", "Vary", "Www-Authenticate",
	}
}

const setCookie = "Set-Cookie"

func (r *report) headers(legacy, fresh map[string][]string, o Options) {
	names := o.Headers
	if names == nil {
		names = DefaultHeaders()
	}
	for _, name := range names {
		l, f := legacy[name], fresh[name]
		if slices.Equal(l, f) {
			continue
		}
		rules := o.Rules.Header(name).Here()
		if name == setCookie {
			r.cookies(l, f, rules)
		} else {
			r.field(name, headerText(name, l), headerText(name, f), rules)
		}
	}
}

// field compares one response field; the empty text is an absent one.
func (r *report) field(name, legacy, fresh string, rules []*rule.Compiled) {
	if legacy == fresh || r.ignores(rules) {
		return
	}
	where := "header " + name
	switch {
	case fresh == "":
		r.add(where, KindMissing, stringValue(legacy), Value{})
	case legacy == "":
		r.add(where, KindExtra, Value{}, stringValue(fresh))
	case !r.reconciles(rules, legacy, fresh):
		r.add(where, KindHeader, stringValue(legacy), stringValue(fresh))
	}
}

func stringValue(text string) Value { return Value{Type: "string", Text: shown(text)} }

// headerText is what a field is compared as. One that is there and says nothing
// is as good as none.
func headerText(name string, values []string) string {
	text := strings.TrimSpace(strings.Join(values, ", "))
	switch name {
	case "Content-Type":
		return mediaTypeText(text)
	case "Vary":
		return setText(strings.ToLower(text), "accept-encoding")
	case "Cache-Control", "Content-Language":
		return setText(strings.ToLower(text), "")
	case "Allow":
		return setText(text, "")
	default:
		return text
	}
}

// setText is a list whose order means nothing, sorted, without one of its members.
func setText(list, without string) string {
	members := splitList(list, ',')
	members = slices.DeleteFunc(members, func(m string) bool { return m == without || m == "" })
	slices.Sort(members)
	return strings.Join(slices.Compact(members), ", ")
}

// mediaTypeText is a Content-Type in one spelling: names and charset in lower
// case, parameters sorted and without quotes.
func mediaTypeText(text string) string {
	parts := splitList(text, ';')
	if len(parts) == 0 {
		return ""
	}
	parameters := parts[1:]
	for i, parameter := range parameters {
		name, value, _ := strings.Cut(parameter, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(value), `"`)
		if name == "charset" {
			value = strings.ToLower(value)
		}
		parameters[i] = name + "=" + value
	}
	parameters = slices.DeleteFunc(parameters, func(p string) bool { return p == "=" })
	slices.Sort(parameters)
	return strings.Join(append([]string{strings.ToLower(parts[0])}, parameters...), "; ")
}

// splitList splits at separators that are not between quotes, and trims the parts.
func splitList(list string, separator byte) []string {
	if list == "" {
		return nil
	}
	var parts []string
	quoted, begin := false, 0
	for i := range len(list) {
		switch {
		case list[i] == '"' && (i == 0 || list[i-1] != '\\'):
			quoted = !quoted
		case list[i] == separator && !quoted:
			parts = append(parts, strings.TrimSpace(list[begin:i]))
			begin = i + 1
		}
	}
	return append(parts, strings.TrimSpace(list[begin:]))
}
