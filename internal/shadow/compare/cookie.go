package compare

import (
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// cookie is one Set-Cookie field.
type cookie struct {
	name, value string
	attributes  string // "httponly; path=/", sorted; of Expires only that it is there, for it moves with the clock
}

func parseCookie(field string) cookie {
	parts := strings.Split(field, ";")
	name, value, _ := strings.Cut(parts[0], "=")
	found := cookie{name: strings.TrimSpace(name), value: strings.TrimSpace(value)}
	attributes := parts[1:]
	for i, attribute := range attributes {
		key, value, given := strings.Cut(attribute, "=")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		switch {
		case key == "expires" || !given:
			attributes[i] = key
		case key == "path":
			attributes[i] = key + "=" + value
		default:
			attributes[i] = key + "=" + strings.ToLower(value)
		}
	}
	slices.Sort(attributes)
	found.attributes = strings.Join(slices.DeleteFunc(attributes, func(a string) bool { return a == "" }), "; ")
	return found
}

func (c cookie) text() string { return c.name + "=" + c.value }

// cookies compares Set-Cookie fields by the names of the cookies. Of two with
// one name the later counts, as it does in a browser.
func (r *report) cookies(legacy, fresh []string, rules []*rule.Compiled) {
	if r.ignores(rules) {
		return
	}
	where := "header " + setCookie
	inFresh := map[string]cookie{}
	for _, c := range parseCookies(fresh) {
		inFresh[c.name] = c
	}
	for _, l := range parseCookies(legacy) {
		f, both := inFresh[l.name]
		delete(inFresh, l.name)
		if !both {
			r.add(where, KindMissing, stringValue(l.text()), Value{})
			continue
		}
		if l.value != f.value && !r.reconciles(rules, l.text(), f.text()) {
			r.add(where, KindValue, stringValue(l.text()), stringValue(f.text()))
		}
		if l.attributes != f.attributes {
			r.add(where, KindHeader, stringValue(l.name+"; "+l.attributes), stringValue(l.name+"; "+f.attributes))
		}
	}
	for _, f := range parseCookies(fresh) {
		if _, only := inFresh[f.name]; only {
			r.add(where, KindExtra, Value{}, stringValue(f.text()))
		}
	}
}

// parseCookies returns the cookies in their order, the later one of each name.
func parseCookies(fields []string) []cookie {
	found := make([]cookie, 0, len(fields))
	at := make(map[string]int, len(fields))
	for _, field := range fields {
		c := parseCookie(field)
		if i, again := at[c.name]; again {
			found[i] = c
			continue
		}
		at[c.name] = len(found)
		found = append(found, c)
	}
	return found
}
