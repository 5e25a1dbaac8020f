package routing_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

func FuzzNormalizePath(f *testing.F) {
	for _, seed := range []string{"", "/", "/a/../b", "/%2e%2e/x", "/..;x/y", "/a%2fb", "/%25%32%65", "//", "/a\\b", "/\xff", "/%", "/.;/..;", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		normal, err := routing.NormalizePath(raw)
		if err != nil {
			return
		}
		if again, err := routing.NormalizePath(normal); err != nil || again != normal {
			t.Fatalf("%q becomes %q, and that %q, %v", raw, normal, again, err)
		}
		if normal[0] != '/' || strings.ContainsFunc(normal, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' || r == '?' || r == '#' }) {
			t.Fatalf("%q becomes %q", raw, normal)
		}
		for segment := range strings.SplitSeq(normal, "/") {
			if name, _, _ := strings.Cut(segment, ";"); name == "." || name == ".." {
				t.Fatalf("%q becomes %q, which has a dot segment", raw, normal)
			}
		}
		if strings.Count(strings.ToUpper(raw), "%2F") < strings.Count(normal, "%2F") {
			t.Fatalf("%q becomes %q, which has another encoded slash", raw, normal)
		}
	})
}

// FuzzMatch holds a table of up to four templates and one host to a linear
// search by whole-path regular expressions.
func FuzzMatch(f *testing.F) {
	f.Add("/a/{x}", "/{y:[0-9]+}/b", "/a", "/{z}.json", "*.example", "a.example", "/a/b")
	f.Add("/", "/a//b", "/a/{x}-{y}", "/{q:a|ab}", "h", "h", "/a//b")
	f.Add("/{x:.*}", "/{x", "/..", "/%zz", "a:1", "", "/%41/..;/b")
	f.Fuzz(func(t *testing.T, a, b, c, prefix, hostPattern, host, rawPath string) {
		defs := []routing.Definition{
			define("a", routing.Match{Path: a}), define("b", routing.Match{Path: b, Host: hostPattern}),
			define("c", routing.Match{Path: c, TrailingSlash: true}), define("prefix", routing.Match{Prefix: prefix}),
		}
		table := routing.Compile(1, defs)
		path, err := routing.NormalizePath(rawPath)
		if err != nil {
			return
		}
		req := &routing.Request{Method: http.MethodGet, Host: routing.NormalizeHost(host), Path: path}
		want := ""
		for r := range table.Routes() {
			if linear(t, r, req) {
				want = r.Name
				break
			}
		}
		if got := nameOf(table.Match(req)); got != want {
			t.Fatalf("%s%s: %q wins, want %q", req.Host, path, got, want)
		}
		if got := nameOf(table.Explain(req).Assignment.Route); got != want {
			t.Fatalf("%s%s: explained as %q, want %q", req.Host, path, got, want)
		}
	})
}

// linear matches one valid route the slow and plain way.
func linear(t *testing.T, r *routing.Route, req *routing.Request) bool {
	m := &r.Definition.Match
	if m.Host != "" {
		host := strings.ToLower(strings.TrimSuffix(m.Host, "."))
		suffix, isSuffix := strings.CutPrefix(host, "*")
		host = strings.Trim(host, "[]")
		if !isSuffix && req.Host != host || isSuffix && (len(req.Host) <= len(suffix) || len(req.Host) > 253 || !strings.HasSuffix(req.Host, suffix)) {
			return false
		}
	}
	template, tail := m.Path, ""
	switch {
	case m.Prefix == "/":
		template, tail = "", "/.*"
	case m.Prefix != "":
		template, tail = m.Prefix, "(?:/.*)?"
	case m.TrailingSlash && m.Path != "/":
		template, tail = strings.TrimSuffix(m.Path, "/"), "/?"
	}
	parameter := regexp.MustCompile(`^\{[A-Za-z0-9_-]+(?::(.*))?\}$`)
	var expr strings.Builder
	for _, part := range parts(template) {
		if match := parameter.FindStringSubmatch(part); match != nil {
			if match[1] == "" {
				match[1] = "[^/]+"
			}
			expr.WriteString("(?:" + match[1] + ")")
			continue
		}
		literal, err := routing.NormalizePath("/-" + strings.ReplaceAll(part, "/", "/-")) // so that no dot segment arises
		if err != nil {
			t.Fatalf("valid template %q with literal %q: %v", template, part, err)
		}
		expr.WriteString(regexp.QuoteMeta(strings.ReplaceAll(literal[2:], "/-", "/")))
	}
	return regexp.MustCompile("^(?s:" + expr.String() + tail + ")$").MatchString(req.Path)
}

// parts cuts a template into literals and parameters.
func parts(template string) []string {
	depth, start := 0, 0
	var cuts []string
	for i := range len(template) {
		switch template[i] {
		case '{':
			if depth++; depth == 1 {
				cuts, start = append(cuts, template[start:i]), i
			}
		case '}':
			if depth--; depth == 0 {
				cuts, start = append(cuts, template[start:i+1]), i+1
			}
		}
	}
	return slices.DeleteFunc(append(cuts, template[start:]), func(s string) bool { return s == "" })
}
