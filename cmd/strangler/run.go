package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/stranglerfig/strangler/internal/app"
)

// Exit codes: what a caller can rely on.
const (
	exitOK          = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// program is what every command shares.
type program struct {
	environ func(string) (string, bool)
	env     app.Env
}

// run is the whole program: it returns the exit code.
func run(args, environ []string, stdout, stderr io.Writer) int {
	ctx, stop := untilSignal(context.Background())
	defer stop()
	p := &program{
		environ: app.Environ(environ),
		env:     app.Env{Version: version, Stdout: stdout, Stderr: stderr, Terminal: isTerminal(stderr)},
	}
	root := p.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	switch err := root.ExecuteContext(ctx); {
	case err == nil:
		return exitOK
	case errors.Is(context.Cause(ctx), app.ErrInterrupted) && errors.Is(err, context.Canceled):
		return exitInterrupted
	default:
		fmt.Fprintf(stderr, "strangler: %v\n", err)
		if _, is := errors.AsType[usageError](err); is {
			return exitUsage
		}
		return exitFailure
	}
}

// root is the command without a verb: it prints the help.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "strangler",
		Short: "A strangler-fig migration router",
		Long: "strangler stands in front of a legacy monolith while a team replaces it route by route.\n" +
			"Move routes with stranglerctl.",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(badFlag)
	root.AddCommand(p.serve(), p.demo(), p.migrate(), p.token(), p.health(), p.versionCommand())
	return root
}

// versionCommand prints the version.
func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(p.env.Stdout, "strangler", p.env.Version)
			return err
		},
	}
}

// untilSignal returns a context that SIGINT or SIGTERM ends, the former with
// app.ErrInterrupted as its cause. A second signal ends the program at once.
func untilSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case got := <-signals:
			signal.Stop(signals)
			if got == os.Interrupt {
				cancel(app.ErrInterrupted)
				return
			}
			cancel(context.Canceled)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(context.Canceled)
	}
}

// isTerminal reports whether a person is looking at w.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
