package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/stranglerfig/strangler/internal/store/internal/relational"
)

// parse takes the path out of sqlite:path, and makes it absolute: a store must
// not depend on the folder the program happens to be in later.
func parse(address string) (string, error) {
	path := strings.TrimPrefix(strings.TrimPrefix(address, "sqlite:"), "//")
	switch {
	case path == "" || strings.HasPrefix(path, ":memory:"):
		return "", fmt.Errorf("%w: %q names no file; write sqlite:strangler.db", relational.ErrAddress, address)
	case strings.ContainsRune(path, 0):
		return "", fmt.Errorf("%w: %q holds a NUL byte", relational.ErrAddress, address)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("%w: %q: %w", relational.ErrAddress, address, err)
	}
	// Two names of one file must meet at one lock file.
	if resolved, err := filepath.EvalSymlinks(absolute); err == nil {
		return resolved, nil
	}
	return absolute, nil
}

// prepare makes the file when it is not there, readable by its owner alone
// (SQLite gives the files beside it the same mode), and checks that it and its
// folder can be written. Where existing is set, a file that is not there is
// refused: whoever works beside a router has mistyped its path.
func prepare(path string, existing bool) error {
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no folder %s; make it, or name another file", relational.ErrAddress, folder)
	case err != nil:
		return fmt.Errorf("%w: %w", relational.ErrAddress, err)
	case !info.IsDir():
		return fmt.Errorf("%w: %s is not a folder", relational.ErrAddress, folder)
	}
	info, err = os.Stat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%w: %s is not a regular file", relational.ErrAddress, path)
	case existing && errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no file %s; correct the path, or make a store with `strangler serve` or `strangler migrate up`",
			relational.ErrAddress, path)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %s cannot be opened for writing (%w); give this user the right to write the file and its folder, or name another file",
			relational.ErrAddress, path, cause(err))
	}
	return file.Close()
}

// cause is the system's error without the path, which the message names already.
func cause(err error) error {
	if failed, is := errors.AsType[*fs.PathError](err); is {
		return failed.Err
	}
	return err
}

// source is what the driver opens. Escaping keeps a ? or % of the path out of
// the parameters.
func source(path string, parameters url.Values) string {
	parameters.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()))
	parameters.Add("_pragma", "foreign_keys(1)")
	parameters.Set("_time_integer_format", "unix_micro")
	escaped := url.URL{Path: path}
	return "file:" + escaped.EscapedPath() + "?" + parameters.Encode()
}

// writing is for the one connection that writes: a transaction takes the write
// lock at once, and a commit is on the disk when it returns.
func writing(path string) string {
	return source(path, url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"journal_mode(WAL)", "synchronous(FULL)"},
	})
}

// reading is for the connections that never write.
func reading(path string) string {
	return source(path, url.Values{"_pragma": {"query_only(1)"}})
}
