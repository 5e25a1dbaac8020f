package compare_test

import (
	"testing"

	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

func TestLookupFindsWhatDifferencesName(t *testing.T) {
	answer := compare.Answer{
		Status: 200,
		Header: map[string][]string{"Vary": {"Origin, Accept"}, "Content-Type": {"application/json"}, "Empty": {""}},
		Body:   []byte(`{"a": {"b c": [10, {"ab": "x", "a": null}]}, "it's": true, "n": 1.50}`),
	}
	type found struct {
		compare.Value
		ok bool
	}
	for where, want := range map[string]found{
		"$.a['b c'][0]":   {compare.Value{Type: "number", Text: "10"}, true},
		"$.a['b c'][1].a": {compare.Value{Type: "null", Text: "null"}, true},
		"$.a['b c'][1]":   {compare.Value{Type: "object", Text: `{"ab":"x","a":null}`}, true},
		`$['it\'s']`:      {compare.Value{Type: "boolean", Text: "true"}, true},
		"$.n":             {compare.Value{Type: "number", Text: "1.50"}, true},
		"$.a.b":           {compare.Value{}, true},
		"$.n.x":           {compare.Value{}, true},
		"$.a['b c'][2]":   {compare.Value{}, true},
		"header Vary":     {compare.Value{Type: "string", Text: "accept, origin"}, true},
		"header Empty":    {compare.Value{}, true},
		"header Location": {compare.Value{}, true},
		"line 3":          {compare.Value{}, false},
		"body":            {compare.Value{}, false},
		"$.a…":            {compare.Value{}, false},
	} {
		value, ok := compare.Lookup(answer, where)
		if got := (found{value, ok}); got != want {
			t.Errorf("%s: %+v, want %+v", where, got, want)
		}
	}
}

func TestLookupCannotReadEveryBody(t *testing.T) {
	for name, answer := range map[string]compare.Answer{
		"no JSON":    {Body: []byte("<html>")},
		"no body":    {},
		"not gzip":   {Body: []byte(`{"a":1}`), Header: map[string][]string{"Content-Encoding": {"gzip"}}},
		"cut in two": {Body: []byte(`{"a":`)},
	} {
		if value, ok := compare.Lookup(answer, "$.a"); ok {
			t.Errorf("%s: found %+v", name, value)
		}
	}
}

// What a difference shows of legacy is what Lookup finds there.
func TestLookupAgreesWithCompare(t *testing.T) {
	legacy := compare.Answer{Status: 200, Header: map[string][]string{"Vary": {"Accept"}}, Body: []byte(`{"items":[{"id":1,"p":"1.0"},{"id":2,"p":"2"}],"gone":{"x":[1]},"t":"a"}`)}
	fresh := compare.Answer{Status: 200, Header: map[string][]string{}, Body: []byte(`{"items":[{"id":1,"p":1.0},{"id":2,"p":"3"}],"t":"b","more":1}`)}
	result := compare.Compare(legacy, fresh, compare.Options{Bodies: true})
	if len(result.Differences) < 5 {
		t.Fatalf("%d differences, want at least 5", len(result.Differences))
	}
	for _, d := range result.Differences {
		if value, ok := compare.Lookup(legacy, d.Where); !ok || value != d.Legacy {
			t.Errorf("%s: legacy has %+v (%v), and the difference says %+v", d.Where, value, ok, d.Legacy)
		}
		if value, ok := compare.Lookup(fresh, d.Where); !ok || value != d.New {
			t.Errorf("%s: new has %+v (%v), and the difference says %+v", d.Where, value, ok, d.New)
		}
	}
}
