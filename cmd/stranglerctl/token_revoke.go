package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newTokenRevokeCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "Refuse a token from now on",
		Long: `Revoke ends a token for good; every router refuses it within five seconds. The id
is the first column of stranglerctl token ls, and is part of the token itself.`,
		Example: `  stranglerctl token revoke kq3x7ab2`,
		Args:    arguments("ID"),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return c.complete(cmd, args, c.tokensInForce)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			before, err := ask[[]wire.Token](api.ListTokens(cmd.Context()))
			if err != nil {
				return err
			}
			revoked, err := ask[wire.Token](api.RevokeToken(cmd.Context(), args[0]))
			if err != nil {
				return err
			}
			return c.showRevokedToken(revoked, before.value)
		},
	}
	c.registerYes(cmd)
	return cmd
}

func (c *cli) showRevokedToken(revoked answer[wire.Token], before []wire.Token) error {
	token := revoked.value
	again := slices.ContainsFunc(before, func(t wire.Token) bool { return t.ID == token.ID && t.RevokedAt != nil })
	return c.show(view{raw: revoked.raw, names: []string{token.ID}, people: func(bool) error {
		became := "revoked"
		if again {
			became = "was revoked already, at " + moment(token.RevokedAt)
		}
		c.out.Linef("%s  of %s, role %s: %s", c.out.Paint(term.Strong, token.ID), token.Name, string(token.Role), became)
		return nil
	}})
}

// tokensInForce are the ids of the tokens that can be revoked.
func (c *cli) tokensInForce(ctx context.Context) ([]string, error) {
	api, err := c.connect()
	if err != nil {
		return nil, err
	}
	tokens, err := ask[[]wire.Token](api.ListTokens(ctx))
	var ids []string
	for _, token := range tokens.value {
		if token.State == wire.TokenStateInForce {
			ids = append(ids, token.ID+"\t"+token.Name)
		}
	}
	return ids, err
}
