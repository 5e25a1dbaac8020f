package shadow_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
	"github.com/stranglerfig/strangler/internal/shadow/redact"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// redactor is what a router redacts by.
func redactor(t testing.TB) shadow.Redactor {
	t.Helper()
	keys, err := auth.ParseRedactionKeys("k1:" + strings.Repeat("A", 43) + "=")
	if err != nil {
		t.Fatal(err)
	}
	r, err := redact.New(keys, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func answer(body string) compare.Answer {
	return compare.Answer{Status: 200, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: []byte(body)}
}

// found compares pairs of JSON bodies as a router does, and returns what is kept.
func found(t *testing.T, pairs ...[2]string) (shadow.Evidence, []shadow.Exemplar) {
	t.Helper()
	c := shadow.NewCollector(shadow.CollectorConfig{})
	c.SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: redactor(t)}})
	for i, pair := range pairs {
		c.Add(comparison(i, compare.Compare(answer(pair[0]), answer(pair[1]), compare.Options{Bodies: true})))
	}
	batch := c.Drain()
	return evidence(batch), batch.Exemplars
}

func TestPreviewSaysWhatARuleWouldHaveHidden(t *testing.T) {
	ignore := func(target string) rule.Rule { return rule.Rule{Kind: rule.Ignore, Target: target} }
	unordered := rule.Rule{Kind: rule.Unordered, Target: "$.items"}
	within := func(target, within string) rule.Rule {
		return rule.Rule{Kind: rule.Tolerance, Target: target, Within: within}
	}
	caseless := func(target string) rule.Rule { return rule.Rule{Kind: rule.Case, Target: target} }
	hosts := rule.Rule{Kind: rule.Replace, Target: "$.url", Pattern: "https://[^/]+", With: ""}
	type pairs = [][2]string
	rich := pairs{
		{`{"at":1,"n":{"x":1},"items":[{"p":1},{"p":2}]}`, `{"at":2,"n":{"x":2},"items":[{"p":3},{"p":2}]}`},
		{`{"at":1,"n":{"x":1},"items":[{"p":1},{"p":2}]}`, `{"at":3,"n":{"x":1},"items":[{"p":1},{"p":4}]}`},
	}
	long := strings.Repeat("x", compare.MaxText)
	for name, test := range map[string]struct {
		pairs pairs
		rule  rule.Rule
		want  shadow.Previewed
	}{
		"a place":             {rich, ignore("$.at"), shadow.Previewed{Hidden: 2, Of: 5, Exemplars: 2}},
		"all elements":        {rich, ignore("$.items[*].p"), shadow.Previewed{Hidden: 2, Of: 5, Exemplars: 2}},
		"what lies below":     {rich, ignore("$.n"), shadow.Previewed{Hidden: 1, Of: 5, Exemplars: 2}},
		"one element":         {rich, ignore("$.items[0].p"), shadow.Previewed{Hidden: 1, Of: 5, About: true, Exemplars: 2}},
		"anywhere":            {rich, ignore("$..p"), shadow.Previewed{Hidden: 2, Of: 5, Exemplars: 2}},
		"everything":          {rich, ignore("$"), shadow.Previewed{Hidden: 5, Of: 5, Exemplars: 2, Everything: true}},
		"a body as a whole":   {rich, ignore("body"), shadow.Previewed{Hidden: 5, Of: 5, Exemplars: 2, Everything: true}},
		"nothing there":       {rich, ignore("$.other"), shadow.Previewed{Of: 5, Exemplars: 2}},
		"numbers, some close": {pairs{{`{"n":1}`, `{"n":1.01}`}, {`{"n":1}`, `{"n":1.02}`}}, within("$.n", "0.01"), shadow.Previewed{Hidden: 1, Of: 2, About: true, Exemplars: 2}},
		"numbers that are texts": {
			pairs{{`{"n":"1"}`, `{"n":"1.001"}`}},
			within("$.n", "0.01"),
			shadow.Previewed{Of: 1, Exemplars: 1},
		},
		"a number cut":     {pairs{{`{"n":1}`, `{"n":1` + strings.Repeat("0", compare.MaxText) + `}`}}, within("$.n", "1%"), shadow.Previewed{Of: 1, Exemplars: 1, Unseen: 1}},
		"one of two close": {pairs{{`{"n":[1,1]}`, `{"n":[1.001,2]}`}}, within("$.n[*]", "0.01"), shadow.Previewed{Of: 1, Exemplars: 1}},
		"one of two cut":   {pairs{{`{"n":[1,1]}`, `{"n":[1.001,1` + strings.Repeat("0", compare.MaxText) + `]}`}}, within("$.n[*]", "0.01"), shadow.Previewed{Of: 1, Exemplars: 1, Unseen: 1}},
		"both close":       {pairs{{`{"n":[1,1]}`, `{"n":[1.001,1.002]}`}}, within("$.n[*]", "0.01"), shadow.Previewed{Hidden: 1, Of: 1, About: true, Exemplars: 1}},
		"case":             {pairs{{`{"s":"É"}`, `{"s":"é"}`}, {`{"s":"a"}`, `{"s":"b"}`}}, caseless("$.s"), shadow.Previewed{Hidden: 1, Of: 2, About: true, Exemplars: 2}},
		"a text cut":       {pairs{{`{"s":"a` + long + `"}`, `{"s":"A` + long + `"}`}}, caseless("$.s"), shadow.Previewed{Of: 1, Exemplars: 1, Unseen: 1}},
		"a hidden value":   {pairs{{`{"password":"a"}`, `{"password":"A"}`}}, caseless("$.password"), shadow.Previewed{Of: 1, Exemplars: 1, Unseen: 1}},
		"a type":           {pairs{{`{"s":"1"}`, `{"s":1}`}}, caseless("$.s"), shadow.Previewed{Of: 1, Exemplars: 1}},
		"a member missing": {pairs{{`{"s":"1"}`, `{}`}}, caseless("$.s"), shadow.Previewed{Of: 1, Exemplars: 1}},
		"replace": {
			pairs{{`{"url":"https://a/1"}`, `{"url":"https://b/1"}`}, {`{"url":"https://a/1"}`, `{"url":"https://b/2"}`}},
			hosts,
			shadow.Previewed{Hidden: 1, Of: 2, About: true, Exemplars: 2},
		},
		"another order": {
			pairs{{`{"items":["a","b","c"]}`, `{"items":["c","a","b"]}`}, {`{"items":["a","b"]}`, `{"items":["a","x"]}`}},
			unordered,
			shadow.Previewed{Hidden: 1, Of: 2, About: true, Exemplars: 2},
		},
		"another order by id": {
			pairs{{`{"items":[{"id":1},{"id":2}]}`, `{"items":[{"id":2},{"id":1}]}`}},
			unordered,
			shadow.Previewed{Hidden: 1, Of: 1, About: true, Exemplars: 1},
		},
		"another order of hidden values": {
			pairs{{`{"items":[{"token":"aa"},{"token":"bb"}]}`, `{"items":[{"token":"bb"},{"token":"aa"}]}`}},
			unordered,
			shadow.Previewed{Hidden: 1, Of: 1, About: true, Exemplars: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, exemplars := found(t, test.pairs...)
			got, err := shadow.Preview(e, exemplars, test.rule)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "preview", got, test.want)
		})
	}
}

