package api_test

import (
	"cmp"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// The differences that comparisons of the tests have.
func totalIsANumber() compare.Difference {
	return compare.Difference{
		Where: "$.total", Path: "$.total", Kind: compare.KindType,
		Legacy: compare.Value{Type: "string", Text: `"12.50"`}, New: compare.Value{Type: "number", Text: "12.5"},
	}
}

func varyIsMissing() compare.Difference {
	return compare.Difference{
		Where: "header Vary", Path: "header Vary", Kind: compare.KindMissing,
		Legacy: compare.Value{Type: "string", Text: "Accept"},
	}
}

func clockDiffers(legacy, fresh string) compare.Difference {
	return compare.Difference{
		Where: "$.generated_at", Path: "$.generated_at", Kind: compare.KindValue,
		Legacy: compare.Value{Type: "string", Text: legacy}, New: compare.Value{Type: "string", Text: fresh},
	}
}

// masked is a redactor that hides what follows "secret-".
type masked struct{}

func (masked) hide(text string) string {
	before, _, found := strings.Cut(text, "secret-")
	if !found {
		return text
	}
	return before + "hidden:0123456789abcdef"
}

func (m masked) Target(target string) string { return m.hide(target) }

func (m masked) Header(_ string, values []string) []string {
	hidden := make([]string, len(values))
	for i, value := range values {
		hidden[i] = m.hide(value)
	}
	return hidden
}

func (m masked) Body(_ string, body []byte) []byte { return []byte(m.hide(string(body))) }

func (m masked) Difference(d compare.Difference) compare.Difference {
	d.Legacy.Text, d.New.Text = m.hide(d.Legacy.Text), m.hide(d.New.Text)
	return d
}

// compared gathers comparisons as a router does, and keeps their evidence.
type compared struct {
	t         *testing.T
	h         *house
	route     string
	build     string
	rules     string // digest
	collector *shadow.Collector
}

func (h *house) compares(route, build string) *compared {
	c := &compared{h: h, t: h.t, route: route, build: build, rules: "0123456789ab", collector: shadow.NewCollector(shadow.CollectorConfig{Instance: "router-1"})}
	c.collector.SetRoutes(map[string]shadow.RouteSettings{route: {Redactor: masked{}}})
	return c
}

// found adds a comparison that has these differences.
func (c *compared) found(differences ...compare.Difference) *compared {
	c.collector.Add(c.comparison(differences...))
	return c
}

// twice adds a comparison for which legacy was asked twice, and differed from
// itself by these.
func (c *compared) twice(itself []compare.Difference, differences ...compare.Difference) *compared {
	comparison := c.comparison(differences...)
	again := result(itself...)
	comparison.Noise = &again
	c.collector.Add(comparison)
	return c
}

func (c *compared) comparison(differences ...compare.Difference) shadow.Comparison {
	return shadow.Comparison{
		Route: c.route, Rules: c.rules, Served: routing.Legacy, At: time.Now(),
		Request: shadow.Request{
			Method: "GET", Scheme: "http", Host: "shop.example", Target: "/orders/7?token=secret-1",
			Header: map[string][]string{"Accept": {"application/json"}, "Authorization": {"Bearer secret-2"}},
		},
		Legacy: shadow.Took{Status: 200, Bytes: 40, Duration: 20 * time.Millisecond},
		New:    shadow.Took{Status: 200, Bytes: 38, Duration: 5 * time.Millisecond, Build: c.build},
		Result: result(differences...),
	}
}

func result(differences ...compare.Difference) compare.Result {
	if len(differences) == 0 {
		return compare.Result{}
	}
	return compare.Result{Outcome: compare.Mismatch, Differences: differences}
}

func (c *compared) skipped(reason shadow.Reason, times int) *compared {
	for range times {
		c.collector.Skips(c.route).Add(reason)
	}
	return c
}

// kept brings everything to the store.
func (c *compared) kept() {
	c.t.Helper()
	if err := c.h.store.AddEvidence(c.t.Context(), c.collector.Drain()); err != nil {
		c.t.Fatal(err)
	}
}

func (f *flaky) Evidence(ctx context.Context, query shadow.Query) ([]shadow.Evidence, error) {
	if err := cmp.Or(f.unread, f.check()); err != nil {
		return nil, err
	}
	return f.Store.Evidence(ctx, query)
}
