package exchange

import (
	"iter"
	"strings"
)

// CookieValues yields the values of every cookie of that name, in order.
func CookieValues(in Fields, name string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, line := range in["Cookie"] {
			if !strings.Contains(line, name) {
				continue
			}
			for pair := range strings.SplitSeq(line, ";") {
				found, value := splitCookie(pair)
				if found == name && !yield(value) {
					return
				}
			}
		}
	}
}

// DropCookie takes every cookie of that name out of fields. All other cookies
// stay byte for byte. The values that fields shares with others are not touched.
func DropCookie(fields Fields, name string) {
	var lines []string
	changed := false
	for _, line := range fields["Cookie"] {
		left := withoutCookie(line, name)
		changed = changed || left != line
		if left != "" || line == "" {
			lines = append(lines, left)
		}
	}
	switch {
	case !changed:
	case len(lines) == 0:
		delete(fields, "Cookie")
	default:
		fields["Cookie"] = lines
	}
}

func withoutCookie(line, name string) string {
	if !strings.Contains(line, name) {
		return line
	}
	var kept []string
	dropped := false
	for pair := range strings.SplitSeq(line, ";") {
		if found, _ := splitCookie(pair); found == name {
			dropped = true
			continue
		}
		kept = append(kept, pair)
	}
	if !dropped {
		return line
	}
	return strings.Trim(strings.Join(kept, ";"), " \t") // the blank that followed a dropped pair
}

func splitCookie(pair string) (name, value string) {
	name, value, _ = strings.Cut(pair, "=")
	return strings.Trim(name, " \t"), strings.Trim(value, " \t")
}