// What a preview says of a rule must come true when the rule is there. The
// exemplars are all there are, so that nothing is left to chance.
func TestPreviewsComeTrue(t *testing.T) {
	bodies := []string{
		`{"n":1,"s":"Ab","items":[1,2,3],"o":{"u":"x"}}`, `{"n":1.001,"s":"aB","items":[3,2,1],"o":{"u":"X"}}`,
		`{"n":2,"s":"ab","items":[1,2,4],"o":{}}`, `{"n":"2","s":"zz","items":[2,1,3],"o":{"u":1}}`,
	}
	var pairs [][2]string
	for _, legacy := range bodies {
		for _, fresh := range bodies {
			pairs = append(pairs, [2]string{legacy, fresh})
		}
	}
	for _, r := range []rule.Rule{
		{Kind: rule.Ignore, Target: "$.o"},
		{Kind: rule.Ignore, Target: "$.items[2]"},
		{Kind: rule.Unordered, Target: "$.items"},
		{Kind: rule.Tolerance, Target: "$.n", Within: "0.01"},
		{Kind: rule.Case, Target: "$.s"},
		{Kind: rule.Replace, Target: "$..u", Pattern: "(?i)x", With: "y"},
	} {
		t.Run(fmt.Sprint(r.Kind, " ", r.Target), func(t *testing.T) {
			r.Reason = "test"
			rules, faults := rule.Compile([]rule.Rule{r})
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			var of, hidden, previewed uint64
			for _, pair := range pairs {
				e, exemplars := found(t, pair)
				got, err := shadow.Preview(e, exemplars, r)
				if err != nil {
					t.Fatal(err)
				}
				previewed += got.Hidden
				of += got.Of
				with := compare.Compare(answer(pair[0]), answer(pair[1]), compare.Options{Bodies: true, Rules: rules.At(noon)})
				hidden += got.Of - signatures(with)
			}
			if previewed != hidden || hidden == 0 || hidden == of {
				t.Errorf("the preview says %d of %d, and %d it was", previewed, of, hidden)
			}
		})
	}
}

