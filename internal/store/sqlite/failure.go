package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/stranglerfig/strangler/internal/store/internal/relational"
)

// ErrNotStore is a file that SQLite does not recognise, or finds damaged.
var ErrNotStore = errors.New("not a usable SQLite database")

// primary is SQLite's result code without its extension; 0 for other errors.
func primary(err error) int {
	failed, is := errors.AsType[*sqlite.Error](err)
	if !is {
		return 0
	}
	return failed.Code() & 0xff
}

// away reports whether the file cannot be written at the moment: nothing that
// was asked is wrong.
func away(err error) bool {
	switch primary(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM,
		sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN:
		return true
	default:
		return false
	}
}

// refused reports whether a failed commit was not made. Within one process there
// is always an answer.
func refused(error) bool {
	return true
}

// advice says what to do about an error that away recognises.
func advice(err error) string {
	switch primary(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another process holds the file: look for one with `fuser` or `lsof`"
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		return "give this user the right to write the file and its folder"
	case sqlite3.SQLITE_FULL:
		return "the disk is full: make room"
	default:
		return ""
	}
}

// explain says of an error at opening what is wrong with the file.
func explain(path string, err error) error {
	switch primary(err) {
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %s (%w); it was left as it is; name another file, or restore it from a backup", ErrNotStore, path, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("%w: %s (%w); %s, or name another file", relational.ErrAddress, path, err, advice(err))
	default:
		return err
	}
}
