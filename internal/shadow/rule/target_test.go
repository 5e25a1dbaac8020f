package rule_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

func TestTargetsAreReadAndPrinted(t *testing.T) {
	for written, want := range map[string]string{
		"status":                       "status",
		"body":                         "body",
		"header vary":                  "header Vary",
		"header  X-REQUEST-id ":        "header X-Request-Id",
		"$":                            "$",
		"$.a.b":                        "$.a.b",
		"$['a']['b c']":                "$.a['b c']",
		`$["a"]["it's"]`:               `$.a['it\'s']`,
		`$['\u00e9\n\\\'\/']`:          `$['é\u000a\\\'/']`,
		"$.items[*].price":             "$.items[*].price",
		"$.items.*.price":              "$.items[*].price",
		"$[0][10]":                     "$[0][10]",
		"$..name":                      "$..name",
		"$..['a b']":                   "$..['a b']",
		"$..*":                         "$..[*]",
		"$..[*]":                       "$..[*]",
		"$..[3].x":                     "$..[3].x",
		"$.a..b..c":                    "$.a..b..c",
		"$.unit-price":                 "$['unit-price']",
		"$.größe":                      "$['größe']",
		"$['3']":                       "$['3']",
		"$['']":                        "$['']",
		"$" + strings.Repeat(".a", 32): "$" + strings.Repeat(".a", 32),
	} {
		target, err := rule.ParseTarget(written)
		if err != nil || target.String() != want {
			t.Errorf("%s became %s, want %s; %v", written, target, want, err)
		}
	}
}

func TestWhatIsNoTarget(t *testing.T) {
	const path = " is neither a path like $.items[*].price nor \"header Vary\", \"status\" or \"body\""
	for written, want := range map[string]string{
		"":                              `""` + path,
		"items.price":                   `"items.price"` + path,
		"Status":                        `"Status"` + path,
		"header":                        `"header"` + path,
		"header ":                       `"header " names no header field; write it like "header Vary"`,
		"header a b":                    `"a b" is no name of a header field`,
		"$a":                            `"$a", character 2: a step begins with a dot or a bracket`,
		"$.":                            `"$.", character 3: a name or * is missing; a name with other characters is written ['like this']`,
		"$..":                           `"$..", character 4: a name or * is missing; a name with other characters is written ['like this']`,
		"$.a b":                         `"$.a b", character 4: a step begins with a dot or a bracket`,
		"$.3":                           `"$.3", character 3: no name begins so behind a dot; write [3] for an element and ['3'] for a member`,
		"$.[3]":                         `"$.[3]", character 3: a name or * is missing; a name with other characters is written ['like this']`,
		"$.é[":                          `"$.é[", character 5: a bracket takes [3], [*] or ['a name']; filters, slices and places counted from the end are not known`,
		"$[-1]":                         `"$[-1]", character 3: a bracket takes [3], [*] or ['a name']; filters, slices and places counted from the end are not known`,
		"$[?(@.a)]":                     `"$[?(@.a)]", character 3: a bracket takes [3], [*] or ['a name']; filters, slices and places counted from the end are not known`,
		"$[1:2]":                        `"$[1:2]", character 4: ] is missing`,
		"$[01]":                         `"$[01]", character 3: 01 is no index of an array`,
		"$[99999999999]":                `"$[99999999999]", character 3: 99999999999 is no index of an array`,
		"$['a":                          `"$['a", character 5: the quote is not closed`,
		`$['\x41']`:                     `"$['\\x41']", character 4: no such escape; write \', \\, \n or \u00e9`,
		`$['\ud800']`:                   `"$['\\ud800']", character 4: no such escape; write \', \\, \n or \u00e9`,
		`$['\`:                          `"$['\\", character 4: no such escape; write \', \\, \n or \u00e9`,
		"$.\xff":                        `"$.\xff" is no UTF-8`,
		"$" + strings.Repeat(".a", 33):  `"$` + strings.Repeat(".a", 33) + `" has more than 32 steps`,
		"$." + strings.Repeat("a", 255): `it has 257 bytes, and at most 256 are allowed`,
	} {
		_, err := rule.ParseTarget(written)
		if !errors.Is(err, rule.ErrTarget) {
			t.Errorf("%q: %v", written, err)
			continue
		}
		if got := strings.TrimPrefix(err.Error(), rule.ErrTarget.Error()+": "); got != want {
			t.Errorf("%q: got\n%s\nwant\n%s", written, got, want)
		}
	}
}

// place is one step down an answer, as a walk takes it.
type place struct {
	name  string
	at    int
	array bool
}

func names() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "items", "", "a b", "it's", `\`, "é", "3", "\x00", "x.y", "*"}), rapid.StringN(0, 4, 8))
}

// drawPath draws a target as RFC 9535 writes it.
func drawPath(t *rapid.T) string {
	path := []byte("$")
	for range rapid.IntRange(0, 5).Draw(t, "steps") {
		if rapid.IntRange(0, 4).Draw(t, "deep") == 0 {
			path = append(path, ".."...)
			path = append(path, rapid.SampledFrom([]string{"a", "b", "*", "[*]", "[0]", "['a b']"}).Draw(t, "below")...)
			continue
		}
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			path = append(path, "[*]"...)
		case 1:
			path = rule.AppendIndex(path, rapid.IntRange(0, 3).Draw(t, "index"))
		default:
			path = rule.AppendKey(path, names().Draw(t, "name"))
		}
	}
	return string(path)
}

func TestAPrintedTargetIsReadAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		written := drawPath(t)
		target, err := rule.ParseTarget(written)
		if err != nil {
			t.Fatal(err)
		}
		again, err := rule.ParseTarget(target.String())
		if err != nil || again.String() != target.String() {
			t.Fatalf("%s is printed %s, and that is read as %s, %v", written, target, again, err)
		}
	})
}

func FuzzParseTarget(f *testing.F) {
	for _, seed := range []string{"$", "$.a[3]['b']..c[*].*", "header vary", "status", "$['\\u00e9\\'']", "$..", "$[", "$.\xff", "$[\"a\"]", "$..[*]", "$['\\", "body"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, written string) {
		target, err := rule.ParseTarget(written)
		if err != nil {
			if !errors.Is(err, rule.ErrTarget) {
				t.Fatal(err)
			}
			return
		}
		printed := target.String()
		if again, err := rule.ParseTarget(printed); len(printed) <= rule.MaxTarget && (err != nil || again.String() != printed) {
			t.Fatalf("%q is printed %q, and that is read as %q, %v", written, printed, again, err)
		}
	})
}
