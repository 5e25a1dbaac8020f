package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
)

const contextLong = `A context is a router's address and a token under a short name, kept in
$XDG_CONFIG_HOME/strangler/config.yaml (mode 0600).

Which router is meant: --server or --context, then STRANGLER_SERVER, then
STRANGLER_CONTEXT or the context in use, then ` + defaultServer + `. The token
likewise; but a context's token is never sent to another server than its own.

In a protected context every change asks first, and without a terminal wants -y.`

func newContextCommand(c *cli) *cobra.Command {
	cmd := family("context", "The routers you work with, and your tokens for them",
		newContextLoginCommand(c), newContextUseCommand(c), newContextListCommand(c))
	cmd.Long = contextLong
	return cmd
}

// contextRow is a context as it is shown: never with its token.
type contextRow struct {
	Name      string `json:"name"`
	Server    string `json:"server"`
	Current   bool   `json:"current"` // in use
	Protected bool   `json:"protected"`
	HasToken  bool   `json:"has_token"`
}

func newContextListCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List the contexts",
		Long: `Ls lists the contexts and marks the one in use. It shows no token, and asks no
router anything.`,
		Example: `  stranglerctl context ls`,
		Args:    arguments(),
		RunE: func(*cobra.Command, []string) error {
			file, err := readConfig(configPath(c.getenv))
			if err != nil {
				return err
			}
			return c.showContexts(file)
		},
	}
}

func (c *cli) showContexts(file config) error {
	rows := make([]contextRow, 0, len(file.Contexts))
	for _, name := range file.names() {
		rows = append(rows, c.contextRow(file, name))
	}
	raw, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	return c.show(view{raw: raw, names: file.names(), people: func(bool) error {
		if len(rows) == 0 {
			c.note.Linef("no contexts: make one with stranglerctl context login NAME --server URL")
		}
		t := &term.Table{Heading: []string{"CONTEXT", "SERVER", "IN USE", "PROTECTED", "TOKEN"}}
		for _, row := range rows {
			t.Add(term.Cells(row.Name, row.Server, yesOrNothing(row.Current), yesOrNothing(row.Protected), yesOrNothing(row.HasToken))...)
		}
		return c.out.Table(t)
	}})
}

func (c *cli) contextRow(file config, name string) contextRow {
	saved := file.Contexts[name]
	inUse := firstOf(c.global.context, c.getenv("STRANGLER_CONTEXT"), file.Current)
	return contextRow{Name: name, Server: saved.Server, Current: name == inUse, Protected: saved.Protected, HasToken: saved.Token != ""}
}

func yesOrNothing(yes bool) string {
	if yes {
		return "yes"
	}
	return ""
}

// savedConfig reads the config file for a command that is going to write it.
func (c *cli) savedConfig() (file config, path string, err error) {
	path = configPath(c.getenv)
	if path == "" {
		return file, "", &failure{
			code: exitFailure,
			err:  errors.New("there is no place for a config file: the environment names no home"),
			hint: "set HOME or XDG_CONFIG_HOME",
		}
	}
	file, err = readConfig(path)
	return file, path, err
}

// contextNames are for completion.
func (c *cli) contextNames(context.Context) ([]string, error) {
	file, err := readConfig(configPath(c.getenv))
	return file.names(), err
}
