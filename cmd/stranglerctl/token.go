package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newTokenCommand(c *cli) *cobra.Command {
	return family("token", "Who may use the admin API", newTokenListCommand(c), newTokenCreateCommand(c), newTokenRevokeCommand(c))
}

func newTokenListCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the tokens, never their secrets",
		Long: `Ls lists every token, the oldest first, with those that expired or were revoked.
What they open is not shown: the router does not know it either.`,
		Example: `  stranglerctl token ls
  stranglerctl token ls -o json | jq -r '.[] | select(.state == "in_force") | .name'`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			tokens, err := ask[[]wire.Token](api.ListTokens(cmd.Context()))
			if err != nil {
				return err
			}
			return c.showTokens(tokens)
		},
	}
}

func (c *cli) showTokens(tokens answer[[]wire.Token]) error {
	view := view{raw: tokens.raw, people: func(wide bool) error {
		t := &term.Table{Heading: []string{"ID", "NAME", "ROLE", "STATE", "EXPIRES", "CREATED", "REVOKED"}}
		for _, token := range tokens.value {
			row := term.Cells(token.ID, token.Name, string(token.Role), stateName(token.State),
				moment(token.ExpiresAt), moment(&token.CreatedAt), moment(token.RevokedAt))
			if token.State != wire.TokenStateInForce {
				row[3].Colour = term.Faint
			}
			t.Add(row...)
		}
		return c.showTable(t, 5, wide)
	}}
	for _, token := range tokens.value {
		view.names = append(view.names, token.ID)
	}
	return c.show(view)
}

func stateName(state wire.TokenState) string {
	if state == wire.TokenStateInForce {
		return "in force"
	}
	return string(state)
}

// moment is a time as people here write it; empty for none.
func moment(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.Local().Format(time.DateTime)
}
