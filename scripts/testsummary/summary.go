package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// event is one event of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string  `json:"Action"`
	Package string  `json:"Package"`
	Test    string  `json:"Test"`    // empty: the event is about the package
	Elapsed float64 `json:"Elapsed"` // seconds
	Output  string  `json:"Output"`
}

// name identifies one test of one package.
type name struct{ pkg, test string }

// String returns the package and the test as the closing lines show them.
func (n name) String() string {
	if n.test == "" {
		return n.pkg
	}
	return n.pkg + " " + n.test
}

// summary is what has been heard so far.
type summary struct {
	out     io.Writer
	output  map[name][]string // of what runs now; dropped as soon as it has passed
	tests   map[string]int    // finished, by package
	passed  int
	failed  []name
	skipped []string // "package test: why"
	pkgs    int
	elapsed time.Duration // of all packages together
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, output: map[name][]string{}, tests: map[string]int{}}
}

// event takes one event into account, and prints what is worth it at once.
func (s *summary) event(e event) {
	n := name{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		s.printf("%s", e.Output)
	case "output":
		s.output[n] = append(s.output[n], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.packageEnded(e)
		} else {
			s.testEnded(n, e.Action)
		}
		delete(s.output, n)
	}
}

func (s *summary) testEnded(n name, action string) {
	s.tests[n.pkg]++
	switch action {
	case "pass":
		s.passed++
	case "fail":
		s.failed = append(s.failed, n)
		s.printOutput(n)
	case "skip":
		s.skipped = append(s.skipped, n.String()+": "+reason(s.output[n]))
	}
}

// packageEnded prints the package's line, and for a failed one everything that
// has not been printed: a panic or a timeout leaves tests without an end.
func (s *summary) packageEnded(e event) {
	if e.Action == "skip" { // it has no tests
		return
	}
	s.pkgs++
	s.elapsed += time.Duration(e.Elapsed * float64(time.Second))
	verdict := "ok  "
	if e.Action == "fail" {
		verdict = "FAIL"
		s.failed = append(s.failed, name{pkg: e.Package})
		s.printUnfinished(e.Package)
	}
	s.printf("%s  %s  %d tests  %.1fs\n", verdict, e.Package, s.tests[e.Package], e.Elapsed)
}

func (s *summary) printUnfinished(pkg string) {
	ofPackage := func(n name) bool { return n.pkg == pkg }
	unfinished := slices.DeleteFunc(slices.Collect(maps.Keys(s.output)), func(n name) bool { return !ofPackage(n) })
	slices.SortFunc(unfinished, func(a, b name) int { return strings.Compare(a.test, b.test) })
	for _, n := range unfinished {
		s.printOutput(n)
		delete(s.output, n)
	}
}

func (s *summary) printOutput(n name) {
	for _, text := range s.output[n] {
		if !strings.HasPrefix(text, "=== ") {
			s.printf("%s", text)
		}
	}
}

// close prints the closing lines and reports whether tests ran and all passed.
func (s *summary) close() bool {
	for _, skipped := range s.skipped {
		s.printf("skipped  %s\n", skipped)
	}
	for _, n := range s.failed {
		s.printf("failed   %s\n", n)
	}
	s.printf("%d packages, %s of package time; subtests are counted\n", s.pkgs, s.elapsed.Round(100*time.Millisecond))
	passed := len(s.failed) == 0 && s.passed > 0
	verdict := "PASS"
	if !passed {
		verdict = "FAIL"
	}
	if s.passed == 0 && len(s.failed) == 0 {
		s.printf("no test has passed\n")
	}
	// Alone on the last line, where people and CI look for it.
	s.printf("%s: %d passed, %d failed, %d skipped\n", verdict, s.passed, s.failedTests(), len(s.skipped))
	return passed
}

// failedTests leaves the packages out, which fail with their tests.
func (s *summary) failedTests() int {
	count := 0
	for _, n := range s.failed {
		if n.test != "" {
			count++
		}
	}
	return count
}

// printf writes to the terminal; if that is gone there is nobody to tell.
func (s *summary) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(s.out, format, args...)
}

// reason finds what a test said when it was skipped.
func reason(output []string) string {
	for _, text := range output {
		text = strings.TrimSpace(text)
		if text != "" && !strings.HasPrefix(text, "===") && !strings.HasPrefix(text, "--- ") {
			return text
		}
	}
	return "no reason given"
}
