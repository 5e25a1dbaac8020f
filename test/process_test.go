package test_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output is what a process has said so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// process is a running program. It ends with its test.
type process struct {
	t              testing.TB
	command        *exec.Cmd
	stdout, stderr *output
	ended          chan struct{} // closed when it has ended
}

// command prepares one of our programs, which sees nothing of the developer's
// own settings.
func command(t testing.TB, program string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(filepath.Join(programs, program), args...)
	c.Dir = t.TempDir()
	c.Env = []string{
		"PATH=" + programs + string(filepath.ListSeparator) + os.Getenv("PATH"), "HOME=" + c.Dir, "TMPDIR=" + c.Dir,
		"GORACE=atexit_sleep_ms=10", // its second at every exit adds up
	}
	return c
}

// launch starts a prepared command in a process group of its own, so that an
// interrupt from the terminal is for the tests alone.
func launch(t testing.TB, c *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, command: c, stdout: &output{}, stderr: &output{}, ended: make(chan struct{})}
	if c.Stdout == nil {
		c.Stdout = p.stdout
	}
	if c.Stderr == nil {
		c.Stderr = p.stderr
	}
	if c.SysProcAttr == nil {
		c.SysProcAttr = &syscall.SysProcAttr{}
	}
	c.SysProcAttr.Setpgid = true
	noOrphan(c.SysProcAttr)
	if err := c.Start(); err != nil {
		t.Fatalf("start %s: %v", c, err)
	}
	go func() {
		_ = c.Wait() // the exit code is looked at where it matters
		close(p.ended)
	}()
	t.Cleanup(p.bury)
	return p
}

// bury ends the process if it still runs, and shows what it said if the test failed.
func (p *process) bury() {
	p.kill()
	said := p.stderr.String()
	if strings.Contains(said, "WARNING: DATA RACE") {
		p.t.Errorf("%s has a data race", filepath.Base(p.command.Path))
	}
	if p.t.Failed() && said != "" {
		p.t.Logf("%s said:\n%s", p.command, said[max(0, len(said)-8<<10):])
	}
}

// kill is kill -9, and returns when the process is gone.
func (p *process) kill() {
	_ = p.command.Process.Kill() // it may have ended
	<-p.ended
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		p.t.Fatalf("send %s to %s: %v", s, p.command, err)
	}
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// wait waits for the end and returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.ended:
		return p.command.ProcessState.ExitCode()
	case <-time.After(patience):
		p.t.Fatalf("%s has not ended after %s", p.command, patience)
		return 0
	}
}
