// Command testsummary reads the events of `go test -json` from standard input.
// It prints one line per package, the output of what failed, and closes with a
// summary: how many tests passed, which failed, which were skipped and why.
//
// `go test` alone ends with whatever package came last; a person who scrolls
// back to find out whether all went well is a person who stops looking.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

func main() {
	passed, err := run(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
	}
	if err != nil || !passed {
		os.Exit(1)
	}
}

// run reports whether tests ran and all of them passed.
func run(in io.Reader, out io.Writer) (passed bool, err error) {
	summary := newSummary(out)
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			summary.line(line)
		}
		if err == io.EOF {
			return summary.close(), nil
		}
		if err != nil {
			return false, fmt.Errorf("reading the events: %w", err)
		}
	}
}

// line takes one line; what is no event (a message of the go command) is passed on.
func (s *summary) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		_, _ = s.out.Write(line)
		return
	}
	s.event(e)
}
