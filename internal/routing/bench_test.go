package routing_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"testing"
	"time"
	"unsafe"

	"github.com/stranglerfig/strangler/internal/routing"
)

// kinds are ten templates as people write them, and a path for each.
func kinds() [10][2]string {
	return [...][2]string{
		{"/orders", "/orders"},
		{"/orders/{id}", "/orders/o-4711"},
		{"/orders/{id:[0-9]+}", "/orders/4711"},
		{"/orders/{id}/lines", "/orders/o-4711/lines"},
		{"/orders/{id}/lines/{line}", "/orders/o-4711/lines/9"},
		{"/users/{user}/addresses/{address:[a-z]+}", "/users/42/addresses/home"},
		{"/reports/{year:[0-9]{4}}.pdf", "/reports/2026.pdf"},
		{"/search", "/search"},
		{"/items/{sku}/reviews", "/items/x-1/reviews"},
		{"/items/{sku}/reviews/{id:[0-9]+}", "/items/x-1/reviews/77"},
	}
}

// templates makes n canary routes, ten for each area of a site.
func templates(n int) []routing.Definition {
	defs := make([]routing.Definition, n)
	for i := range defs {
		defs[i] = routing.Definition{
			Name:     fmt.Sprintf("route-%05d", i),
			Match:    routing.Match{Path: fmt.Sprintf("/area%d%s", i/10, kinds()[i%10][0]), Methods: []string{"GET"}},
			Legacy:   "monolith",
			New:      "next",
			Group:    routing.Group{Salt: fmt.Sprintf("%032x", i), Keys: []routing.Key{{Kind: routing.KeyHeader, Name: "X-User-Id"}}},
			Assigned: routing.Assigned{Stage: routing.StageCanary, Weight: 2500},
		}
	}
	return defs
}

// BenchmarkMatchAssign asks a table of n canary routes for its routes, and for
// the side of a user known by a header: evenly, each route in turn and no
// neighbours, which is the worst a processor's caches can meet; or skewed by
// Zipf's law, as the traffic of a site is. Salts are as long as the router's
// own. ns/op is that of the median batch, one request's match and assign: what
// others do on the machine is not what is measured. Compare lines of one run
// only, at best the least of several (-count=6).
func BenchmarkMatchAssign(b *testing.B) {
	for _, c := range []struct {
		routes int
		skewed bool
	}{{10, false}, {1000, false}, {10000, false}, {10, true}, {1000, true}, {10000, true}} {
		n, name := c.routes, fmt.Sprintf("%d_routes_even", c.routes)
		if c.skewed {
			name = fmt.Sprintf("%d_routes_skewed", c.routes)
		}
		b.Run(name, func(b *testing.B) {
			defs := templates(n)
			table := routing.Compile(1, defs)
			if table.Len() != n {
				b.Fatalf("%d routes are valid, want %d: %v", table.Len(), n, table.Invalid())
			}
			batch := newBatch(n, c.skewed)
			b.ReportAllocs()
			b.ResetTimer()
			var spent []time.Duration
			for done := 0; done < b.N; done += len(batch.requests) {
				batch.fill()
				start := time.Now()
				for i := range batch.requests {
					req := &batch.requests[i]
					if a := table.Assign(table.Match(req), req); !a.Keyed {
						b.Fatal("no key was used")
					}
				}
				spent = append(spent, time.Since(start))
			}
			slices.Sort(spent)
			b.ReportMetric(float64(spent[len(spent)/2].Nanoseconds())/float64(len(batch.requests)), "ns/op")
		})
	}
}

// batch is a number of requests in memory of their own, reused. Only asking is
// timed, not filling: a server has just read the request when it asks.
type batch struct {
	requests [64]routing.Request
	paths    [64][64]byte
	next     func() int // the index of the route to ask for
}

func newBatch(n int, skewed bool) *batch {
	const prime = 7919 // coprime to every n: neighbours in time are none in memory
	turn := 0
	b := &batch{next: func() int { turn++; return turn * prime % n }}
	if skewed {
		zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 1, uint64(n-1))
		b.next = func() int { return int(zipf.Uint64()) * prime % n }
	}
	for i := range b.requests {
		b.requests[i] = routing.Request{
			Method: "GET", Host: "shop.example", Client: netip.MustParseAddr("192.0.2.1"),
			Header: http.Header{"X-User-Id": {fmt.Sprint("user-", i)}, "Accept": {"text/html"}},
		}
	}
	return b
}

func (b *batch) fill() {
	ends := kinds()
	for i := range b.requests {
		route := b.next()
		path := append(b.paths[i][:0], "/area"...)
		path = strconv.AppendInt(path, int64(route/10), 10)
		path = append(path, ends[route%10][1]...)
		b.requests[i].Path = unsafe.String(&path[0], len(path))
	}
}

func BenchmarkCompile(b *testing.B) {
	defs := templates(10000)
	b.ReportAllocs()
	for b.Loop() {
		routing.Compile(1, defs)
	}
}

func BenchmarkReassign(b *testing.B) {
	defs := templates(10000)
	table := routing.Compile(1, defs)
	assigned := make([]routing.Assigned, len(defs))
	for i := range assigned {
		assigned[i] = routing.Assigned{Stage: routing.StageCanary, Weight: 5000}
	}
	b.ReportAllocs()
	for b.Loop() {
		table.Reassign(2, assigned)
	}
}
