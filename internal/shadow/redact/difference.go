package redact

import (
	"strings"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// Difference returns a difference as it may be kept: its values, and the names
// in its path that look like secrets.
func (r *Redactor) Difference(d compare.Difference) compare.Difference {
	name, isHeader := strings.CutPrefix(d.Where, "header ")
	switch {
	case d.Kind == compare.KindStatus:
	case isHeader && d.Kind == compare.KindHeader && name == "Set-Cookie": // the name and the attributes of a cookie, without its value
	case isHeader:
		r.both(&d, func(v compare.Value) string { return r.header(name, v.Text) })
	case strings.HasPrefix(d.Where, "$"):
		at, shown := r.follow(d.Where)
		if d.Path == d.Where {
			d.Path = shown
		} else {
			d.Path = r.Path(d.Path)
		}
		d.Where = shown
		r.both(&d, func(v compare.Value) string { return r.jsonValue(at, v) })
	case d.Kind == compare.KindBytes: // hashes already, but such as whoever guesses can make
		r.both(&d, func(v compare.Value) string { return r.hide("bytes", v.Text) })
	default:
		r.both(&d, func(v compare.Value) string { return r.scrub(v.Text) })
	}
	return d
}

// Path returns the path of a difference with those names hidden that look like secrets.
func (r *Redactor) Path(path string) string {
	if !strings.HasPrefix(path, "$") {
		return path
	}
	_, shown := r.follow(path)
	return shown
}

// both replaces the texts of a difference. One that was cut is hidden as a
// whole: what is left of a secret at its end looks like none.
func (r *Redactor) both(d *compare.Difference, text func(compare.Value) string) {
	for _, v := range []*compare.Value{&d.Legacy, &d.New} {
		switch {
		case v.Text == "":
		case !wasCut(v.Text):
			v.Text = text(*v)
		case strings.HasPrefix(d.Where, "$"):
			v.Text = string(quote(r.hide(v.Type, v.Text)))
		default:
			v.Text = r.hide("string", v.Text)
		}
	}
}

// wasCut reports whether the end of a value is missing. A cut one ends in "…",
// and is long, but for bytes that were no UTF-8; a line of a page may end so too.
func wasCut(text string) bool {
	const line, slack = 80, 8
	return strings.HasSuffix(text, "…") && len(text) > line || len(text) > compare.MaxText-slack
}

func (r *Redactor) jsonValue(at place, v compare.Value) string {
	if shown, ok := r.json([]byte(v.Text), at); ok {
		return string(shown)
	}
	return string(quote(r.hide(v.Type, v.Text)))
}
