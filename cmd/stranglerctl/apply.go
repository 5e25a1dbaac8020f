package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/internal/api/client"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// apply is one run of apply: its options and its file.
type apply struct {
	edit
	file     string
	prune    bool
	exitCode bool
	text     []byte
}

const applyType = "application/yaml"

func newApplyCommand(c *cli) *cobra.Command {
	a := &apply{edit: edit{cli: c}}
	cmd := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Bring the definitions in line with a file",
		Long: `Apply changes backends, groups, webhooks and routes to what the file says. It never moves
traffic: stage, weight and hold belong to the verbs. A file with anything wrong
in it is refused whole, each fault on a line as file:line:column: message.

--prune also removes what the file does not name, and asks before it does;
without a terminal it wants -y. --dry-run says what would change; with
--exit-code it exits 0 for no difference, 1 for a difference, 2 or more for an error.`,
		Example: `  stranglerctl apply -f strangler.yaml --dry-run
  stranglerctl apply -f strangler.yaml --wait
  stranglerctl export | stranglerctl apply -f - --dry-run --exit-code`,
		Args:    arguments(),
		PreRunE: func(*cobra.Command, []string) error { return a.check() },
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := a.run(cmd.Context())
			if a.exitCode {
				return apartFromDrift(err)
			}
			return err
		},
	}
	a.register(cmd)
	a.registerYes(cmd)
	cmd.Flags().StringVarP(&a.file, "file", "f", "", "file with definitions; - is stdin")
	cmd.Flags().BoolVar(&a.prune, "prune", false, "remove what the file does not name (asks)")
	cmd.Flags().BoolVar(&a.exitCode, "exit-code", false, "with --dry-run: exit 1 when something would change")
	return cmd
}

func (a *apply) check() error {
	switch {
	case a.file == "":
		return usagef("apply wants -f FILE, or -f - for stdin")
	case a.exitCode && !a.dryRun:
		return usagef("--exit-code goes with --dry-run")
	}
	return a.changeOptions.check()
}

func (a *apply) run(ctx context.Context) error {
	var err error
	if a.text, err = a.read(); err != nil {
		return err
	}
	api, err := a.connect()
	if err != nil {
		return err
	}
	if a.prune && !a.yes && !a.dryRun {
		if err := a.askToPrune(ctx, api); err != nil {
			return err
		}
	}
	done, err := a.send(ctx, api, a.dryRun)
	if err != nil {
		return err
	}
	if err := a.finish(ctx, api, done); err != nil {
		return err
	}
	if a.exitCode && len(done.value.Changes) > 0 {
		return errDrift
	}
	return nil
}

func (a *apply) read() ([]byte, error) {
	if a.file == "-" {
		text, err := io.ReadAll(a.stdin)
		if err != nil {
			return nil, fmt.Errorf("stdin cannot be read; nothing was changed: %w", err)
		}
		return text, nil
	}
	text, err := os.ReadFile(a.file)
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read; nothing was changed: %w", err)
	}
	return text, nil
}

func (a *apply) send(ctx context.Context, api *client.Client, dryRun bool) (answer[wire.Edit], error) {
	name := a.file
	if name == "-" {
		name = "stdin"
	}
	params := &wire.ApplyParams{DryRun: given(dryRun), Prune: given(a.prune), Filename: &name, Reason: given(a.reason)}
	return ask[wire.Edit](api.ApplyWithBody(ctx, params, applyType, bytes.NewReader(a.text)))
}

// askToPrune asks before anything is removed; when nothing would be, it does not.
func (a *apply) askToPrune(ctx context.Context, api *client.Client) error {
	would, err := a.send(ctx, api, true)
	if err != nil {
		return err
	}
	removed := 0
	for _, change := range would.value.Changes {
		if change.Op == wire.ChangeOpRemoved {
			removed++
			a.showChange(a.fail, change) // part of the question, so -q keeps it
		}
	}
	if removed == 0 {
		return nil
	}
	return a.confirm(ctx, "apply --prune", fmt.Sprintf("The file does not name the %s above. Remove what it does not name?", counted(removed, "object")))
}

// apartFromDrift keeps exit code 1 free for a difference.
func apartFromDrift(err error) error {
	var f *failure
	switch {
	case err == nil, errors.Is(err, errDrift):
		return err
	case !errors.As(err, &f):
		return &failure{code: exitUsage, err: err}
	case f.code == exitFailure:
		apart := *f
		apart.code = exitUsage
		return &apart
	}
	return err
}
