package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
	"github.com/stranglerfig/strangler/internal/shadow/redact"
	"github.com/stranglerfig/strangler/internal/store"
)

// evidence brings to the store what a router would have found of a route, as
// often as the documentation shows: first of build 41 of new, then of build 42.
// A total is a number in place of a string, a header is missing, and a time is
// another one whenever one asks: evidence ROUTE.
func evidence(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: evidence ROUTE")
	}
	for _, build := range []string{"41", "42"} {
		found, err := newFinder(args[0], build)
		ts.Check(err)
		if build == "41" {
			found.at = time.Now().Add(-3 * time.Hour)
			found.add(1, answered("1"), answered("2"))
		} else {
			found.everything()
		}
		withStore(ts, func(ctx context.Context, s store.Store) error { return s.AddEvidence(ctx, found.collector.Drain()) })
	}
}

// between two comparisons is so much time that both are kept as exemplars.
const between = 100 * time.Millisecond

// ascending draws so that the random exemplars are those that came first, and
// none of the newest.
func ascending() func() uint64 {
	drawn := uint64(uint32(time.Now().UnixNano())) // which makes ids of their own
	return func() uint64 {
		drawn += 1<<32 + 1
		return drawn
	}
}

// finder compares answers as a router does.
type finder struct {
	route, build string
	collector    *shadow.Collector
	at           time.Time // of the next comparison
}

func newFinder(route, build string) (*finder, error) {
	redactor, err := redact.New(testKeys{}, nil, nil)
	if err != nil {
		return nil, err
	}
	f := &finder{route: route, build: build, collector: shadow.NewCollector(shadow.CollectorConfig{Instance: "here:8080", Random: ascending()})}
	f.collector.SetRoutes(map[string]shadow.RouteSettings{route: {Redactor: redactor}})
	return f, nil
}

func (f *finder) everything() {
	f.at = time.Now().Add(-18_211 * between)
	f.add(17_798, answered("1"), answered("1"))
	f.add(9, answered(`{"total": "12.50"}`), answered(`{"total": 12.5}`))
	vary := answered("1")
	vary.Header["Vary"] = []string{"Accept"}
	f.add(2, vary, answered("1"))
	f.add(40, answered(`{"at": "9:00", "password": "a"}`), answered(`{"at": "9:01", "password": "a"}`), answered(`{"at": "9:02", "password": "a"}`))
	f.add(361, answered(`{"at": "9:00"}`), answered(`{"at": "9:01"}`))
	f.add(1, answered(`{"at": "\u001b[31mred"}`), answered("{\"at\": \"\u202e\"}"))
	for range 90 {
		f.collector.Skips(f.route).Add(shadow.ReasonTooLarge)
	}
	for range 6 {
		f.collector.Skips(f.route).Add(shadow.ReasonDropped)
	}
}

func answered(body string) compare.Answer {
	return compare.Answer{Status: 200, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: []byte(body)}
}

// add compares the answers of both sides so often, and if there is another one
// of legacy, that too.
func (f *finder) add(times int, legacy, fresh compare.Answer, again ...compare.Answer) {
	policy := shadow.DefaultPolicy() // without a rule, as the routes are
	for range times {
		c := shadow.Comparison{
			Route: f.route, Rules: policy.Basis(f.at), Served: routing.Legacy, At: f.at,
			Request: shadow.Request{
				Method: "GET", Scheme: "http", Host: "shop.example", Target: "/" + f.route + "/7?q=it's",
				Header: map[string][]string{"Authorization": {"Bearer b0c8a1"}, "X-Odd": {"\x1b]0;owned\a"}},
			},
			Legacy: shadow.Took{Status: 200, Bytes: 1204, Duration: 31 * time.Millisecond},
			New:    shadow.Took{Status: 200, Bytes: 1187, Duration: 1500 * time.Microsecond, Build: f.build},
			Result: compare.Compare(legacy, fresh, compare.Options{Bodies: true}),
		}
		for _, a := range again {
			itself := compare.Compare(legacy, a, compare.Options{Bodies: true})
			c.Noise = &itself
		}
		f.collector.Add(c)
		f.at = f.at.Add(between)
	}
}

// testKeys is one key that hides values.
type testKeys struct{}

// Sum implements redact.Keys.
func (testKeys) Sum(text string) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "a test %s", text))
	return sum[:]
}
