package main

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

func newTokenCreateCommand(c *cli) *cobra.Command {
	var role string
	var ttl time.Duration
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a token and print it, this once",
		Long: `Create makes a token for a person or a program. Its name is the actor of
everything that is done with it. The token alone goes to stdout, so it can be
put into a variable; nobody can read it again later.`,
		Example: `  stranglerctl token create ana --role operator --ttl 720h
  stranglerctl token create pipeline --role admin > token`,
		Args: arguments("NAME"),
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case c.global.output == formatName:
				return usagef("token create has no -o name: the token itself would be lost")
			case !wire.Role(role).Valid():
				return usagef("--role %q: want viewer (reads), operator (moves routes) or admin (changes definitions)", role)
			case cmd.Flags().Changed("ttl") && ttl <= 0:
				return usagef("--ttl %s: want how long it is valid, such as 720h; without --ttl it never expires", shortened(ttl.String()))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			api, err := c.connect()
			if err != nil {
				return err
			}
			request := wire.TokenRequest{Name: args[0], Role: wire.Role(role)}
			if ttl > 0 {
				request.TTL = ttl.String()
			}
			made, err := ask[wire.NewToken](api.CreateToken(cmd.Context(), request))
			if err != nil {
				return err
			}
			return c.showNewToken(made)
		},
	}
	c.registerYes(cmd)
	cmd.Flags().StringVar(&role, "role", "operator", "viewer, operator or admin")
	offer(cmd, "role", string(wire.RoleViewer), string(wire.RoleOperator), string(wire.RoleAdmin))
	cmd.Flags().DurationVar(&ttl, "ttl", 0, "how long it is valid; not given: until it is revoked")
	return cmd
}

func (c *cli) showNewToken(made answer[wire.NewToken]) error {
	token := made.value.Token
	err := c.show(view{raw: made.raw, people: func(bool) error {
		c.out.Linef("%s", made.value.Secret)
		return nil
	}})
	if err != nil {
		return err
	}
	until := "never expires"
	if token.ExpiresAt != nil {
		until = "expires " + moment(token.ExpiresAt)
	}
	c.note.Linef("token %s for %s: role %s, %s; shown this once", token.ID, token.Name, string(token.Role), until)
	c.hintNext("", "token revoke "+term.ShellWord(token.ID))
	return nil
}
