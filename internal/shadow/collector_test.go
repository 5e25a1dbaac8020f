package shadow_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

var noon = time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)

// hider hides every word that contains "secret", and remembers nothing.
type hider struct{}

func (hider) hide(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		if strings.Contains(word, "secret") {
			hash := sha256.Sum256([]byte(word))
			words[i] = "hidden:" + hex.EncodeToString(hash[:8])
		}
	}
	return strings.Join(words, " ")
}

func (h hider) Target(pathAndQuery string) string { return h.hide(pathAndQuery) }

func (h hider) Header(_ string, values []string) []string {
	hidden := make([]string, len(values))
	for i, value := range values {
		hidden[i] = h.hide(value)
	}
	return hidden
}

func (h hider) Body(contentType string, body []byte) []byte {
	if contentType == "" {
		return fmt.Appendf(nil, "%d bytes", len(body))
	}
	return []byte(h.hide(string(body)))
}

func (h hider) Difference(d compare.Difference) compare.Difference {
	d.Where, d.Path = h.hide(d.Where), h.hide(d.Path)
	d.Legacy.Text, d.New.Text = h.hide(d.Legacy.Text), h.hide(d.New.Text)
	return d
}

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

func text(s string) compare.Value { return compare.Value{Type: "string", Text: s} }

func number(s string) compare.Value { return compare.Value{Type: "number", Text: s} }

func differs(path string, kind compare.Kind, legacy, fresh compare.Value) compare.Difference {
	return compare.Difference{Where: path, Path: path, Kind: kind, Legacy: legacy, New: fresh}
}

func value(path string) compare.Difference {
	return differs(path, compare.KindValue, text(`"a"`), text(`"b"`))
}

func mismatch(differences ...compare.Difference) compare.Result {
	if len(differences) == 0 {
		return compare.Result{}
	}
	return compare.Result{Outcome: compare.Mismatch, Differences: differences}
}

func comparison(second int, result compare.Result) shadow.Comparison {
	return shadow.Comparison{
		Route: "orders", Rules: "r1", Served: routing.Legacy, At: at(second),
		Request: shadow.Request{Method: "GET", Scheme: "http", Host: "shop.example", Target: "/orders/7"},
		Legacy:  shadow.Took{Status: 200}, New: shadow.Took{Status: 200, Build: "b7"}, Result: result,
	}
}

// collecting returns a collector for the routes, whose ids and draws count up.
func collecting(routes ...string) *shadow.Collector {
	settings := make(map[string]shadow.RouteSettings)
	for _, route := range append(routes, "orders") {
		settings[route] = shadow.RouteSettings{Redactor: hider{}}
	}
	var next uint64
	c := shadow.NewCollector(shadow.CollectorConfig{Instance: "router-1", Random: func() uint64 {
		next++
		return next<<32 | next
	}})
	c.SetRoutes(settings)
	return c
}

// tallies are a batch's, without the routes.
func tallies(b shadow.Batch) map[string]uint64 {
	sum := make(map[string]uint64)
	for _, t := range b.Tallies {
		sum[t.Result] += t.N
	}
	return sum
}

