package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
)

func newContextUseCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "use CONTEXT",
		Short: "Work with this router from now on",
		Long: `Use makes a context the one that is meant when nothing else names a router. It
changes the config file only.`,
		Example:           `  stranglerctl context use staging`,
		Args:              arguments("CONTEXT"),
		ValidArgsFunction: c.completeContext,
		RunE: func(_ *cobra.Command, args []string) error {
			file, path, err := c.savedConfig()
			if err != nil {
				return err
			}
			if _, err := file.named(args[0]); err != nil {
				return err
			}
			before := file.Current
			file.Current = args[0]
			if err := file.write(path); err != nil {
				return err
			}
			return c.showInUse(file, before)
		},
	}
}

// showInUse prints the context in use after a change of the file, and what
// says otherwise.
func (c *cli) showInUse(file config, before string) error {
	row := c.contextRow(file, file.Current)
	raw, err := json.Marshal(row)
	if err != nil {
		return err
	}
	err = c.show(view{raw: raw, names: []string{row.Name}, people: func(bool) error {
		protected := ""
		if row.Protected {
			protected = ", protected: every change asks first"
		}
		c.out.Linef("%s  %s  (in use%s)", c.out.Paint(term.Strong, row.Name), row.Server, protected)
		return nil
	}})
	for _, variable := range []string{"STRANGLER_SERVER", "STRANGLER_CONTEXT"} {
		if c.getenv(variable) != "" {
			c.note.Linef("%s %s is set, and wins over the context in use", c.note.Paint(term.Notice, markWarn), variable)
		}
	}
	if before != "" && before != file.Current {
		c.hintNext("", "context use "+term.ShellWord(before))
	}
	return err
}
