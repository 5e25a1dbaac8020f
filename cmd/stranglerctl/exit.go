package main

import (
	"context"
	"errors"
	"fmt"
)

// exitCode is what kind of ending a run had. Scripts rely on the numbers.
type exitCode int

// The exit codes.
const (
	exitOK          exitCode = 0
	exitFailure     exitCode = 1   // it did not work; nothing more exact is known
	exitUsage       exitCode = 2   // the command line, or a value on it, makes no sense
	exitDeclined    exitCode = 3   // it asks before it does that, and nobody said yes
	exitNotAllowed  exitCode = 4   // no token, or a token whose role is too low
	exitNotFound    exitCode = 5   // no such route or backend
	exitConflict    exitCode = 6   // somebody else changed it meanwhile
	exitRefused     exitCode = 7   // a hold, a gate, or what hangs on it forbids it
	exitTimedOut    exitCode = 8   // changed, but not every instance has said so in time
	exitInterrupted exitCode = 130 // Ctrl-C
)

// failure is an error that knows how the program is to end and what to do next.
type failure struct {
	code  exitCode
	err   error
	lines []string // further lines under the message, as they are
	hint  string   // what to do next; empty: the message says it

	interrupted string // what stands all the same when Ctrl-C ended it; empty: nothing
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// usagef is an error about the command line itself.
func usagef(format string, args ...any) error {
	return &failure{code: exitUsage, err: fmt.Errorf(format, args...)}
}

// errDrift makes `apply --dry-run --exit-code` end with 1 and without a word.
var errDrift = errors.New("the file and the router differ")

// ending says how a run that returned err ends. Errors that come up before a
// command has begun are about the command line.
func ending(ctx context.Context, err error, begun bool) exitCode {
	var f *failure
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &f):
		return f.code
	case !begun:
		return exitUsage
	}
	return exitFailure
}
