package certs

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// files keeps what was made of some files, and makes it anew when they change.
type files[T any] struct {
	paths  []string
	parse  func(contents [][]byte) (T, error)
	logger *slog.Logger

	mu     sync.Mutex // owns the rest
	seen   []os.FileInfo
	made   T
	usable bool // made is something
	unread bool // seen was not read: what stood in the way may go without a trace on the files
}

// get returns what the files hold. An error means that they never held
// anything usable; later faults are logged, and the last good value is kept.
func (f *files[T]) get() (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	found, missing := look(f.paths)
	known := same(f.seen, found)
	if f.usable && known && !f.unread {
		return f.made, nil // read already, or known to be unusable
	}
	f.seen = found
	made, err := f.read(missing)
	switch {
	case err == nil && f.usable:
		f.logger.Info("certificate files read again", "files", f.paths)
	case err == nil:
		f.usable = true
	case f.usable && known:
		return f.made, nil // this was said
	case f.usable:
		f.logger.Error("the changed certificate files cannot be used: what was read before stays in use", "files", f.paths, "error", err)
		return f.made, nil
	default:
		return made, err
	}
	f.made = made
	return made, nil
}

// read makes the value of what is in the files now.
func (f *files[T]) read(missing error) (made T, err error) {
	f.unread = false
	if missing != nil {
		return made, missing
	}
	contents := make([][]byte, len(f.paths))
	for i, path := range f.paths {
		if contents[i], err = os.ReadFile(path); err != nil {
			f.unread = true
			return made, err
		}
	}
	return f.parse(contents)
}

// maxFile bounds what is read. A device or a pipe would be read for ever.
const maxFile = 1 << 20

// look says which files are there now. A missing one leaves a gap.
func look(paths []string) (found []os.FileInfo, err error) {
	found = make([]os.FileInfo, len(paths))
	for i, path := range paths {
		info, statErr := os.Stat(path)
		switch {
		case statErr != nil:
			err = statErr
		case !info.Mode().IsRegular() || info.Size() > maxFile:
			err = fmt.Errorf("%s is no file of certificates or a key: it must be a regular one of at most %d bytes", path, maxFile)
		default:
			found[i] = info
		}
	}
	return found, err
}

// same reports whether files are still those they were. A file that is replaced
// by renaming another over it is another file even within one tick of the clock.
func same(before, now []os.FileInfo) bool {
	if len(before) != len(now) {
		return false
	}
	for i, old := range before {
		switch {
		case old == nil || now[i] == nil:
			if old != nil || now[i] != nil {
				return false
			}
		case !os.SameFile(old, now[i]) || !old.ModTime().Equal(now[i].ModTime()) || old.Size() != now[i].Size():
			return false
		}
	}
	return true
}
