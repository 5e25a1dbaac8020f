package demo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/app"
	"github.com/stranglerfig/strangler/internal/demo"
)

func TestRunPlaysTheScriptOnTheRealRouter(t *testing.T) {
	var out bytes.Buffer
	if err := demo.Run(t.Context(), app.DemoRouter("test"), demo.Options{Out: &out, Scripted: true}); err != nil {
		t.Error(err)
	}
	if !strings.HasSuffix(out.String(), "\nAll 19 steps went as they should.\n") {
		t.Errorf("the script said\n%s", out.String())
	}
}

// teller is a terminal at which somebody presses Ctrl-C when they have read a
// line that matches.
type teller struct {
	bytes.Buffer
	enough *regexp.Regexp
	stop   func()
}

func (r *teller) Write(p []byte) (int, error) {
	if r.enough.Match(p) {
		r.stop()
	}
	return r.Buffer.Write(p)
}

func TestRunTellsWhatVisitorsSee(t *testing.T) {
	ctx, interrupt := context.WithCancelCause(t.Context())
	defer interrupt(nil)
	out := &teller{
		enough: regexp.MustCompile(`^\d\d:\d\d:\d\d  [1-9]\d* requests, no errors   orders-get: 0 of [1-9]\d* \(0 %\)   products: 0 of [1-9]\d* \(0 %\)   catalogue: `),
		stop:   func() { interrupt(app.ErrInterrupted) },
	}
	var folder string
	start := func(ctx context.Context, dir string) (demo.Router, error) {
		folder = dir
		return app.DemoRouter("test")(ctx, dir)
	}
	if err := demo.Run(ctx, start, demo.Options{Out: out}); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		`shop       http://127\.0\.0\.1:\d+ `, `dashboard  http://127\.0\.0\.1:\d+ `, `admin API  http://127\.0\.0\.1:\d+\n`, `token      demo_\w{26}\n`,
		`stranglerctl status\n`, `stranglerctl gate ls orders-get\n`, `stranglerctl promote orders-get --to 25% --force --reason known-bug --wait\n`, `stranglerctl fault start orders-get --side new --status 503 --for 1m\n`, `stranglerctl history orders-get\n`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder %s is still there: %v", folder, err)
	}
}

func TestRunUndoesWhatItSetUp(t *testing.T) {
	broken := errors.New("no port is free")
	var folder string
	start := func(_ context.Context, dir string) (demo.Router, error) {
		folder = dir
		if err := os.WriteFile(dir+"/store.db", []byte("rows"), 0o600); err != nil {
			t.Error(err)
		}
		return demo.Router{}, broken
	}
	err := demo.Run(t.Context(), start, demo.Options{Out: &bytes.Buffer{}})
	if !errors.Is(err, broken) || err.Error() != "the router did not start: no port is free" {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder %s is still there: %v", folder, err)
	}
}

// An admin API that never answers holds the demo up, until the router behind
// it ends: that is what the error must say.
func TestRunSaysThatTheRouterHasEnded(t *testing.T) {
	asked := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server would not see the client leave
		close(asked)
		<-r.Context().Done()
	}))
	defer silent.Close()
	crash := errors.New("the disk is full")
	start := func(context.Context, string) (demo.Router, error) {
		return demo.Router{Admin: silent.URL, Wait: func() error {
			<-asked
			return crash
		}}, nil
	}
	err := demo.Run(t.Context(), start, demo.Options{Out: &bytes.Buffer{}})
	if !errors.Is(err, crash) || err.Error() != "the router has ended by itself\nthe disk is full" {
		t.Errorf("error %v", err)
	}
}
