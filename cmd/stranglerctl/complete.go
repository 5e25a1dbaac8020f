package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
)

// completeWithin bounds the wait for names while somebody holds the tab key.
const completeWithin = time.Second

// completeRoute offers the names of the router's routes as the first argument.
// A router that does not answer in time means no offer, and not a word.
func (c *cli) completeRoute(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.complete(cmd, args, c.routeNames)
}

// completeBackend is completeRoute for backends.
func (c *cli) completeBackend(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.complete(cmd, args, c.backendNames)
}

// completeContext is completeRoute for contexts.
func (c *cli) completeContext(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.complete(cmd, args, c.contextNames)
}

func (c *cli) complete(cmd *cobra.Command, args []string, names func(context.Context) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
	defer cancel()
	found, err := names(ctx)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// named is all that completion wants to know of a listed thing.
type named struct{ Name string }

func (c *cli) routeNames(ctx context.Context) ([]string, error) {
	api, err := c.connect()
	if err != nil {
		return nil, err
	}
	routes, err := ask[[]named](api.ListRoutes(ctx))
	return onlyNames(routes.value), err
}

func (c *cli) backendNames(ctx context.Context) ([]string, error) {
	api, err := c.connect()
	if err != nil {
		return nil, err
	}
	backends, err := ask[[]named](api.ListBackends(ctx))
	return onlyNames(backends.value), err
}

func onlyNames(things []named) []string {
	names := make([]string, len(things))
	for i, thing := range things {
		names[i] = thing.Name
	}
	return names
}

// offer completes a flag with fixed values. The flag exists, so there is no error to handle.
func offer(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
