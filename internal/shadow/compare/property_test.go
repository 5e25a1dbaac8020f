package compare_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wI2L/jsondiff"
	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

func TestTheSameInAnySpellingMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		document := documents().Draw(t, "document")
		legacy, fresh := printed(t, document), printed(t, document)
		if r := inJSON(legacy, fresh, compare.Options{}); r.Outcome != compare.Match {
			t.Fatalf("%s against %s: %v", legacy, fresh, told(r))
		}
	})
}

func TestOneChangeIsOneDifferenceAtItsPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		document := documents().Draw(t, "document")
		m := mutated(t, document, "$", "$")
		legacy, fresh := printed(t, document), printed(t, m.document)
		r := inJSON(legacy, fresh, compare.Options{})
		if r.Outcome != compare.Mismatch || len(r.Differences) != 1 {
			t.Fatalf("%s against %s: %v, want one difference at %s", legacy, fresh, told(r), m.where)
		}
		if d := r.Differences[0]; d.Where != m.where || d.Path != m.path || string(d.Kind) != m.kind {
			t.Fatalf("%s against %s: %s %s (%s), want %s %s (%s)", legacy, fresh, d.Kind, d.Where, d.Path, m.kind, m.where, m.path)
		}
		back := inJSON(fresh, legacy, compare.Options{})
		if len(back.Differences) != 1 || back.Differences[0].Path != m.path {
			t.Fatalf("%s against %s: %v, want one difference at %s", fresh, legacy, told(back), m.path)
		}
	})
}

func TestOrderMeansNothingWhereARuleSaysSo(t *testing.T) {
	o := ruled(t, rule.Rule{Kind: rule.Unordered, Target: "$"}, rule.Rule{Kind: rule.Unordered, Target: "$..*"})
	rapid.Check(t, func(t *rapid.T) {
		document := documents().Draw(t, "document")
		legacy, fresh := printed(t, document), printed(t, reordered(t, document))
		if r := inJSON(legacy, fresh, o); r.Outcome != compare.Match {
			t.Fatalf("%s against %s: %v", legacy, fresh, told(r))
		}
	})
}

func reordered(t *rapid.T, document any) any {
	switch v := document.(type) {
	case []any:
		if len(v) < 2 {
			return v
		}
		elements := rapid.Permutation(slices.Clone(v)).Draw(t, "permutation")
		for i, element := range elements {
			elements[i] = reordered(t, element)
		}
		return elements
	case map[string]any:
		members := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			members[key] = reordered(t, v[key])
		}
		return members
	default:
		return document
	}
}

func TestOrderIsNoticedById(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom([]string{"id", "_id", "uuid", "key", "sku", "name"}).Draw(t, "key")
		n := rapid.IntRange(2, 8).Draw(t, "n")
		elements := make([]any, n)
		for i := range elements {
			elements[i] = map[string]any{key: fmt.Sprint("x", i), "value": documents().Draw(t, "value")}
		}
		shuffled := rapid.Permutation(slices.Clone(elements)).Draw(t, "permutation")
		first, _ := shuffled[0].(map[string]any)
		shuffled[0] = map[string]any{key: first[key], "value": "something else"}
		r := inJSON(printed(t, elements), printed(t, shuffled), compare.Options{})
		at := slices.IndexFunc(elements, func(e any) bool { return e.(map[string]any)[key] == first[key] })
		place := fmt.Sprintf("$[%d].value", at)
		for _, d := range r.Differences {
			isOrder := d.Where == "$" && d.Kind == compare.KindOrder
			if !isOrder && !strings.HasPrefix(d.Where, place) {
				t.Fatalf("%v, want only an order and what is at %s", told(r), place)
			}
		}
		if len(r.Differences) == 0 {
			t.Fatalf("no difference, want one at %s", place)
		}
	})
}

func TestEveryNumberSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.StringMatching(`-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,12})?`).Draw(t, "number")
		legacy := "[" + n + "]"
		r := inJSON(legacy, "[null]", compare.Options{})
		if got := r.Differences[0].Legacy.Text; got != n {
			t.Fatalf("%s is shown as %s", n, got)
		}
		mantissa, exponent, _ := strings.Cut(strings.ToLower(n), "e")
		power, _ := strconv.Atoi(exponent)
		if !strings.Contains(mantissa, ".") {
			mantissa += "."
		}
		same := fmt.Sprintf("[%s000e%d]", mantissa, power)
		if r := inJSON(legacy, same, compare.Options{}); r.Outcome != compare.Match {
			t.Fatalf("%s against %s: %v", legacy, same, told(r))
		}
		other := fmt.Sprintf("[%s0001e%d]", mantissa, power)
		if r := inJSON(legacy, other, compare.Options{}); r.Outcome != compare.Mismatch {
			t.Fatalf("%s against %s: %v", legacy, other, told(r))
		}
		if strings.Trim(strings.TrimLeft(mantissa, "-"), "0.") == "" {
			return // a zero in any power is zero
		}
		other = fmt.Sprintf("[%s0e%d]", mantissa, power+1)
		if r := inJSON(legacy, other, compare.Options{}); r.Outcome != compare.Mismatch {
			t.Fatalf("%s against %s: %v", legacy, other, told(r))
		}
	})
}

// jsondiff and we agree on the places of differences, as long as arrays keep
// their length: it compares them by place alone, and numbers as floats.
func TestAgreementWithJSONDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		document := documents().Draw(t, "document")
		changed, serial := document, 0
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			serial++
			changed = replaced(t, changed, fmt.Sprintf("new %d", serial))
		}
		legacy, fresh := printed(t, document), printed(t, changed)
		patch, err := jsondiff.CompareJSON([]byte(legacy), []byte(fresh))
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for _, operation := range patch {
			of := fresh
			if operation.Type == jsondiff.OperationRemove {
				of = legacy
			}
			want = append(want, placeOf(t, of, operation.Path))
		}
		for _, d := range inJSON(legacy, fresh, compare.Options{}).Differences {
			got = append(got, d.Where)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Fatalf("%s against %s: %v, and jsondiff says %v", legacy, fresh, got, want)
		}
	})
}

// replaced puts a text that is nowhere else in place of something.
func replaced(t *rapid.T, document any, text string) any {
	if rapid.IntRange(0, 3).Draw(t, "here") == 0 {
		return text
	}
	switch v := document.(type) {
	case []any:
		if len(v) == 0 {
			return text
		}
		copied := slices.Clone(v)
		at := rapid.IntRange(0, len(v)-1).Draw(t, "element")
		copied[at] = replaced(t, v[at], text)
		return copied
	case map[string]any:
		copied := maps.Clone(v)
		if _, there := copied["a"]; there && rapid.Bool().Draw(t, "remove") {
			delete(copied, "a")
		} else {
			copied["a"] = text
		}
		return copied
	default:
		return text
	}
}

// placeOf turns a JSON pointer into a path.
func placeOf(t *rapid.T, document, pointer string) string {
	var at any
	if err := json.Unmarshal([]byte(document), &at); err != nil {
		t.Fatal(err)
	}
	path := []byte("$")
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch v := at.(type) {
		case []any:
			i, _ := strconv.Atoi(token)
			path, at = rule.AppendIndex(path, i), v[i]
		case map[string]any:
			path, at = rule.AppendKey(path, token), v[token]
		}
	}
	return string(path)
}
