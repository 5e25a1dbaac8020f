package shadow

import (
	"maps"
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// glimpse is what one comparison says about one signature.
type glimpse struct {
	Signature

	occurred             bool // legacy and new differ by it
	pairs                Pairs
	confirmed, transient uint64
}

// glimpses returns what the comparison says about every signature that any part
// of it shows, by id.
func glimpses(c *Comparison, redactor Redactor) []glimpse {
	if c.Result.Outcome == compare.Match && c.Noise == nil {
		return nil
	}
	result := lookAt(c.Route, &c.Result, redactor)
	all := make(map[string]*glimpse, len(result.found))
	for id, s := range result.found {
		all[id] = &glimpse{Signature: s, occurred: true}
	}
	if c.Noise != nil && c.Noise.Outcome != compare.Skipped {
		pairUp(all, &result, lookAt(c.Route, c.Noise, redactor))
	}
	if c.Second != nil && c.Second.Outcome != compare.Skipped {
		again := lookAt(c.Route, c.Second, redactor)
		for id, g := range all {
			if _, found := again.found[id]; found && g.occurred {
				g.confirmed = 1
			} else if g.occurred && again.lacks(&g.Signature, &result) {
				g.transient = 1
			}
		}
	}
	return sortedGlimpses(all)
}

// pairUp compares how new differs from legacy with how legacy differs from
// itself. New and the second answer of legacy both stand against the same first
// one, so if new is like legacy they are alike in how often they differ from it,
// signature by signature. What may merely not have been seen is not counted.
func pairUp(all map[string]*glimpse, result *look, itself look) {
	for id, g := range all {
		if _, both := itself.found[id]; both {
			g.pairs.Both = 1
		} else if itself.lacks(&g.Signature, result) {
			g.pairs.New = 1
		}
	}
	for id, s := range itself.found {
		if result.lacks(&s, &itself) {
			all[id] = &glimpse{Signature: s, pairs: Pairs{Legacy: 1}}
		}
	}
}

func sortedGlimpses(all map[string]*glimpse) []glimpse {
	list := make([]glimpse, 0, len(all))
	for g := range maps.Values(all) {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b glimpse) int { return strings.Compare(a.ID, b.ID) })
	return list
}
