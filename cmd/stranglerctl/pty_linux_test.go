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

	"github.com/stranglerfig/strangler/internal/store"
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

// awaitNoEcho waits until what is typed on the terminal is not shown.
func awaitNoEcho(t *testing.T, tty *os.File) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if state.Lflag&unix.ECHO == 0 {
			return
		}
	}
	t.Fatal("the terminal still shows what is typed")
}

func TestATokenThatIsTypedIsNotShown(t *testing.T) {
	env := routerFor(t)
	env["XDG_CONFIG_HOME"] = t.TempDir()
	tty, screen := openTerminal(t)
	code := make(chan exitCode, 1)
	go func() {
		code <- run(t.Context(), []string{"context", "login", "test"}, func(key string) string { return env[key] }, tty, tty, tty)
	}()
	readUntil(t, screen, "Token for "+env["STRANGLER_SERVER"]+": ")
	awaitNoEcho(t, tty)
	if _, err := screen.WriteString(adminToken + "\n"); err != nil {
		t.Fatal(err)
	}
	if seen := readUntil(t, screen, "(in use)"); strings.Contains(seen, adminToken) {
		t.Errorf("the screen shows the token: %q", seen)
	}
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d", got)
	}
}

func TestATokenThatIsNotTypedLeavesTheTerminalAsItWas(t *testing.T) {
	tty, screen := openTerminal(t)
	env := map[string]string{"XDG_CONFIG_HOME": t.TempDir()}
	ctx, interrupt := context.WithCancel(t.Context())
	code := make(chan exitCode, 1)
	go func() {
		code <- run(ctx, []string{"context", "login", "test"}, func(key string) string { return env[key] }, tty, tty, tty)
	}()
	readUntil(t, screen, "Token for ")
	awaitNoEcho(t, tty)
	interrupt()
	if got := <-code; got != exitInterrupted {
		t.Errorf("exit code %d, want %d", got, exitInterrupted)
	}
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	if state.Lflag&unix.ECHO == 0 {
		t.Error("the terminal no longer shows what is typed")
	}
	if _, err := screen.WriteString("\n"); err != nil { // lets go of whoever still reads
		t.Fatal(err)
	}
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

func TestWhatAGateMissesIsWholeOnANarrowTerminal(t *testing.T) {
	env := routerFor(t)
	env["TERM"] = "dumb"
	mustInvoke(t, env, "apply", "-f", definitionsFile(t, "orders"), "--wait")
	mustInvoke(t, env, "promote", "orders", "--to", "shadow", "--wait")
	tty, screen := openTerminal(t)
	if err := unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 70}); err != nil {
		t.Fatal(err)
	}
	if code := run(t.Context(), []string{"gate", "ls", "orders"}, func(key string) string { return env[key] }, strings.NewReader(""), tty, io.Discard); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	shown := readUntil(t, screen, "freeze")
	want := "parity  … insufficient  1%     nothing has been compared\r\n    needs 400 comparisons; there are none at present\r\n"
	if !strings.Contains(shown, want) || strings.Contains(shown, "MISSING") {
		t.Errorf("%q is not in\n%s", want, shown)
	}
}

func TestDifferencesFitANarrowTerminal(t *testing.T) {
	router, err := newRouter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := router.stop(); err != nil {
			t.Error("the router ended with", err)
		}
	})
	env := map[string]string{"STRANGLER_SERVER": router.url, "STRANGLER_TOKEN": adminToken, "TERM": "dumb"}
	mustInvoke(t, env, "apply", "-f", definitionsFile(t, "orders"), "--wait")
	found, err := newFinder("orders", "42")
	if err != nil {
		t.Fatal(err)
	}
	found.at = time.Now()
	long := strings.Repeat("long ", 100)
	found.add(1, answered(`{"here": {"and": {"there": "`+long+`"}}}`), answered(`{"here": {"and": {"there": "`+long+`too"}}}`))
	kept, err := store.Open(t.Context(), router.database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if err := kept.AddEvidence(t.Context(), found.collector.Drain()); err != nil {
		t.Fatal(err)
	}
	tty, screen := openTerminal(t)
	if err := unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 60}); err != nil {
		t.Fatal(err)
	}
	if code := run(t.Context(), []string{"diff", "orders"}, func(key string) string { return env[key] }, strings.NewReader(""), tty, io.Discard); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	table := readUntil(t, screen, "…\r\n")
	if !strings.Contains(table, "    1  $.here.and.there") {
		t.Errorf("no difference is in\n%s", table)
	}
	for line := range strings.SplitSeq(table, "\r\n") {
		if n := utf8.RuneCountInString(line); n > 60 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
}
