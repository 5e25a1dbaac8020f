package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
)

const rootLong = `stranglerctl moves routes from a legacy backend to a new one, step by step, and
back at once. It talks to the admin API of a strangler router.

  stranglerctl status                    where every route stands
  stranglerctl diff orders-get           in what new answers differently
  stranglerctl promote orders-get        take the next step of the plan
  stranglerctl gate ls orders-get        what it needs to take it by itself
  stranglerctl rollback orders-get       legacy serves everything, now

The router is named by --server or --context, by STRANGLER_SERVER or
STRANGLER_CONTEXT, or is the context in use: see stranglerctl context.

Exit codes: 0 ok, 1 failure, 2 usage, 3 declined, 4 not allowed, 5 not found,
6 revision conflict, 7 refused by a hold, a stage or a gate, 8 timed out waiting,
130 interrupted.`

// newRootCommand puts all the commands under one root.
func newRootCommand(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:               "stranglerctl",
		Short:             "Move routes from a legacy backend to a new one",
		Long:              rootLong,
		SilenceErrors:     true, // run prints them
		SilenceUsage:      true,
		PersistentPreRunE: c.begin,
		Args:              unknownCommand,
		RunE:              showHelp,
	}
	c.global.register(root.PersistentFlags())
	offer(root, "output", formats()...)
	_ = root.RegisterFlagCompletionFunc("context", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return c.complete(cmd, nil, c.contextNames)
	})
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return badFlag(err) })
	root.AddGroup(
		&cobra.Group{ID: groupMove, Title: "Move traffic:"},
		&cobra.Group{ID: groupLook, Title: "Look:"},
		&cobra.Group{ID: groupEvidence, Title: "Promote by evidence:"},
		&cobra.Group{ID: groupCompare, Title: "Compare:"},
		&cobra.Group{ID: groupGuard, Title: "Guard:"},
		&cobra.Group{ID: groupDefine, Title: "Define:"},
		&cobra.Group{ID: groupAccess, Title: "Get in:"},
	)
	addTo(root, groupMove, newPromoteCommand(c), newPauseCommand(c), newResumeCommand(c),
		newRollbackCommand(c), newRetireCommand(c), newUndoCommand(c), newFreezeCommand(c), newUnfreezeCommand(c), newOverrideCommand(c))
	addTo(root, groupLook, newStatusCommand(c), newHistoryCommand(c), newExplainCommand(c),
		newInstanceCommand(c), newDoctorCommand(c))
	addTo(root, groupEvidence, newGateCommand(c), newAutopilotCommand(c), newNotifyCommand(c))
	addTo(root, groupCompare, newDiffCommand(c), newRuleCommand(c), newShadowCommand(c))
	addTo(root, groupGuard, newBreakerCommand(c), newFaultCommand(c))
	addTo(root, groupDefine, newRouteCommand(c), newBackendCommand(c), newGroupCommand(c),
		newApplyCommand(c), newExportCommand(c))
	addTo(root, groupAccess, newContextCommand(c), newTokenCommand(c))
	root.AddCommand(newVersionCommand(c))
	refuseUnknownShells(root)
	return root
}

// refuseUnknownShells makes cobra's own command fail on an unknown shell, for
// which it would print its help and succeed.
func refuseUnknownShells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	if cmd, _, err := root.Find([]string{"completion"}); err == nil {
		cmd.Args, cmd.RunE = unknownCommand, showHelp
	}
}

// The groups of the help text.
const (
	groupMove     = "move"
	groupLook     = "look"
	groupEvidence = "evidence"
	groupCompare  = "compare"
	groupGuard    = "guard"
	groupDefine   = "define"
	groupAccess   = "access"
)

func addTo(parent *cobra.Command, group string, commands ...*cobra.Command) {
	for _, cmd := range commands {
		cmd.GroupID = group
		parent.AddCommand(cmd)
	}
}

// family is a command that only holds others.
func family(use, short string, members ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: unknownCommand, RunE: showHelp}
	cmd.AddCommand(members...)
	return cmd
}

func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// unknownCommand refuses arguments of a command that takes other commands only.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	message := fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0])
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		message += ": did you mean " + strings.Join(near, " or ") + "?"
	}
	return usagef("%s", message)
}

// tooMany refuses an argument that is one too many. Two are common: the time of
// --wait, which wants a =, and the file of apply, which wants -f.
func tooMany(cmd *cobra.Command, extra string) error {
	message := fmt.Sprintf("%s does not know what to do with %q", cmd.CommandPath(), extra)
	if _, err := time.ParseDuration(extra); err == nil && cmd.Flags().Changed("wait") {
		message += ": write --wait=" + extra
	} else if file := cmd.Flags().Lookup("file"); file != nil && !file.Changed {
		message += ": write -f " + term.ShellWord(extra)
	}
	return usagef("%s", message)
}

// arguments demands exactly these arguments, and says their names when they are missing.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef("%s wants %s", cmd.CommandPath(), strings.Join(names[len(args):], " and "))
		case len(args) > len(names):
			return tooMany(cmd, args[len(names)])
		}
		return nil
	}
}
