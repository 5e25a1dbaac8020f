// Package scripts_test runs the shell scripts of this folder as make does.
package scripts_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machine is a PATH on which only what the test put there is found.
type machine struct {
	t    *testing.T
	path string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{t: t, path: t.TempDir()}
	for _, tool := range []string{"cat", "dirname", "sed", "env"} {
		binary, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(binary, filepath.Join(m.path, tool)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// program puts a shell script on the machine.
func (m machine) program(name, script string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.path, name), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		m.t.Fatal(err)
	}
}

// need runs scripts/need and returns its exit code and what it said.
func (m machine) need(tools ...string) (code int, said string) {
	m.t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), bash, append([]string{"./need"}, tools...)...)
	cmd.Env = []string{"PATH=" + m.path}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// sudoStub runs apt-get and nothing else, so that a test leaves this machine as it is.
const sudoStub = `shift; case "$*" in *apt-get*) exec "$@";; *) cat >/dev/null;; esac`

// asUser makes sudo the only way to become root; sudo answers what script says.
func (m machine) asUser(sudo string) {
	m.program("id", "echo 1000")
	m.program("sudo", sudo)
}

func TestNeedIsQuietWhenNothingIsMissing(t *testing.T) {
	m := newMachine(t)
	m.program("cc", "exit 0")
	m.program("apt-get", "echo must not run; exit 1")
	if code, said := m.need("cc"); code != 0 || said != "" {
		t.Errorf("exit %d, said %q", code, said)
	}
}

func TestNeedInstallsBySudoWithoutAPassword(t *testing.T) {
	m := newMachine(t)
	log := filepath.Join(t.TempDir(), "log")
	m.asUser(sudoStub)
	m.program("apt-get", `echo "$*" >>`+log)
	if code, said := m.need("cc"); code != 0 {
		t.Fatalf("exit %d, said %q", code, said)
	}
	calls, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	want := "update -q\ninstall -q -y --no-install-recommends gcc libc6-dev\n"
	if string(calls) != want {
		t.Errorf("apt-get was called with\n%swant\n%s", calls, want)
	}
}

func TestNeedSaysWhatToInstall(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		set        func(machine)
	}{
		{"no apt-get", "Missing: gcc libc6-dev (names of Debian packages). This machine has no apt-get.", func(m machine) {
			m.asUser("exit 0")
		}},
		{"sudo wants a password", "Missing: gcc libc6-dev (names of Debian packages). Installing them takes root", func(m machine) {
			m.program("apt-get", "exit 0")
			m.asUser("exit 1")
		}},
		{"apt-get fails", "apt-get could not install gcc libc6-dev", func(m machine) {
			m.program("apt-get", "exit 100")
			m.asUser(sudoStub)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMachine(t)
			tc.set(m)
			code, said := m.need("cc")
			if code != 1 || !strings.Contains(said, tc.want) {
				t.Errorf("exit %d, said %q; want exit 1 and %q", code, said, tc.want)
			}
		})
	}
}

func TestNeedNamesTheGoVersionOfTheModule(t *testing.T) {
	code, said := newMachine(t).need("go")
	if code != 1 || !strings.Contains(said, "Install Go 1.") {
		t.Errorf("exit %d, said %q", code, said)
	}
}

func TestNeedRefusesAnUnknownTool(t *testing.T) {
	code, said := newMachine(t).need("kitchen-sink")
	if code != 2 || !strings.Contains(said, "unknown tool 'kitchen-sink'") {
		t.Errorf("exit %d, said %q", code, said)
	}
}

// checkout is a folder with a copy of one script and whatever else is put into it.
func checkout(t *testing.T, script string, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	text, err := os.ReadFile(filepath.Join("..", script))
	if err != nil {
		t.Fatal(err)
	}
	files[script] = string(text)
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func run(t *testing.T, program string, args ...string) (code int, said string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func TestDriftTellsAChangedFileFromAnUnchangedOne(t *testing.T) {
	for _, tc := range []struct {
		name, command string
		code          int
		want          string
	}{
		{"unchanged", "echo one >a/b.gen.go", 0, ""},
		{"changed", "echo two >a/b.gen.go", 1, "+two"},
		{"a new file", "echo new >a/c.gen.go", 1, "c.gen.go"},
		{"the generator fails", "exit 3", 3, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := checkout(t, "scripts/drift", map[string]string{"a/b.gen.go": "one\n", "a/d.go": "by hand\n"})
			code, said := run(t, filepath.Join(root, "scripts/drift"), "sh", "-c", tc.command)
			if code != tc.code || !strings.Contains(said, tc.want) {
				t.Errorf("exit %d, said %q; want exit %d and %q", code, said, tc.code, tc.want)
			}
		})
	}
}

func TestCIEndsWithTheClosingLines(t *testing.T) {
	for _, tc := range []struct {
		name, recipe, last string
		code               int
	}{
		{"passed", "echo PASS: 7 passed", "PASS: 7 passed", 0},
		{"failed", "echo FAIL: 1 failed; exit 1", "FAIL: 1 failed", 2},
		{"reads nothing", "cat; echo PASS: not stuck", "PASS: not stuck", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := checkout(t, ".ci/run", map[string]string{"Makefile": "test:\n\t@" + tc.recipe + "\n"})
			code, said := run(t, filepath.Join(root, ".ci/run"))
			lines := strings.Split(strings.TrimSpace(said), "\n")
			if code != tc.code || lines[len(lines)-1] != tc.last {
				t.Errorf("exit %d, said %q; want exit %d and last %q", code, said, tc.code, tc.last)
			}
		})
	}
}
