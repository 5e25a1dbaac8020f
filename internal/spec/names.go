package spec

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// maxName is how long the name of a backend, group, webhook or route may be.
const maxName = 100

// named is the names of one kind of object, in the order of the definitions.
type named struct {
	kind  string
	names []string
}

// objects lists what the definitions name, kind by kind.
func (d Definitions) objects() []named {
	lists := []named{{kind: KindBackend}, {kind: KindGroup}, {kind: KindWebhook}, {kind: KindRoute}}
	for _, b := range d.Backends {
		lists[0].names = append(lists[0].names, b.Name)
	}
	for _, g := range d.Groups {
		lists[1].names = append(lists[1].names, g.Name)
	}
	for _, w := range d.Webhooks {
		lists[2].names = append(lists[2].names, w.Name)
	}
	for _, r := range d.Routes {
		lists[3].names = append(lists[3].names, r.Name)
	}
	return lists
}

// checkNames finds names that are missing, malformed or used twice for one kind.
func checkNames(defs Definitions) []finding {
	var found findings
	for _, list := range defs.objects() {
		seen := make(map[string]int, len(list.names))
		for i, name := range list.names {
			found.object(list.kind, name, i)
			if fault := nameFault(name); fault != "" {
				found.add("name", CodeName, "%s", fault)
				continue
			}
			if earlier, twice := seen[name]; twice {
				found.add("name", CodeDuplicate, "%s and %s have the same name: rename one of them",
					fieldPath(list.kind, earlier, ""), fieldPath(list.kind, i, ""))
				continue
			}
			seen[name] = i
		}
	}
	return found.list
}

// nameFault says what is wrong with a name; empty: nothing. Names are shown by
// terminals, pages and logs, and are parts of URLs and commands.
func nameFault(name string) string {
	const want = "a name has letters, digits, '-', '_' and '.', and begins with a letter or digit"
	if name == "" {
		return "the name is missing: " + want
	}
	if n := utf8.RuneCountInString(name); n > maxName {
		return fmt.Sprintf("the name has %d characters: at most %d are allowed", n, maxName)
	}
	for i, r := range []rune(name) {
		if !alphanumeric(r) && (i == 0 || !slices.Contains([]rune("-_."), r)) {
			return fmt.Sprintf("character %d of the name is %q: %s", i+1, r, want)
		}
	}
	return ""
}

func alphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