// signatures counts what differs, each kind of each place once.
func signatures(r compare.Result) uint64 {
	all := make(map[string]bool)
	for _, d := range r.Differences {
		all[fmt.Sprint(d.Path, d.Kind, d.Legacy.Type, d.New.Type)] = true
	}
	return uint64(len(all))
}

func TestPreviewConcludesFromSamples(t *testing.T) {
	var pairs [][2]string
	for i := range 400 { // one in four is close
		pairs = append(pairs, [2]string{`{"n":100}`, fmt.Sprintf(`{"n":%d}`, 101+i%4)})
	}
	e, exemplars := found(t, pairs...)
	got, err := shadow.Preview(e, exemplars, rule.Rule{Kind: rule.Tolerance, Target: "$.n", Within: "4"})
	if err != nil || got.Hidden != 400 || got.Of != 400 || !got.About || got.Exemplars < 5 || got.Exemplars > 10 {
		t.Errorf("%+v (%v), want 400 of 400 from 5 to 10 exemplars", got, err)
	}
	got, err = shadow.Preview(e, exemplars, rule.Rule{Kind: rule.Tolerance, Target: "$.n", Within: "1"})
	if err != nil || got.Hidden == 0 || got.Hidden >= 400 || got.Hidden%40 != 0 && got.Exemplars == 10 {
		t.Errorf("%+v (%v), want a part of 400", got, err)
	}
	got, err = shadow.Preview(e, nil, rule.Rule{Kind: rule.Tolerance, Target: "$.n", Within: "4"})
	if err != nil || got.Hidden != 0 || got.Of != 400 || got.Exemplars != 0 {
		t.Errorf("%+v (%v), want nothing said without exemplars", got, err)
	}
}

func TestPreviewRefusesABadRule(t *testing.T) {
	_, err := shadow.Preview(shadow.Evidence{}, nil, rule.Rule{Kind: rule.Tolerance, Target: "$.a[", Within: "x"})
	if err == nil || !strings.Contains(err.Error(), "target: ") || !strings.Contains(err.Error(), "within: ") {
		t.Errorf("error %v, want one about the target and within", err)
	}
}

func TestPreviewOfWhatIsNotJSON(t *testing.T) {
	side := func(location, body string) compare.Answer {
		return compare.Answer{Status: 302, Header: map[string][]string{"Location": {location}, "Content-Type": {"text/plain"}}, Body: []byte(body)}
	}
	c := collecting()
	c.Add(comparison(1, compare.Compare(side("/Orders", "one\nTwo"), side("/orders", "one\ntwo"), compare.Options{Bodies: true})))
	batch := c.Drain()
	for _, target := range []string{"header Location", "body"} {
		got, err := shadow.Preview(evidence(batch), batch.Exemplars, rule.Rule{Kind: rule.Case, Target: target})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, target, got, shadow.Previewed{Hidden: 1, Of: 2, About: true, Exemplars: 1})
	}
}

func TestPreviewOfAnOrderNeedsAllThatDiffers(t *testing.T) {
	list := func(at func(i int) int) string {
		var text strings.Builder
		for i := range 300 {
			fmt.Fprintf(&text, `,"%d"`, at(i))
		}
		return `{"items":[` + text.String()[1:] + `]}`
	}
	e, exemplars := found(t, [2]string{list(func(i int) int { return i }), list(func(i int) int { return 1000 + i })})
	got, err := shadow.Preview(e, exemplars, rule.Rule{Kind: rule.Unordered, Target: "$.items"})
	if err != nil || got.Hidden != 0 || got.Of != 1 || got.Unseen != 200 {
		t.Errorf("%+v (%v), want 200 unseen, and nothing hidden", got, err)
	}
}
