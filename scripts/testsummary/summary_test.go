package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// events runs the real `go test -json` over one test file in a module of its own.
func events(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	for file, text := range map[string]string{"go.mod": "module m\n\ngo 1.26\n", "m_test.go": source} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-json", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out)
}

func TestClosingLines(t *testing.T) {
	for _, tc := range []struct {
		name, source string
		passed       bool
		want         []string // each is in the output
		closing      string   // prefix of the last line
	}{
		{
			name: "all passed", passed: true,
			source:  "package m\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Run(\"sub\", func(*testing.T) {}); t.Log(\"quiet\") }",
			want:    []string{"ok    m  2 tests"},
			closing: "PASS: 2 passed, 0 failed, 0 skipped",
		},
		{
			name:    "one failed, one skipped",
			source:  "package m\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Error(\"three is not four\") }\nfunc TestB(t *testing.T) { t.Skip(\"no engine here\") }\nfunc TestC(*testing.T) {}",
			want:    []string{"m_test.go:3: three is not four", "skipped  m TestB: m_test.go:4: no engine here", "failed   m TestA"},
			closing: "FAIL: 1 passed, 1 failed, 1 skipped",
		},
		{
			name:    "a panic",
			source:  "package m\nimport \"testing\"\nfunc TestA(*testing.T) { panic(\"at the disco\") }",
			want:    []string{"panic: at the disco", "failed   m TestA"},
			closing: "FAIL: 0 passed, 1 failed",
		},
		{
			name:    "the program ends inside a test",
			source:  "package m\nimport (\"fmt\"; \"os\"; \"testing\")\nfunc TestA(*testing.T) { fmt.Println(\"last words\"); os.Exit(3) }",
			want:    []string{"last words", "failed   m"},
			closing: "FAIL: 0 passed",
		},
		{
			name:    "does not compile",
			source:  "package m\nimport \"testing\"\nfunc TestA(*testing.T) { var x int = \"no\" }",
			want:    []string{"cannot use \"no\"", "failed   m"},
			closing: "FAIL: 0 passed, 0 failed",
		},
		{
			name:    "no tests",
			source:  "package m",
			want:    []string{"no test has passed"},
			closing: "FAIL: 0 passed, 0 failed, 0 skipped",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			passed, err := run(strings.NewReader(events(t, tc.source)), &out)
			if err != nil {
				t.Fatal(err)
			}
			if passed != tc.passed {
				t.Errorf("passed = %t, want %t", passed, tc.passed)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("output lacks %q:\n%s", want, out.String())
				}
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if last := lines[len(lines)-1]; !strings.HasPrefix(last, tc.closing) {
				t.Errorf("last line is %q, want it to begin with %q", last, tc.closing)
			}
			if strings.Contains(out.String(), "quiet") {
				t.Errorf("output of a passed test was printed:\n%s", out.String())
			}
		})
	}
}

func TestMessagesOfTheGoCommandArePassedOn(t *testing.T) {
	var out strings.Builder
	passed, err := run(strings.NewReader("go: updates to go.mod needed"), &out)
	if err != nil || passed {
		t.Errorf("run = %t, %v; want false, nil", passed, err)
	}
	if !strings.HasPrefix(out.String(), "go: updates to go.mod needed") {
		t.Errorf("output is %q", out.String())
	}
}

func TestABrokenPipeIsAnError(t *testing.T) {
	broken := errors.New("broken")
	passed, err := run(iotest.ErrReader(broken), &strings.Builder{})
	if passed || !errors.Is(err, broken) {
		t.Errorf("run = %t, %v; want false and the reader's error", passed, err)
	}
}
