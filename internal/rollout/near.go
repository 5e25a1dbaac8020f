package rollout

import (
	"cmp"
	"slices"
)

// nearest is how many names Near offers at most.
const nearest = 3

// Near returns the known names that name may be a slip of, the closest first:
// at most three, each at most a third of the name's length away (rounded up),
// counted in edits (Levenshtein). Package spec offers them as well.
func Near(name string, known []string) []string {
	limit := (len(name) + 2) / 3
	type candidate struct {
		name  string
		edits int
	}
	var found []candidate
	for _, k := range known {
		// A difference in length is already that many edits.
		if len(k)-len(name) > limit || len(name)-len(k) > limit {
			continue
		}
		if edits := distance(name, k); edits <= limit {
			found = append(found, candidate{k, edits})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.edits, b.edits), cmp.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range found[:min(nearest, len(found))] {
		names = append(names, c.name)
	}
	return names
}

// distance is the Levenshtein distance in bytes, one row at a time.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
