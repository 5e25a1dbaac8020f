package demo_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stranglerfig/strangler/internal/demo"
)

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
