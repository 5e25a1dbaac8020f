package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The formats of -o.
const (
	formatTable = "table"
	formatWide  = "wide"
	formatJSON  = "json"
	formatYAML  = "yaml"
	formatName  = "name"
)

// formats lists them in the order of the help text.
func formats() []string {
	return []string{formatTable, formatWide, formatJSON, formatYAML, formatName}
}

// globalOptions are the flags of every command.
type globalOptions struct {
	server  string
	context string
	token   string
	output  string
	noColor bool
	quiet   bool
}

func (o *globalOptions) register(flags *pflag.FlagSet) {
	flags.StringVar(&o.server, "server", "", "admin API of a router (STRANGLER_SERVER; default "+defaultServer+")")
	flags.StringVar(&o.context, "context", "", "saved router to talk to, see stranglerctl context (STRANGLER_CONTEXT)")
	flags.StringVar(&o.token, "token", "", "bearer token; better kept in STRANGLER_TOKEN or a context")
	flags.StringVarP(&o.output, "output", "o", formatTable, "shape of the answer: "+strings.Join(formats(), ", "))
	flags.BoolVar(&o.noColor, "no-color", false, "never colour (also: NO_COLOR set)")
	flags.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no hints on stderr")
}

// check refuses values that no command could use.
func (o *globalOptions) check() error {
	if !slices.Contains(formats(), o.output) {
		return usagef("-o %q is no format: want one of %s", o.output, strings.Join(formats(), ", "))
	}
	return nil
}

// forPeople reports whether the answer is for eyes rather than a program.
func (o *globalOptions) forPeople() bool {
	return o.output == formatTable || o.output == formatWide
}

// changeOptions are the flags of the commands that change something.
type changeOptions struct {
	reason     string
	ifRevision int64 // only when ifRevisionSet
	dryRun     bool
	wait       time.Duration // 0: do not wait
	flags      *pflag.FlagSet
}

// waitDefault is how long a bare --wait waits.
const waitDefault = 30 * time.Second

func (o *changeOptions) register(cmd *cobra.Command) {
	o.flags = cmd.Flags()
	o.registerReason()
	o.flags.BoolVar(&o.dryRun, "dry-run", false, "say what would happen, change nothing")
	o.registerWait()
}

func (o *changeOptions) registerReason() {
	o.flags.StringVar(&o.reason, "reason", "", "why, for the history")
}

func (o *changeOptions) registerWait() {
	o.flags.DurationVar(&o.wait, "wait", 0, "wait until every instance serves the new revision; how long at most")
	o.flags.Lookup("wait").NoOptDefVal = waitDefault.String()
}

func (o *changeOptions) registerIfRevision() {
	o.flags.Int64Var(&o.ifRevision, "if-revision", 0, "only if it is still at this revision; otherwise exit 6")
}

// registerYes adds -y. Every command that changes something has it: in a
// protected context all of them ask.
func (c *cli) registerYes(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&c.yes, "yes", "y", false, "do not ask")
}

// check refuses values that cannot be meant.
func (o *changeOptions) check() error {
	if o.flags.Changed("if-revision") && o.ifRevision < 1 {
		return usagef("--if-revision %d: revisions are positive; stranglerctl status -o wide shows them", o.ifRevision)
	}
	if o.flags.Changed("wait") && o.wait <= 0 {
		return usagef("--wait=%s: want a time to wait at most, like 30s", o.wait)
	}
	return nil
}

// precondition is --if-revision, nil when it was not given.
func (o *changeOptions) precondition() *int64 {
	if !o.flags.Changed("if-revision") {
		return nil
	}
	return &o.ifRevision
}
