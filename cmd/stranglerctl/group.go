package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newGroupCommand(c *cli) *cobra.Command {
	return family("group", "Cohort groups: routes that move the same users",
		newGroupListCommand(c), newGroupShowCommand(c), newGroupReshuffleCommand(c))
}

func newGroupListCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "ls",
		Short:   "List the groups, their keys and their routes",
		Example: `  stranglerctl group ls`,
		Args:    arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			groups, err := ask[[]wire.Group](api.ListGroups(cmd.Context()))
			if err != nil {
				return err
			}
			c.warnStale(groups.header)
			return c.showGroups(groups)
		},
	}
}

func (c *cli) showGroups(groups answer[[]wire.Group]) error {
	view := view{raw: groups.raw, people: func(bool) error {
		if len(groups.value) == 0 {
			c.note.Linef("no groups: a route without one is a group of its own")
		}
		t := &term.Table{Heading: []string{"GROUP", "KEYS", "ROUTES", "REVISION"}}
		for _, g := range groups.value {
			t.Add(term.Cells(g.Name, keysText(g.Keys), strings.Join(g.Routes, ", "), strconv.FormatInt(g.Revision, 10))...)
		}
		return c.out.Table(t)
	}}
	for _, g := range groups.value {
		view.names = append(view.names, g.Name)
	}
	return c.show(view)
}

// keysText is the sources of a cohort key, the first one present wins.
func keysText(keys wire.Keys) string {
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = strings.NewReplacer(`"`, "", "{", "", "}", "", ":", " ").Replace(string(key))
	}
	return strings.Join(texts, ", ")
}

// completeGroup is completeRoute for groups.
func (c *cli) completeGroup(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return c.complete(cmd, args, c.groupNames)
}

func (c *cli) groupNames(ctx context.Context) ([]string, error) {
	api, err := c.connect()
	if err != nil {
		return nil, err
	}
	groups, err := ask[[]named](api.ListGroups(ctx))
	return onlyNames(groups.value), err
}
