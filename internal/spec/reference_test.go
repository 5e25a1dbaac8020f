package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/spec"
)

// Each comparison of two names costs a little, and the store is locked meanwhile.
func TestSuggestionsAreMadeForTheFirstUnknownNamesOnly(t *testing.T) {
	defs := spec.Definitions{Backends: []spec.Backend{{Name: "orders", Endpoints: []string{"http://127.0.0.1:1"}}}}
	for i := range 30 {
		defs.Routes = append(defs.Routes, spec.Route{Name: fmt.Sprintf("r%02d", i), Match: spec.Match{Path: fmt.Sprintf("/%d", i)}, Legacy: "order"})
	}
	found := spec.Validate(defs, spec.Source{})
	suggested := 0
	for _, p := range found {
		if p.Code != spec.CodeReference {
			t.Errorf("found %v", p)
		}
		if strings.HasSuffix(p.Message, "did you mean orders?") {
			suggested++
		}
	}
	if len(found) != 30 || suggested != 20 {
		t.Errorf("%d problems, of which %d suggest a name; want 30 and 20", len(found), suggested)
	}
}

func TestListsAreBounded(t *testing.T) {
	many := func(n int, item string) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf(item, i)
		}
		return list
	}
	keys := func(n int) (list []spec.Key) {
		for i := range n {
			list = append(list, cookie(fmt.Sprint("c", i)))
		}
		return list
	}
	conditions := func(n int) (list []spec.Condition) {
		for i := range n {
			list = append(list, spec.Condition{Name: fmt.Sprint("X-", i)})
		}
		return list
	}
	with := func(change func(*spec.Backend, *spec.Group, *spec.Route)) spec.Definitions {
		b := spec.Backend{Name: "b", Endpoints: []string{"http://127.0.0.1:1"}}
		g := spec.Group{Name: "g"}
		r := spec.Route{Name: "r", Match: spec.Match{Prefix: "/"}, Legacy: "b"}
		change(&b, &g, &r)
		return spec.Definitions{Backends: []spec.Backend{b}, Groups: []spec.Group{g}, Routes: []spec.Route{r}}
	}
	for want, of := range map[string]func(n int) spec.Definitions{
		`backend "b": endpoints has 257 entries: at most 256 are allowed`: func(n int) spec.Definitions {
			return with(func(b *spec.Backend, _ *spec.Group, _ *spec.Route) { b.Endpoints = many(256+n, "http://h%d.example") })
		},
		`group "g": keys has 17 entries: at most 16 are allowed`: func(n int) spec.Definitions {
			return with(func(_ *spec.Backend, g *spec.Group, _ *spec.Route) { g.Keys = keys(16 + n) })
		},
		`route "r": keys has 17 entries: at most 16 are allowed`: func(n int) spec.Definitions {
			return with(func(_ *spec.Backend, _ *spec.Group, r *spec.Route) { r.Keys = keys(16 + n) })
		},
		`route "r": match.headers has 33 entries: at most 32 are allowed`: func(n int) spec.Definitions {
			return with(func(_ *spec.Backend, _ *spec.Group, r *spec.Route) { r.Match.Headers = conditions(32 + n) })
		},
		`route "r": match.query has 33 entries: at most 32 are allowed`: func(n int) spec.Definitions {
			return with(func(_ *spec.Backend, _ *spec.Group, r *spec.Route) { r.Match.Query = conditions(32 + n) })
		},
		`route "r": plan.steps has 101 entries: at most 100 are allowed`: func(n int) spec.Definitions {
			return with(func(_ *spec.Backend, _ *spec.Group, r *spec.Route) {
				r.Plan = &spec.Plan{Steps: append(many(100, "0.%02d%%")[1:], []string{"50%", "60%"}[:1+n]...)}
			})
		},
	} {
		if found := spec.Validate(of(0), spec.Source{}); len(found) > 0 {
			t.Errorf("at the bound, before %q: %v", want, found)
		}
		found := spec.Validate(of(1), spec.Source{})
		if len(found) != 1 || found[0].Message != want {
			t.Errorf("got %v, want %s", found, want)
		}
	}
}