// compared is how many comparisons tallies count.
func compared(sum map[string]uint64) (n uint64) {
	for result, k := range sum {
		if result == shadow.ResultMatch || result == shadow.ResultOverflow || strings.HasPrefix(result, shadow.PrefixSet) {
			n += k
		}
	}
	return n
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestComparisonsBecomeEvidence(t *testing.T) {
	c := collecting()
	c.Add(comparison(1, compare.Result{Hits: map[string]uint64{"0badcafe": 3}}))
	c.Add(comparison(2, mismatch()))
	total := differs("$.items[*].total", compare.KindType, text(`"12.50"`), number("12.5"))
	twice := total
	total.Where, twice.Where = "$.items[0].total", "$.items[1].total"
	vary := differs("header Vary", compare.KindMissing, text("Accept"), compare.Value{})
	c.Add(comparison(3, mismatch(total, twice, vary)))
	c.Add(comparison(4, mismatch(total)))
	c.Add(comparison(5, compare.Result{Outcome: compare.Skipped, Reason: "bomb"}))
	c.Skips("orders").Add(shadow.ReasonDropped)
	c.Skips("orders").Add(shadow.ReasonDropped)

	got := c.Drain()
	if len(got.Epochs) != 1 || len(got.Sightings) != 2 || len(got.Sets) != 2 || len(got.Exemplars) != 2 {
		t.Fatalf("%d epochs, %d sightings, %d sets and %d exemplars, want 1, 2, 2 and 2", len(got.Epochs), len(got.Sightings), len(got.Sets), len(got.Exemplars))
	}
	epoch := got.Epochs[0]
	equal(t, "epoch", epoch, shadow.Epoch{Route: "orders", ID: shadow.EpochID("orders", "b7", "r1"), Build: "b7", Rules: "r1", Began: at(1), Last: at(4)})
	ids := make(map[string]string)
	for _, s := range got.Sightings {
		ids[s.Signature.Where] = s.Signature.ID
	}
	sighted := map[string]shadow.Sighting{}
	for _, s := range got.Sightings {
		sighted[s.Signature.Where] = s
	}
	equal(t, "sightings", sighted, map[string]shadow.Sighting{
		"$.items[*].total": {Route: "orders", Epoch: epoch.ID, First: at(3), Last: at(4), Signature: shadow.Signature{
			ID: ids["$.items[*].total"], Where: "$.items[*].total", Kind: compare.KindType, Legacy: "string", New: "number",
		}},
		"header Vary": {Route: "orders", Epoch: epoch.ID, First: at(3), Last: at(3), Signature: shadow.Signature{
			ID: ids["header Vary"], Where: "header Vary", Kind: compare.KindMissing, Legacy: "string",
		}},
	})
	want := map[string]uint64{
		"match": 2, "rule:0badcafe": 3, "skipped:bomb": 1, "skipped:dropped": 2,
		"signature:" + ids["$.items[*].total"]: 2, "signature:" + ids["header Vary"]: 1,
	}
	for _, set := range got.Sets {
		want["set:"+set.ID] = 1
	}
	equal(t, "tallies", tallies(got), want)
	for _, tally := range got.Tallies {
		if strings.HasPrefix(tally.Result, shadow.PrefixSkipped) != (tally.Epoch == "") {
			t.Errorf("%s is of epoch %q", tally.Result, tally.Epoch)
		}
	}
	both := slices.Sorted(maps.Values(ids))
	equal(t, "exemplar", got.Exemplars[0], shadow.Exemplar{
		ID: "0000000200000002", Route: "orders", Epoch: epoch.ID, Signatures: both, Served: "legacy", Instance: "router-1", At: at(3),
		Request: shadow.Request{Method: "GET", Scheme: "http", Host: "shop.example", Target: "/orders/7", Header: map[string][]string{}},
		Legacy:  shadow.Took{Status: 200}, New: shadow.Took{Status: 200, Build: "b7"},
		Differences: []compare.Difference{total, twice, vary}, Draw: 1,
	})
	equal(t, "second batch", c.Drain(), shadow.Batch{})
}

func TestSignaturesTellApartWhatIsNotOneThing(t *testing.T) {
	status := func(legacy, fresh string) compare.Difference {
		return differs("status", compare.KindStatus, compare.Value{Type: "status", Text: legacy}, compare.Value{Type: "status", Text: fresh})
	}
	distinct := []compare.Difference{
		value("$.a"), value("$.b"), status("200", "404"), status("200", "500"),
		differs("$.a", compare.KindType, text(`"1"`), number("1")),
		differs("$.a", compare.KindType, number("1"), text(`"1"`)),
		differs("$.a", compare.KindMissing, text(`"1"`), compare.Value{}),
		differs("answer", compare.KindAnswer, compare.Value{Type: "status", Text: "200"}, compare.Value{Type: "failure", Text: "timeout"}),
		differs("answer", compare.KindAnswer, compare.Value{Type: "status", Text: "200"}, compare.Value{Type: "failure", Text: "reset"}),
	}
	c := collecting("invoices")
	for i, d := range distinct {
		c.Add(comparison(i, mismatch(d)))
	}
	c.Add(comparison(20, mismatch(differs("$.a", compare.KindValue, text(`"x"`), text(`"y"`))))) // as the first one
	other := comparison(21, mismatch(value("$.a")))
	other.Route = "invoices"
	c.Add(other)
	ids := make(map[string]bool)
	batch := c.Drain()
	for _, s := range batch.Sightings {
		ids[s.Signature.ID] = true
		if len(s.Signature.ID) != 12 {
			t.Errorf("id %q has not 12 digits", s.Signature.ID)
		}
	}
	if want := len(distinct) + 1; len(batch.Sightings) != want || len(ids) != want {
		t.Errorf("%d sightings with %d ids, want %d", len(batch.Sightings), len(ids), want)
	}
}

func TestABuildIsAnEpochOfItsOwn(t *testing.T) {
	c := collecting()
	add := func(second int, build, rules string) {
		found := comparison(second, mismatch())
		found.New.Build, found.Rules = build, rules
		c.Add(found)
	}
	add(1, "", "r1") // nobody has said yet
	add(2, "b1", "r1")
	add(3, "", "r1") // a proxy's error page: still b1
	add(4, "b2", "r1")
	add(5, "b2", "r2")
	add(6, strings.Repeat("é", 100)+"\xff", "r2")
	got := make(map[string]uint64)
	batch := c.Drain()
	for _, e := range batch.Epochs {
		for _, tally := range batch.Tallies {
			if tally.Epoch == e.ID {
				got[e.Build+" "+e.Rules] = tally.N
			}
		}
	}
	equal(t, "matches by build and rules", got, map[string]uint64{
		" r1": 1, "b1 r1": 2, "b2 r1": 1, "b2 r2": 1, strings.Repeat("é", 62) + "… r2": 1,
	})
}

func TestABuildOfEveryAnswerIsNone(t *testing.T) {
	c := collecting()
	for i := range 1000 {
		found := comparison(i, mismatch())
		found.New.Build = fmt.Sprint("request-", i)
		c.Add(found)
	}
	batch := c.Drain()
	if len(batch.Epochs) != 11 {
		t.Fatalf("%d epochs, want ten builds and one for the rest", len(batch.Epochs))
	}
	for _, tally := range batch.Tallies {
		if want := map[bool]uint64{true: 990, false: 1}[tally.Epoch == shadow.EpochID("orders", "", "r1")]; tally.N != want {
			t.Errorf("epoch %s has %d comparisons, want %d", tally.Epoch, tally.N, want)
		}
	}
	found := comparison(2*3600, mismatch())
	found.New.Build = "b8"
	c.Add(found)
	if got := c.Drain().Epochs; len(got) != 1 || got[0].Build != "b8" {
		t.Errorf("after two hours: %v, want the epoch of b8", got)
	}
}

func TestNothingSensitiveIsKept(t *testing.T) {
	c := collecting()
	body := []byte(`{"pin": secret-1 }`)
	found := comparison(1, mismatch(differs("$.pin", compare.KindValue, text("secret-2"), text("secret-3")), value("$.secret-6")))
	itself := mismatch(value("$.secret-7"))
	found.Noise = &itself
	found.Request.Target, found.Request.Body = "/login?t= secret-4", body
	found.Request.Header = map[string][]string{"Cookie": {"sid= secret-5"}, "Content-Type": {"application/json"}}
	c.Add(found)
	copy(body, strings.Repeat("!", len(body))) // its room has been given to another
	batch := c.Drain()
	kept, err := json.Marshal(batch)
	if err != nil || strings.Contains(string(kept), "secret") || strings.Count(string(kept), "hidden:") != 8 {
		t.Errorf("kept: %s (%v)", kept, err)
	}
	for _, e := range batch.Exemplars {
		if len(e.Signatures) != 2 {
			t.Errorf("signatures %v, want two: those of the differences as they are kept", e.Signatures)
		}
	}
	if got := string(batch.Exemplars[0].Request.Body); strings.Contains(got, "!") {
		t.Errorf("the body is not a copy: %s", got)
	}
}

func TestARouteWithoutSettingsIsCountedOnly(t *testing.T) {
	c := shadow.NewCollector(shadow.CollectorConfig{})
	c.Add(comparison(1, mismatch(value("$.a"))))
	c.Add(comparison(1, mismatch()))
	batch := c.Drain()
	equal(t, "tallies", tallies(batch), map[string]uint64{"match": 1, "overflow": 1})
	if len(batch.Exemplars) != 0 || len(batch.Sightings) != 0 {
		t.Errorf("%v, want no exemplar and no signature", batch)
	}
}

func TestARouteThatIsGoneKeepsItsSettings(t *testing.T) {
	c := collecting()
	c.SetRoutes(map[string]shadow.RouteSettings{"invoices": {}})
	c.Add(comparison(1, mismatch(value("$.a"))))
	if n := len(c.Drain().Exemplars); n != 1 {
		t.Errorf("%d exemplars, want 1", n)
	}
}

func TestSkippingAllocatesNothing(t *testing.T) {
	skips := collecting().Skips("orders")
	if n := testing.AllocsPerRun(100, func() { skips.Add(shadow.ReasonUpgrade) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	many := make([]compare.Difference, 200)
	for i := range many {
		many[i] = value(fmt.Sprint("$.f", i%20))
	}
	for name, found := range map[string]compare.Result{
		"match": mismatch(), "one": mismatch(value("$.a")), "200_of_20_signatures": mismatch(many...),
	} {
		b.Run(name, func(b *testing.B) {
			c := shadow.NewCollector(shadow.CollectorConfig{})
			c.SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: redactor(b)}})
			shadowed := comparison(0, found)
			shadowed.Request.Body = []byte(`{"note":"` + strings.Repeat("a word and ", 200) + `"}`)
			shadowed.Request.Header = map[string][]string{
				"Cookie": {"sid=0123456789abcdef"}, "Accept": {"*/*"}, "Content-Type": {"application/json"},
				"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"},
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				shadowed.At = noon.Add(time.Duration(i) * time.Millisecond)
				c.Add(shadowed)
			}
		})
	}
}
