package fleet_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
)

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keep puts a snapshot file into a state folder.
func keep(t *testing.T, folder string, s *fleet.Snapshot) {
	t.Helper()
	if err := fleet.WriteSnapshot(filepath.Join(folder, fleet.SnapshotFile), s); err != nil {
		t.Fatal(err)
	}
}

// recall reads the snapshot file of a state folder.
func recall(t *testing.T, folder string) *fleet.Snapshot {
	t.Helper()
	s, err := fleet.ReadSnapshot(filepath.Join(folder, fleet.SnapshotFile))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSnapshotFileGivesBackWhatWasWritten(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made", "on", "demand")
	want := snapshot(12, 1234)
	want.ReadAt = time.Date(2026, 11, 23, 3, 0, 0, 123, time.UTC)
	want.Routes[0].Hold.Reason = "<img onerror=…> & \r\n \u2028 \x00"
	want.Routes[0].Hold.Evidence = []byte(`{"sig":"<a&b>","n":9007199254740993}`)
	want.Seal()
	keep(t, folder, want)
	if diff := cmp.Diff(want, recall(t, folder)); diff != "" {
		t.Error(diff)
	}
}

func TestSnapshotFileIsPrivate(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, fleet.SnapshotFile)
	for _, stale := range []string{path, path + ".tmp"} { // left by somebody less careful
		writeFile(t, stale, strings.Repeat("x", 1<<16))
		if err := os.Chmod(stale, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	keep(t, folder, snapshot(1, 0))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	recall(t, folder)
	if left, _ := filepath.Glob(path + "?*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestDamagedSnapshotFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), fleet.SnapshotFile)
	if err := fleet.WriteSnapshot(path, snapshot(12, 1234)); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, at int, content string) {
		writeFile(t, path, content)
		if s, err := fleet.ReadSnapshot(path); !errors.Is(err, fleet.ErrSnapshotFile) || s != nil {
			t.Fatalf("%s at byte %d of %d: %v", what, at, len(whole), err)
		}
	}
	for i := range whole {
		refused("cut short", i, string(whole[:i]))
		flipped := append([]byte(nil), whole...)
		flipped[i] ^= 1 << (i % 8)
		refused("a flipped bit", i, string(flipped))
		flipped[i] = whole[i] ^ 0x20 // the other case of a letter
		refused("another case", i, string(flipped))
	}
	refused("something appended", len(whole), string(whole)+" ")
	refused("twice", len(whole), string(whole)+string(whole))
}

func TestForeignFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), fleet.SnapshotFile)
	for _, content := range []string{"", "{}", "null", "[]", "\x00", `{"store_id":"x"}`, "SQLite format 3\x00"} {
		writeFile(t, path, content)
		_, err := fleet.ReadSnapshot(path)
		wantError(t, err, fleet.ErrSnapshotFile)
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not name the file: %v", err)
		}
	}
	_, err := fleet.ReadSnapshot(filepath.Join(t.TempDir(), "nothing"))
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, fleet.ErrSnapshotFile) {
		t.Errorf("no file: %v", err)
	}
}

// Sealed, written and whole is not enough: its parts must fit together.
func TestInconsistentSnapshotFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), fleet.SnapshotFile)
	bad := snapshot(3, 100)
	bad.Routes = nil
	if err := fleet.WriteSnapshot(path, bad); err != nil {
		t.Fatal(err)
	}
	s, err := fleet.ReadSnapshot(path)
	wantError(t, err, fleet.ErrSnapshotFile)
	wantError(t, err, fleet.ErrUnreadable)
	if s != nil {
		t.Error("a snapshot beside the error")
	}
}

func TestFileIsWrittenAtMostOnceASecond(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 0)), folder)
		r.serving(t, 1)
		if got := recall(t, folder).Revision; got != 1 {
			t.Fatalf("the file is at revision %d", got)
		}
		seen := map[routing.Revision]bool{}
		for i := range 500 {
			r.store.commit(snapshot(routing.Revision(i+2), routing.Weight(i+1)))
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
			seen[recall(t, folder).Revision] = true
		}
		if len(seen) < 5 || len(seen) > 7 {
			t.Errorf("written %d times in 5 s", len(seen))
		}
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if got := recall(t, folder).Revision; got != 501 {
			t.Errorf("after the stop the file is at revision %d, want the newest", got)
		}
	})
}

func TestUnwritableFileIsSaidAndDoesNotStopTheWatch(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	writeFile(t, blocked, "a file where a folder should be")
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 0)), filepath.Join(blocked, "state"))
		time.Sleep(time.Minute)
		r.serving(t, 1)
		if n := r.log.count("could not be written"); n != 1 {
			t.Errorf("said %d times, want once", n)
		}
		if err := r.stop(); err == nil || !strings.Contains(err.Error(), blocked) {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestFileIsWrittenAgainOnceThatIsPossible(t *testing.T) {
	folder := t.TempDir()
	blocked := filepath.Join(folder, "state")
	writeFile(t, blocked, "a file where a folder should be")
	synctest.Test(t, func(t *testing.T) {
		r := watch(t, newStore(snapshot(1, 0)), blocked)
		time.Sleep(5 * time.Second)
		if err := os.Remove(blocked); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		r.serving(t, 1)
		if got := recall(t, blocked).Revision; got != 1 {
			t.Errorf("the file is at revision %d", got)
		}
	})
}
