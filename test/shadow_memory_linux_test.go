package test_test

import (
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
)

// copyBudget is what all copies of a router may take together, in bytes.
const copyBudget = 64 * mib

// TestCopiesOfManyLargeAnswersStayWithinTheBudget has 500 clients ask at once
// for 1 MiB each, while the shadow hangs, so that every copy is held.
func TestCopiesOfManyLargeAnswersStayWithinTheBudget(t *testing.T) {
	skipWithoutMeaning(t)
	large := bytes.Repeat([]byte("x"), mib)
	hang := make(chan struct{})
	sides := startSides(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(large)))
		_, _ = w.Write(large)
	}, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(hang) }) // before the side is closed
	r := serve(t, "a", []string{"STRANGLER_ADMIN_TOKEN=" + shadowToken}, "--database", "sqlite:"+filepath.Join(t.TempDir(), "s.db"))
	sides.shadow(t, r, "at_once: 256, queue: 10000, timeout: 5m")
	before := r.settled()
	most := 0
	for range 2 {
		var clients sync.WaitGroup
		for range 500 {
			clients.Go(func() {
				res, err := http.Get("http://" + r.data + "/")
				if err != nil {
					t.Error(err)
					return
				}
				defer res.Body.Close()
				if n, err := io.Copy(io.Discard, res.Body); n != mib || err != nil {
					t.Errorf("a client got %d bytes, %v", n, err)
				}
			})
		}
		clients.Wait()
		most = max(most, r.metric(shadowToken, "strangler_shadow_copied_bytes"))
	}
	if most > copyBudget || most < copyBudget/2 {
		t.Errorf("copies take %d MiB, want nearly all of %d and no more", most/mib, copyBudget/mib)
	}
	// The collector lets the heap grow to twice what is in use (GOGC's default).
	held := r.memory("VmHWM") - before
	t.Logf("copies %d MiB; the process grew by %d MiB at most", most/mib, held/mib)
	if held > 3*copyBudget {
		t.Errorf("the process grew by %d MiB, want at most %d", held/mib, 3*copyBudget/mib)
	}
}
