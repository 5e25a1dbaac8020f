package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// background runs the program until its context ends, its streams as lines.
type background struct {
	stdout, stderr <-chan string
	code           <-chan exitCode
	interrupt      context.CancelFunc
}

func start(t *testing.T, env map[string]string, args ...string) *background {
	t.Helper()
	ctx, interrupt := context.WithCancel(context.Background())
	t.Cleanup(interrupt)
	stdout, out := lineChannel()
	stderr, errs := lineChannel()
	code := make(chan exitCode, 1)
	go func() {
		code <- run(ctx, args, func(key string) string { return env[key] }, strings.NewReader(""), out, errs)
		out.Close()
		errs.Close()
	}()
	return &background{stdout: stdout, stderr: stderr, code: code, interrupt: interrupt}
}

func lineChannel() (<-chan string, io.WriteCloser) {
	r, w := io.Pipe()
	lines := make(chan string, 1000) // a whole answer fits
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	return lines, w
}

// expect reads lines until one matches pattern. Those before it must not be there.
func expect(t *testing.T, lines <-chan string, pattern string) {
	t.Helper()
	select {
	case line := <-lines:
		if !regexp.MustCompile(pattern).MatchString(line) {
			t.Fatalf("line %q does not match %s", line, pattern)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("no line that matches %s", pattern)
	}
}

func mustInvoke(t *testing.T, env map[string]string, args ...string) (stdout string) {
	t.Helper()
	code, stdout, stderr := invoke(t, env, args...)
	if code != exitOK {
		t.Fatalf("%v ended with %d: %s", args, code, stderr)
	}
	return stdout
}

// definitionsFile writes definitions with these routes, which all have a new side.
func definitionsFile(t *testing.T, routes ...string) string {
	t.Helper()
	text := "backends:\n  - name: old\n    endpoints: [http://127.0.0.1:1]\n  - name: fresh\n    endpoints: [http://127.0.0.1:1]\nroutes:\n"
	for _, name := range routes {
		text += "  - {name: " + name + ", match: {prefix: /" + name + "}, legacy: old, new: fresh}\n"
	}
	path := filepath.Join(t.TempDir(), "definitions.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWatchAppendsALineForEveryChange(t *testing.T) {
	router, err := newRouter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"STRANGLER_SERVER": router.url, "STRANGLER_TOKEN": adminToken}
	mustInvoke(t, env, "apply", "-f", definitionsFile(t, "orders"), "--wait")
	watch := start(t, env, "status", "--watch")
	expect(t, watch.stdout, `^revision 1 · 1 instance serving · store reachable$`)
	expect(t, watch.stdout, `^ROUTE +STAGE`)
	expect(t, watch.stdout, `^orders +legacy`)

	mustInvoke(t, env, "promote", "orders", "--to", "5")
	expect(t, watch.stdout, `^\d\d:\d\d:\d\d  orders  legacy → 5%  \(revision 2, by admin-token\)$`)
	expect(t, watch.stdout, `^\d\d:\d\d:\d\d  orders  autopilot off, gates: … bake: 10 min more \(4 more wait\)$`)
	mustInvoke(t, env, "autopilot", "on", "orders")
	expect(t, watch.stdout, `^\d\d:\d\d:\d\d  orders  autopilot on, gates: … bake: 10 min more \(4 more wait\)$`)
	mustInvoke(t, env, "apply", "-f", definitionsFile(t, "orders", "users"))
	expect(t, watch.stdout, `^\d\d:\d\d:\d\d  users  added at legacy  \(revision 4, by admin-token\)$`)
	mustInvoke(t, env, "route", "set", "users", "--bake", "1h")
	expect(t, watch.stdout, `^\d\d:\d\d:\d\d  users  legacy, definition changed  \(revision 5, by admin-token\)$`)
	mustInvoke(t, env, "route", "rm", "users", "-y")
	expect(t, watch.stdout, `^\d\d:\d\d:\d\d  users  removed$`)

	if err := router.stop(); err != nil {
		t.Fatal(err)
	}
	expect(t, watch.stderr, `^\d\d:\d\d:\d\d × no answer from the router at `)
	watch.interrupt()
	if code := <-watch.code; code != exitInterrupted {
		t.Errorf("exit code %d, want %d", code, exitInterrupted)
	}
}

func TestWatchOfOneRouteEndsWithTheRoute(t *testing.T) {
	env := routerFor(t)
	mustInvoke(t, env, "apply", "-f", definitionsFile(t, "orders"), "--wait")
	watch := start(t, env, "status", "orders", "--watch", "-o", "json", "-q")
	expect(t, watch.stdout, `^{$`)
	mustInvoke(t, env, "route", "rm", "orders", "-y")
	expect(t, watch.stderr, `^error: there is no route "orders"`)
	if code := <-watch.code; code != exitNotFound {
		t.Errorf("exit code %d, want %d", code, exitNotFound)
	}
}

func TestAFrameFitsTheScreen(t *testing.T) {
	frame := "one\ntwo\nthree\nfour\n"
	for height, want := range map[int]string{
		5: "one\x1b[K\ntwo\x1b[K\nthree\x1b[K\nfour\x1b[K\n\x1b[J",
		4: "one\x1b[K\ntwo\x1b[K\n… 2 more; a larger window shows them\x1b[K\n\x1b[J",
		3: "one\x1b[K\n… 3 more; a larger window shows them\x1b[K\n\x1b[J",
		2: "… 4 more; a larger window shows them\x1b[K\n\x1b[J",
	} {
		if got := fitted(frame, height); got != want {
			t.Errorf("height %d: %q, want %q", height, got, want)
		}
	}
}
