package spec_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

func drawRewrite(t *rapid.T) *spec.Rewrite {
	if !rapid.Bool().Draw(t, "rewritten") {
		return nil
	}
	side := rapid.Custom(func(t *rapid.T) spec.SideRewrite {
		s := spec.SideRewrite{
			StripPrefix: text().Draw(t, "strip"), AddPrefix: text().Draw(t, "add"), Path: text().Draw(t, "path"), Host: text().Draw(t, "host"),
			RemoveHeaders: orNil(rapid.SliceOfN(text(), 0, 3).Draw(t, "removed")),
		}
		if headers := rapid.MapOfN(text(), text(), 0, 3).Draw(t, "set"); len(headers) > 0 {
			s.SetHeaders = headers
		}
		return s
	})
	return &spec.Rewrite{Legacy: rapid.Ptr(side, true).Draw(t, "legacy"), New: rapid.Ptr(side, true).Draw(t, "new")}
}

func TestRewrites(t *testing.T) {
	const unknown = `side new: path: template "/v2/{nr}" has the parameter "nr", which "/a" does not have: it has none at all`
	tests := map[string]string{
		"rewrite: {new: {path: /v2/a, host: orders.internal}}":          "",
		"rewrite: {legacy: {add_prefix: /v1}, new: {strip_prefix: /a}}": "",
		"rewrite: {new: {set_headers: {X-A: b, X-C: 1}}}":               "",
		"rewrite: {new: {set_headers: }}":                               "",
		"rewrite: {new: {path: '/v2/{nr}'}}":                            `f.yaml:11:27: route "r": ` + unknown,
		"rewrite:\n      legacy: {strip_prefix: /b}":                    `f.yaml:12:30: route "r": side legacy: strip_prefix is "/b", but the route matches "/a", which does not begin with it: strip only what every request has`,
		"rewrite: {new: {paht: /v2}}":                                   `f.yaml:11:21: unknown key "paht" in routes[0].rewrite.new; did you mean path?`,
		"rewrite: {new: {host: a b}}":                                   `f.yaml:11:27: route "r": side new: the host is "a b": host "a b": ' ' may not stand in a host name`,
		"rewrite: {new: {set_headers: [X-A]}}":                          `f.yaml:11:34: routes[0].rewrite.new.set_headers is a list: want a map, like {X-Name: value}`,
		"rewrite: {new: {set_headers: {X-A: b, X-A: c}}}":               `f.yaml:11:43: the key "X-A" occurs twice in routes[0].rewrite.new.set_headers`,
		"rewrite: {new: {set_headers: {X-A: b, x-a: c}}}":               `f.yaml:11:48: route "r": side new: the header x-a is named twice, here and as X-A: what is set replaces what the client sent, so once is enough`,
		"rewrite: {new: {set_headers: {X-A: [b]}}}":                     `f.yaml:11:40: routes[0].rewrite.new.set_headers.X-A is a list: want a single value`,
		"rewrite: {new: {set_headers: {X-A: }}}":                        `f.yaml:11:39: routes[0].rewrite.new.set_headers.X-A has no value: write one, or leave the key out`,
		`rewrite: {new: {set_headers: {X-A: "b\r\nX-B: c"}}}`:           `f.yaml:11:40: route "r": side new: the value for the header X-A contains a line end or another control character`,
		"rewrite: {new: {remove_headers: [Cookie, Connection]}}":        `f.yaml:11:46: route "r": side new: the header Connection is the router's: it says how this one message travels, or where it came from`,
	}
	for line, want := range tests {
		if got := problems(t, fmt.Sprintf(aroundRoute, line)); got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", line, got, want)
		}
	}
	many := "rewrite: {new: {remove_headers: [" + strings.Repeat("A, ", 33) + "]}}"
	want := `f.yaml:11:37: route "r": rewrite.new.remove_headers has 33 entries: at most 32 are allowed`
	if got := problems(t, fmt.Sprintf(aroundRoute, many)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestFaultyMatchIsReportedOnce: what the rewrite would be measured by is
// wrong itself, and that is the fault to mend.
func TestFaultyMatchIsReportedOnce(t *testing.T) {
	text := strings.Replace(fmt.Sprintf(aroundRoute, "rewrite: {new: {path: '/v2/{id}'}}"), "path: /a", "path: a", 1)
	want := `f.yaml:8:19: route "r": template "a" does not begin with a slash: write "/a"`
	if got := problems(t, text); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestRewritingOfASide(t *testing.T) {
	route := spec.Route{
		Name: "r", Match: spec.Match{Path: "/a/{id}"},
		Rewrite: &spec.Rewrite{New: &spec.SideRewrite{Path: "/b/{id}"}, Legacy: &spec.SideRewrite{Path: "/b/{nr}"}},
	}
	if rewrite, faults := route.Rewriting(routing.New); rewrite == nil || len(faults) > 0 {
		t.Errorf("new: %v, %v", rewrite, faults)
	}
	want := `route "r": side legacy: path: template "/b/{nr}" has the parameter "nr", which "/a/{id}" does not have: it has id`
	if rewrite, faults := route.Rewriting(routing.Legacy); rewrite == nil || faults.Error() != want {
		t.Errorf("legacy: %v, %v", rewrite, faults)
	}
	route.Rewrite = nil
	if rewrite, faults := route.Rewriting(routing.Legacy); rewrite != nil || faults != nil {
		t.Errorf("none: %v, %v", rewrite, faults)
	}
}

func TestEmptyRewriteIsNone(t *testing.T) {
	with := func(r *spec.Rewrite) spec.Definitions {
		return spec.Definitions{Routes: []spec.Route{{Name: "r", Rewrite: r}}}
	}
	none := with(nil).Digest()
	empty := &spec.SideRewrite{SetHeaders: map[string]string{}, RemoveHeaders: []string{}}
	for _, r := range []*spec.Rewrite{{}, {New: &spec.SideRewrite{}}, {Legacy: empty, New: empty}} {
		if with(r).Digest() != none {
			t.Errorf("%+v is not the same as none", r)
		}
	}
	headers := map[string]string{"B": "1", "A": "2"}
	one := with(&spec.Rewrite{New: &spec.SideRewrite{RemoveHeaders: []string{"D", "C"}, SetHeaders: headers}})
	other := with(&spec.Rewrite{New: &spec.SideRewrite{RemoveHeaders: []string{"C", "D"}, SetHeaders: maps.Clone(headers)}})
	if one.Digest() != other.Digest() || one.Digest() == none {
		t.Error("the order of headers to remove counts")
	}
	if got := one.Routes[0].Rewrite.New.RemoveHeaders; !slices.Equal(got, []string{"D", "C"}) {
		t.Errorf("normalising changed the definitions: %v", got)
	}
	text, err := spec.FormatYAML(one.Normalize())
	want := "routes:\n  - name: r\n    match: {}\n    legacy: \"\"\n    rewrite: {new: {set_headers: {A: \"2\", B: \"1\"}, remove_headers: [C, D]}}\n"
	if err != nil || string(text) != want {
		t.Errorf("%v\n%s", err, text)
	}
}
