package test_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"
)

// TestBulkNeedsLittleMemory: what passes through is not kept.
func TestBulkNeedsLittleMemory(t *testing.T) {
	skipWithoutMeaning(t)
	const size, limit = 2 * gib, 64 * mib
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = io.Copy(w, io.LimitReader(zeros{}, size))
			return
		}
		n, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprintln(w, n, err)
	}))
	defer backend.Close()
	for name, pass := range map[string]func(url string) error{"upload": upload, "download": download} {
		t.Run(name, func(t *testing.T) {
			r := serve(t, "a", nil, "--database", "sqlite:"+filepath.Join(t.TempDir(), "s.db"), "--legacy", backend.URL)
			began := time.Now()
			if err := pass("http://" + r.data + "/"); err != nil {
				t.Fatal(err)
			}
			most := r.memory("VmHWM")
			t.Logf("2 GiB in %s; the router held %d MiB at most", time.Since(began).Round(time.Millisecond), most/mib)
			if most > limit {
				t.Errorf("the router held %d bytes at most, want %d", most, limit)
			}
		})
	}
}

func upload(url string) error {
	const size = 2 * gib
	request, err := http.NewRequest(http.MethodPut, url, io.LimitReader(zeros{}, size))
	if err != nil {
		return err
	}
	request.ContentLength = size
	res, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if want := fmt.Sprintln(size, nil); err == nil && string(said) != want {
		return fmt.Errorf("%s: the backend read %q, want %q", res.Status, said, want)
	}
	return err
}

func download(url string) error {
	const size = 2 * gib
	res, err := http.Get(url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err == nil && n != size {
		return fmt.Errorf("%s: %d bytes arrived, want %d", res.Status, n, size)
	}
	return err
}

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
