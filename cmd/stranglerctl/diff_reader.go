package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// diffReader reads and prints what diff shows: all routes, or one.
type diffReader struct {
	*cli
	api   *client.Client
	route string // empty: all
	since string // a Go duration; empty: since the epoch began
	epoch string // id; empty: the one that began last
	noise bool   // what is noise too
}

// differing is one reading.
type differing struct {
	routes []wire.RouteDifferences
	raw    json.RawMessage // the array for -o json
	empty  string          // why nothing was compared, and what to do; empty: something was
}

func (d *diffReader) with(c *cli) reader[differing] {
	another := *d
	another.cli = c
	return &another
}

func (d *diffReader) read(ctx context.Context) (differing, error) {
	if d.route != "" {
		return d.readOne(ctx)
	}
	all, err := ask[[]wire.RouteDifferences](d.api.ListDifferences(ctx, &wire.ListDifferencesParams{Since: given(d.since)}))
	if err != nil {
		return differing{}, err
	}
	d.warnStale(all.header)
	now := differing{routes: all.value}
	if len(now.routes) == 0 {
		now.empty = "nothing was ever compared: a route is shadowed in stage shadow, and elsewhere once it is told to:\n" +
			"stranglerctl promote ROUTE --to shadow, or stranglerctl shadow start ROUTE --sample 10%"
	}
	now.raw, err = d.rows(all.raw)
	return now, err
}

func (d *diffReader) readOne(ctx context.Context) (differing, error) {
	one, err := ask[wire.RouteDifferences](d.api.GetDifferences(ctx, d.route, &wire.GetDifferencesParams{Since: given(d.since), Epoch: given(d.epoch)}))
	if err != nil {
		return differing{}, err
	}
	d.warnStale(one.header)
	now := differing{routes: []wire.RouteDifferences{one.value}}
	if one.value.Compared == 0 && d.global.forPeople() {
		route, err := ask[wire.RouteDetail](d.api.GetRoute(ctx, d.route))
		if err != nil {
			return differing{}, err
		}
		now.empty = nothingCompared(one.value, route.value)
		if d.since != "" {
			now.empty += "\na longer --since looks further back"
		}
	}
	now.raw, err = d.rows(arrayOf(one.raw))
	return now, err
}

// arrayOf is the array of one value.
func arrayOf(one json.RawMessage) json.RawMessage {
	return append(append(json.RawMessage("["), one...), ']')
}

// rows makes one array of the differences of all routes: each as the router
// says it, with its route in front.
func (d *diffReader) rows(reports json.RawMessage) (json.RawMessage, error) {
	var routes []struct {
		Route       string
		Differences []json.RawMessage
	}
	if err := json.Unmarshal(reports, &routes); err != nil {
		return nil, err
	}
	rows := make([][]byte, 0, len(routes))
	for _, r := range routes {
		route, err := json.Marshal(r.Route)
		if err != nil {
			return nil, err
		}
		for _, raw := range r.Differences {
			var said struct{ Noise bool }
			if err := json.Unmarshal(raw, &said); err != nil {
				return nil, err
			}
			if said.Noise && !d.noise {
				continue
			}
			rows = append(rows, fmt.Appendf(nil, `{"route":%s,%s`, route, bytes.TrimPrefix(raw, []byte("{"))))
		}
	}
	return append(append([]byte("["), bytes.Join(rows, []byte(","))...), ']'), nil
}

// seen is the differences that are to be shown.
func (d *diffReader) seen(differences []wire.FoundDifference) []wire.FoundDifference {
	seen := make([]wire.FoundDifference, 0, len(differences))
	for _, f := range differences {
		if d.noise || !f.Noise {
			seen = append(seen, f)
		}
	}
	return seen
}

// tell appends a line for each difference that was found anew or again; for
// programs it prints everything again.
func (d *diffReader) tell(before, now differing) error {
	if !d.global.forPeople() {
		if bytes.Equal(before.raw, now.raw) {
			return nil
		}
		return d.print(now)
	}
	counts := make(map[string]int64)
	for _, r := range before.routes {
		for _, f := range r.Differences {
			counts[f.Signature] = f.Count
		}
	}
	for _, r := range now.routes {
		for _, f := range d.seen(r.Differences) {
			if more := f.Count - counts[f.Signature]; more > 0 {
				d.out.Linef("%s  %s  %s  %s  %s → %s  +%d, %d of %d compared", d.clock(), r.Route, f.Where, string(f.Kind),
					cmp.Or(brief(f.Legacy), "-"), cmp.Or(brief(f.New), "-"), more, f.Count, r.Compared)
			}
		}
	}
	return nil
}
