package routing_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/routing"
)

// areas are literals of every length from 1 to 40 that differ in one place alone.
func areas() []string {
	var texts []string
	for length := 1; length <= 40; length++ {
		for at := range length {
			texts = append(texts, strings.Repeat("a", at)+"b"+strings.Repeat("a", length-at-1))
		}
	}
	return texts
}

// Every literal is found below its own node, whatever is like it there or elsewhere.
func TestManyLiterals(t *testing.T) {
	var defs []routing.Definition
	for i, text := range areas() {
		defs = append(defs, define("/"+text, routing.Match{Path: "/" + text}))
		if i%2 == 0 {
			defs = append(defs, define("/"+text+"/"+text, routing.Match{Path: "/" + text + "/" + text}))
		}
		if i%3 == 0 {
			defs = append(defs, define("/x/"+text, routing.Match{Path: "/x/" + text}))
		}
	}
	table := compile(t, defs...)
	for i, text := range areas() {
		want := map[string]bool{"/" + text: true, "/" + text + "/" + text: i%2 == 0, "/x/" + text: i%3 == 0, "/" + text + "c": false, "/c" + text: false, "/" + text + "/": false}
		for path, found := range want {
			if got := nameOf(table.Match(get(t, path))); found && got != path || !found && got != "" {
				t.Errorf("%s is matched by %q, want a match: %t", path, got, found)
			}
		}
	}
}

// Small tables, in which literals of different nodes often meet.
func TestLiteralsOfOtherNodes(t *testing.T) {
	for _, text := range areas() {
		table := compile(t, define("area", routing.Match{Path: "/" + text}), define("below x", routing.Match{Path: "/x/y"}), define("below z", routing.Match{Path: "/z/" + text}))
		for path, want := range map[string]string{"/" + text: "area", "/x/" + text: "", "/x/y": "below x", "/y": "", "/z/y": "", "/z/" + text: "below z"} {
			if got := nameOf(table.Match(get(t, path))); got != want {
				t.Fatalf("%s is matched by %q, want %q", path, got, want)
			}
		}
	}
}

func TestEmptySegmentsAreLiterals(t *testing.T) {
	table := compile(t, define("none", routing.Match{Path: "/a//b"}), define("end", routing.Match{Path: "/a/"}), define("one", routing.Match{Path: "/a/{x}/b"}))
	for path, want := range map[string]string{"/a//b": "none", "/a/": "end", "/a/x/b": "one", "/a": "", "/a//": "", "//a": ""} {
		if got := nameOf(table.Match(get(t, path))); got != want {
			t.Errorf("%s is matched by %q, want %q", path, got, want)
		}
	}
}

// Several routes of one path are asked in the order of precedence.
func TestManyRoutesOfOnePath(t *testing.T) {
	var defs []routing.Definition
	for _, method := range []string{"GET", "PUT", "PURGE", "REPORT"} {
		for i := range 3 {
			def := define(fmt.Sprint(method, i), routing.Match{Path: "/a/{x}", Methods: []string{method}})
			for j := range i {
				def.Match.Headers = append(def.Match.Headers, routing.Condition{Name: fmt.Sprint("X-", j)})
			}
			defs = append(defs, def)
		}
	}
	table := compile(t, append(defs, define("all", routing.Match{Prefix: "/a"}))...)
	for method, want := range map[string]string{"GET": "GET", "PUT": "PUT", "PURGE": "PURGE", "REPORT": "REPORT", "POST": "all"} {
		for i, headers := range [][]string{nil, {"X-0: 1"}, {"X-0: 1", "X-1: 1"}} {
			req := get(t, "/a/b", headers...)
			req.Method = method
			if want != "all" {
				want = fmt.Sprint(method, i)
			}
			if got := nameOf(table.Match(req)); got != want {
				t.Errorf("%s with %d headers is matched by %q, want %q", method, i, got, want)
			}
		}
	}
}
