package storetest

import (
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/compare"
)

// recently is a moment that both databases keep as it is, also with some seconds
// added: it lies a minute back.
func recently() time.Time { return time.Now().UTC().Truncate(time.Millisecond).Add(-time.Minute) }

func epoch(route, id string, began time.Time) shadow.Epoch {
	return shadow.Epoch{Route: route, ID: id, Build: "build-" + id, Rules: "r1", Began: began, Last: began}
}

func signature(id string) shadow.Signature {
	return shadow.Signature{ID: id, Where: "$.items[*].price", Kind: compare.KindValue, Legacy: "number", New: "number"}
}

func sighting(route, epoch, id string, last time.Time) shadow.Sighting {
	return shadow.Sighting{Route: route, Epoch: epoch, Signature: signature(id), First: last, Last: last}
}

func exemplar(route, epoch, id string, at time.Time, signatures ...string) shadow.Exemplar {
	return shadow.Exemplar{
		ID: id, Route: route, Epoch: epoch, Signatures: signatures, Served: "legacy", Instance: "a", At: at,
		Request: shadow.Request{
			Method: "GET", Scheme: "https", Host: "shop.example", Target: "/orders/7?full=1",
			Header: map[string][]string{"Accept": {"application/json", "text/html"}},
		},
		Legacy: shadow.Took{Status: 200, Bytes: 70, Duration: 3 * time.Millisecond},
		New:    shadow.Took{Status: 200, Bytes: 71, Duration: 2 * time.Millisecond, Build: "b2"},
		Differences: []compare.Difference{{
			Where: "$.items[3].price", Path: "$.items[*].price", Kind: compare.KindValue,
			Legacy: compare.Value{Type: "number", Text: "9007199254740993"}, New: compare.Value{Type: "number", Text: "1.0"},
		}},
		Draw: 1 << 31,
	}
}

// found is a batch with one mismatch of a signature s1 in epoch e1.
func found(route string, at time.Time, exemplars ...shadow.Exemplar) shadow.Batch {
	return shadow.Batch{
		Epochs: []shadow.Epoch{epoch(route, "e1", at)},
		Tallies: []shadow.Tally{
			{Route: route, Epoch: "e1", Result: shadow.ResultMatch, N: 3},
			{Route: route, Epoch: "e1", Result: shadow.PrefixSet + "x1", N: 1},
			{Route: route, Epoch: "e1", Result: shadow.PrefixSignature + "s1", N: 1},
			{Route: route, Result: shadow.PrefixSkipped + "method", N: 2},
		},
		Sightings: []shadow.Sighting{sighting(route, "e1", "s1", at)},
		Sets:      []shadow.Set{{Route: route, Epoch: "e1", ID: "x1", Members: []string{"s1"}}},
		Exemplars: exemplars,
	}
}
