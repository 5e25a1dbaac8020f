package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
)

// cli is one run of stranglerctl: its streams, its environment, and what the
// options that every command shares say.
type cli struct {
	getenv func(string) string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	now    func() time.Time

	global globalOptions
	begun  bool   // the command line was understood and a command runs
	doing  string // the command and what it works on, as people call it

	yes       bool // -y: do not ask
	confirmed bool // a person was asked and said yes

	out  term.Pen // data for people
	note term.Pen // progress and hints; writes nowhere under -q
	fail term.Pen // errors
}

// run is the whole program. It returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) exitCode {
	c := &cli{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr, now: time.Now}
	c.choosePens()
	root := newRootCommand(c)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	code := ending(ctx, err, c.begun)
	c.tellFailure(cmd, err, code)
	return code
}

// choosePens decides on colours and quiet, once the options are known.
func (c *cli) choosePens() {
	pen := func(w io.Writer) term.Pen {
		return term.NewPen(w, term.NewPalette(w, c.getenv, c.global.noColor))
	}
	c.out, c.note, c.fail = pen(c.stdout), pen(c.stderr), pen(c.stderr)
	if c.global.quiet {
		c.note = term.NewPen(io.Discard, term.Palette{})
	}
}

// tellFailure prints what went wrong and what to do next.
func (c *cli) tellFailure(cmd *cobra.Command, err error, code exitCode) {
	f, ok := errors.AsType[*failure](err)
	if !ok {
		f = &failure{}
	}
	switch {
	case err == nil, errors.Is(err, errDrift), errors.Is(err, errNotFixed):
		return
	case code == exitInterrupted && f.interrupted != "":
		c.fail.Linef("interrupted; %s", f.interrupted)
		return
	case code == exitInterrupted:
		c.fail.Linef("interrupted")
		return
	}
	c.fail.Linef("%s %s", c.fail.Paint(term.Bad, "error:"), err)
	for _, line := range f.lines {
		c.fail.Linef("%s", line)
	}
	switch {
	case f.hint != "":
		c.fail.Linef("hint: %s", f.hint)
	case code == exitUsage:
		c.fail.Linef("hint: %s --help", cmd.CommandPath())
	}
}

// begin is called when a command starts to run, its options parsed.
func (c *cli) begin(cmd *cobra.Command, args []string) error {
	c.choosePens()
	if err := c.global.check(); err != nil {
		return err
	}
	c.begun = true
	c.doing = strings.Join(append([]string{strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")}, args...), " ")
	return nil
}
