package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/store"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"stranglerctl": main})
}

// TestScripts tells stories over a real router with a SQLite store, one for
// each script; stranglerctl is a real process.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               startRouter,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"capture":  capture,
			"exits":    exits,
			"sub":      sub,
			"awaits":   awaits,
			"backup":   backup,
			"restore":  restore,
			"tamper":   tamper,
			"tidy":     tidy,
			"token":    token,
			"instance": instance,
			"evidence": evidence,
		},
	})
}

// startRouter runs a router for one script, with a backend that finds nothing,
// one that answers and one that is away, and tells the script where they are.
func startRouter(env *testscript.Env) error {
	router, err := newRouter(env.WorkDir)
	if err != nil {
		return err
	}
	up := httptest.NewServer(http.NotFoundHandler())
	fresh := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "from the new side\n")
	}))
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	env.Defer(func() {
		up.Close()
		fresh.Close()
		if err := router.stop(); err != nil {
			env.T().Log("the router ended with", err)
		}
	})
	for name, value := range map[string]string{
		"STRANGLER_SERVER": router.url,
		"STRANGLER_TOKEN":  adminToken,
		"XDG_CONFIG_HOME":  filepath.Join(env.WorkDir, "config"),
		"DATABASE":         router.database,
		"UP":               up.URL,
		"FRESH":            fresh.URL,
		"DATA":             router.data,
		"DOWN":             down.URL,
		"ESC":              "\x1b",
	} {
		env.Setenv(name, value)
	}
	return nil
}

// exits runs a program and demands its exit code: exits 7 stranglerctl promote orders.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// capture keeps what the first group of a pattern matches in what the last
// program said: capture NAME stdout|stderr PATTERN.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: capture NAME stdout|stderr PATTERN")
	}
	found := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(found) != 2 {
		ts.Fatalf("%s does not match %s", args[1], args[2])
	}
	ts.Setenv(args[0], found[1])
}

// sub replaces $NAME in a file by the environment: sub FILE.
func sub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sub FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o644))
}

// tidy copies text to a file and writes what differs between runs as a word:
// tidy stdout FILE.
func tidy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tidy stdout|stderr FILE")
	}
	text := strings.ReplaceAll(ts.ReadFile(args[0]), ts.Getenv("WORK"), "WORK")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(tidied(text)), 0o644))
}

// tidied is text with what differs between runs written as a word.
func tidied(text string) string {
	for _, volatile := range []struct{ pattern, word string }{
		{`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)`, "TIME"},
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`, "TIME"},
		{`(\d+[smhd] ago|now) (by|on) `, "AGO $2 "},
		{`(\d+[smhd] ago|\bnow\b)  `, "AGO  "},
		{`\(\d+\.\d s\)`, "(T s)"},
		{`\d+\.\d/s`, "N/s"},
		{`(10m|9m\d+s) left`, "T left"},
		{`watched for \d+m?\d*s? of`, "watched for T of"},
		{`since \w{3} \d+ \w{3} \d\d:\d\d UTC`, "since TIME"},
		{`"age_s": [0-9.e-]+`, `"age_s": AGE`},
		{`salt: "?[0-9a-f]{32}"?`, "salt: SALT"}, // quoted when it begins with a digit
		{`\b[0-9a-f]{32}\b`, "SALT"},
		{`\b[0-9a-f]{64}\b`, "HASH"},
		{`(token|revoke) [a-z2-7]{8}\b`, "$1 ID"},
		{`(\S)  +`, "$1  "}, // columns are as wide as their widest time
		{`127\.0\.0\.1:\d+`, "HOST"},
	} {
		text = regexp.MustCompile(volatile.pattern).ReplaceAllString(text, volatile.word)
	}
	return text
}

// token makes a token of a role and uses it from here on: token viewer;
// token expired makes one that is no longer valid.
func token(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: token viewer|operator|admin|expired")
	}
	role, ttl := auth.Role(args[0]), time.Hour
	if args[0] == "expired" {
		role, ttl = auth.Admin, time.Nanosecond
	}
	minted, secret, err := auth.Mint("kim", role, ttl)
	ts.Check(err)
	withStore(ts, func(ctx context.Context, s store.Store) error { return s.CreateToken(ctx, minted, "a test") })
	ts.Setenv("STRANGLER_TOKEN", secret)
}

// instance writes the heartbeat of another router, which acknowledges a
// revision: instance NAME REVISION [off].
func instance(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: instance NAME REVISION [off]")
	}
	revision, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	other := fleet.Instance{
		Name: args[0], Revision: routing.Revision(revision), Version: "test", StartedAt: time.Now(), SignedOff: len(args) > 2,
	}
	withStore(ts, func(ctx context.Context, s store.Store) error { return s.Heartbeat(ctx, other) })
}

func withStore(ts *testscript.TestScript, use func(context.Context, store.Store) error) {
	ctx := context.Background()
	opened, err := store.Open(ctx, ts.Getenv("DATABASE"), store.Options{})
	ts.Check(err)
	defer opened.Close()
	ts.Check(use(ctx, opened))
}
