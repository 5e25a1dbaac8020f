package main

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal: what is written to tty can be read from screen.
func openTerminal(t *testing.T) (tty, screen *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	fd := int(screen.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: 120}); err != nil {
		t.Fatal(err)
	}
	return tty, screen
}

// readUntil reads the screen until text has come, and returns what came.
func readUntil(t *testing.T, screen io.Reader, text string) string {
	t.Helper()
	timeout := time.AfterFunc(20*time.Second, func() { panic("the screen never showed " + text) })
	defer timeout.Stop()
	var seen strings.Builder
	buffer := make([]byte, 4096)
	for !strings.Contains(seen.String(), text) {
		n, err := screen.Read(buffer)
		if err != nil {
			t.Fatalf("%v before the screen showed %q; it showed %q", err, text, seen.String())
		}
		seen.Write(buffer[:n])
	}
	return seen.String()
}

func TestWatchRedrawsInPlaceOnATerminal(t *testing.T) {
	router, err := newRouter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"STRANGLER_SERVER": router.url, "STRANGLER_TOKEN": adminToken, "TERM": "xterm"}
	mustInvoke(t, env, "apply", "-f", definitionsFile(t, "orders"), "--wait")
	tty, screen := openTerminal(t)
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	code := make(chan exitCode, 1)
	go func() {
		code <- run(ctx, []string{"status", "--watch"}, func(key string) string { return env[key] }, strings.NewReader(""), tty, io.Discard)
	}()

	first := readUntil(t, screen, "orders")
	if !strings.HasPrefix(first, wrapOff+clearAll+home+"\x1b[1mrevision 1 ") {
		t.Errorf("the first frame begins %q", first)
	}
	mustInvoke(t, env, "promote", "orders", "--to", "5")
	frames := readUntil(t, screen, "canary")
	if strings.Contains(frames, clearAll) || !strings.Contains(frames, home+"\x1b[1mrevision 2 ") {
		t.Errorf("later frames are %q", frames)
	}
	if err := router.stop(); err != nil {
		t.Fatal(err)
	}
	readUntil(t, screen, home+markBad+" this is ")
	interrupt()
	readUntil(t, screen, wrapOn)
	if got := <-code; got != exitInterrupted {
		t.Errorf("exit code %d, want %d", got, exitInterrupted)
	}
}

func TestADumbTerminalGetsPlainLines(t *testing.T) {
	env := routerFor(t)
	env["TERM"] = "dumb"
	tty, screen := openTerminal(t)
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	code := make(chan exitCode, 1)
	go func() {
		code <- run(ctx, []string{"status", "-w"}, func(key string) string { return env[key] }, strings.NewReader(""), tty, io.Discard)
	}()
	if seen := readUntil(t, screen, "reachable\r\n"); strings.Contains(seen, "\x1b") {
		t.Errorf("a dumb terminal is sent %q", seen)
	}
	interrupt()
	<-code
}

func TestATableFitsTheTerminal(t *testing.T) {
	env := routerFor(t)
	env["TERM"] = "dumb"
	long := strings.Repeat("long-", 19) + "name"
	mustInvoke(t, env, "apply", "-f", definitionsFile(t, long), "--wait")
	tty, screen := openTerminal(t) // 120 characters wide
	if code := run(context.Background(), []string{"route", "ls"}, func(key string) string { return env[key] }, strings.NewReader(""), tty, io.Discard); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	table := readUntil(t, screen, "fresh")
	for line := range strings.SplitSeq(strings.TrimSuffix(table, "\n"), "\r\n") {
		if n := utf8.RuneCountInString(line); n > 120 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
	if !strings.Contains(table, "…") {
		t.Errorf("nothing was shortened in\n%s", table)
	}
}
