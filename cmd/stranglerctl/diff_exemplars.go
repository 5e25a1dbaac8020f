package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// earlierLooked is in how many earlier epochs a difference is looked for.
const earlierLooked = 20

// exemplarsOf is the exemplars that are kept of a signature. Whoever has mended
// something asks when the epoch of the mended build has begun, so earlier ones
// are looked at as well, the newest first.
func exemplarsOf(ctx context.Context, api *client.Client, signature string) ([]string, error) {
	all, err := ask[[]wire.RouteDifferences](api.ListDifferences(ctx, &wire.ListDifferencesParams{}))
	if err != nil {
		return nil, err
	}
	var earlier []earlierOf
	for _, route := range all.value {
		if exemplars, found, err := kept(route, signature); found {
			return exemplars, err
		}
		for _, e := range route.Epochs {
			if route.Epoch == nil || e.ID != route.Epoch.ID {
				earlier = append(earlier, earlierOf{route: route.Route, EvidenceEpoch: e})
			}
		}
	}
	slices.SortStableFunc(earlier, func(a, b earlierOf) int { return cmp.Or(b.Last.Compare(a.Last), b.Began.Compare(a.Began)) })
	for _, e := range earlier[:min(len(earlier), earlierLooked)] {
		then, err := ask[wire.RouteDifferences](api.GetDifferences(ctx, e.route, &wire.GetDifferencesParams{Epoch: &e.ID}))
		if err != nil {
			return nil, err
		}
		if exemplars, found, err := kept(then.value, signature); found {
			return exemplars, err
		}
	}
	return nil, &failure{
		code: exitNotFound,
		err:  fmt.Errorf("no route has a difference %q, now or in the epochs before; nothing was sent", signature),
		hint: "list them with: stranglerctl diff -o wide",
	}
}

// earlierOf is an epoch of a route that is not its present one.
type earlierOf struct {
	wire.EvidenceEpoch
	route string
}

// kept is the exemplars of a signature, if it was found in an epoch of a route.
func kept(route wire.RouteDifferences, signature string) (exemplars []string, found bool, err error) {
	for _, f := range route.Differences {
		switch {
		case f.Signature != signature:
		case len(f.Exemplars) == 0:
			return nil, true, &failure{
				code: exitNotFound,
				err:  fmt.Errorf("of the difference %s of route %s no exemplar is kept any more; nothing was sent", signature, route.Route),
				hint: "wait until it occurs again, or replay another: stranglerctl diff " + term.ShellWord(route.Route) + " -o wide",
			}
		default:
			return f.Exemplars, true, nil
		}
	}
	return nil, false, nil
}
