package sqlite_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/store"
	"github.com/stranglerfig/strangler/internal/store/sqlite"
)

func options() sqlite.Options {
	return sqlite.Options{Logger: slog.New(slog.DiscardHandler), Up: true, Lock: true}
}

// readOnly is a folder in which nobody, root included, may make a file.
func readOnly(t *testing.T) string {
	t.Helper()
	if os.Geteuid() == 0 {
		return "/sys"
	}
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
	return folder
}

func TestUnusableFilesAreRefused(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("these are my notes\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		address string
		want    error
		says    string
	}{
		"missing folder":   {"sqlite:" + folder + "/no/s.db", store.ErrAddress, "there is no folder " + folder + "/no"},
		"read-only folder": {"sqlite:" + readOnly(t) + "/s.db", store.ErrAddress, "the right to write the file and its folder"},
		"not a database":   {"sqlite:" + text, sqlite.ErrNotStore, text},
		"a folder":         {"sqlite:" + folder, store.ErrAddress, "is not a regular file"},
		"folder is a file": {"sqlite:" + text + "/s.db", store.ErrAddress, "is not a folder"},
		"memory":           {"sqlite::memory:", store.ErrAddress, "names no file"},
		"nothing":          {"sqlite:", store.ErrAddress, "names no file"},
		"NUL":              {"sqlite:a\x00b", store.ErrAddress, "NUL"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sqlite.Open(t.Context(), test.address, options())
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %v saying %q", err, test.want, test.says)
			}
		})
	}
	if after, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(after), "these are my notes") {
		t.Errorf("the file that is no database was changed: %v", err)
	}
}

func TestSecondRouterIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	first, err := sqlite.Open(t.Context(), "sqlite:"+path, options())
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"sqlite:" + path, "sqlite:" + link} {
		_, err := sqlite.Open(t.Context(), address, options())
		if !errors.Is(err, sqlite.ErrLocked) || !strings.Contains(err.Error(), "PostgreSQL") || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want ErrLocked with the way out", err)
		}
	}
	tool := options()
	tool.Lock = false // strangler token create, beside the router
	beside, err := sqlite.Open(t.Context(), "sqlite:"+path, tool)
	if err != nil {
		t.Fatalf("a tool beside the router: %v", err)
	}
	if err := errors.Join(beside.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	next, err := sqlite.Open(t.Context(), "sqlite:"+path, options())
	if err != nil {
		t.Fatalf("after the first router stopped: %v", err)
	}
	if err := next.Close(); err != nil {
		t.Error(err)
	}
}

func TestFilesAreForTheirOwnerAlone(t *testing.T) {
	folder := t.TempDir()
	s, err := sqlite.Open(t.Context(), "sqlite:"+filepath.Join(folder, "s.db"), options())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
		info, err := entry.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600 (%v)", entry.Name(), info.Mode(), err)
		}
	}
	if got := strings.Join(names, " "); got != "s.db s.db-shm s.db-wal s.db.lock s.db.migrate.lock" {
		t.Errorf("files: %s", got)
	}
}

func TestStatusMakesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	if _, _, err := sqlite.Schema(t.Context(), "sqlite:"+path, false); !errors.Is(err, store.ErrAddress) {
		t.Errorf("error %v, want ErrAddress", err)
	}
	beside := options()
	beside.Existing = true
	if _, err := sqlite.Open(t.Context(), "sqlite:"+path, beside); !errors.Is(err, store.ErrAddress) || !strings.Contains(err.Error(), "there is no file "+path) {
		t.Errorf("error %v, want ErrAddress that names the file", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("looking made a file")
	}
}

func TestListenEndsWhenTheStoreCloses(t *testing.T) {
	s, err := sqlite.Open(t.Context(), fresh(t), options())
	if err != nil {
		t.Fatal(err)
	}
	awake, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() { ended <- s.Listen(t.Context(), func() { awake <- struct{}{} }) }()
	<-awake
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("Listen ended without a reason")
	}
}

// Taking a migration back drops tables under the router that serves them.
func TestAServedFileIsNotTakenDown(t *testing.T) {
	address := "sqlite:" + filepath.Join(t.TempDir(), "strangler.db")
	served, err := sqlite.Open(t.Context(), address, options())
	if err != nil {
		t.Fatal(err)
	}
	schema, done, err := sqlite.Schema(t.Context(), address, false)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if _, err := schema.Down(t.Context()); !errors.Is(err, sqlite.ErrLocked) || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("error %v, want ErrLocked", err)
	}
	if err := served.Ping(t.Context()); err != nil {
		t.Errorf("the router lost its tables: %v", err)
	}
	if err := served.Close(); err != nil {
		t.Fatal(err)
	}
	if down, err := schema.Down(t.Context()); err != nil || down.Version != down.Latest-1 {
		t.Errorf("when nobody serves it: %+v, %v", down, err)
	}
}
