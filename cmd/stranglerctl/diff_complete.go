package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// completeExemplar offers the exemplars that can be fetched.
func (c *cli) completeExemplar(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.complete(cmd, args, func(ctx context.Context) ([]string, error) {
		seen := make(map[string]bool)
		return c.differences(ctx, func(route string, f wire.FoundDifference) []string {
			var offers []string
			for _, id := range f.Exemplars {
				if !seen[id] { // one comparison may show several differences
					seen[id] = true
					offers = append(offers, fmt.Sprintf("%s\t%s, %s, %s", id, route, term.Safe(f.Where), f.Kind))
				}
			}
			return offers
		})
	})
}

// signatures are the ids of all differences, for completion.
func (c *cli) signatures(ctx context.Context) ([]string, error) {
	return c.differences(ctx, func(route string, f wire.FoundDifference) []string {
		return []string{fmt.Sprintf("%s\t%s, %s, %s, %d", f.Signature, route, term.Safe(f.Where), f.Kind, f.Count)}
	})
}

// differences is what offers makes of each difference of every route.
func (c *cli) differences(ctx context.Context, offers func(route string, f wire.FoundDifference) []string) ([]string, error) {
	api, err := c.connect()
	if err != nil {
		return nil, err
	}
	all, err := ask[[]wire.RouteDifferences](api.ListDifferences(ctx, &wire.ListDifferencesParams{}))
	var offered []string
	for _, route := range all.value {
		for _, f := range route.Differences {
			offered = append(offered, offers(route.Route, f)...)
		}
	}
	return offered, err
}
