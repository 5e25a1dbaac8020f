package main

import (
	"context"
	"database/sql"
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// tamper writes another reason into an event, behind the router's back: tamper ID.
func tamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: tamper ID")
	}
	behind(ts, "DROP TRIGGER events_no_update", "UPDATE events SET reason = 'it was not me' WHERE id = "+args[0])
}

// backup writes all that is in the store to a file: backup.
func backup(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: backup")
	}
	behind(ts, "VACUUM INTO '"+ts.MkAbs("backup.db")+"'")
}

// restore makes the store what it was when backup was called, under the
// router that runs: restore.
func restore(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: restore")
	}
	statements := []string{"ATTACH '" + ts.MkAbs("backup.db") + "' AS backup", "BEGIN IMMEDIATE", "DROP TRIGGER events_no_delete"}
	for _, table := range []string{"events", "routes", "cohort_groups", "backends", "store"} {
		statements = append(statements, "DELETE FROM "+table, "INSERT INTO "+table+" SELECT * FROM backup."+table)
	}
	behind(ts, append(statements, "COMMIT")...)
}

// behind runs statements on the database of the router, and not through it.
func behind(ts *testscript.TestScript, statements ...string) {
	ctx := context.Background()
	db, err := sql.Open("sqlite", strings.TrimPrefix(ts.Getenv("DATABASE"), "sqlite:"))
	ts.Check(err)
	defer db.Close()
	one, err := db.Conn(ctx) // what is attached belongs to one connection
	ts.Check(err)
	defer one.Close()
	for _, statement := range append([]string{"PRAGMA busy_timeout = 10000"}, statements...) {
		if _, err := one.ExecContext(ctx, statement); err != nil {
			ts.Fatalf("%s: %v", statement, err)
		}
	}
}

// awaits runs a program until what it prints matches, whatever its exit code:
// awaits PATTERN PROGRAM [ARG...].
func awaits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: awaits PATTERN PROGRAM [ARG...]")
	}
	pattern := regexp.MustCompile("(?m)" + args[0])
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var exit *exec.ExitError
		if err := ts.Exec(args[1], args[2:]...); err != nil && !errors.As(err, &exit) {
			ts.Check(err)
		}
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("%v never printed %s", args[1:], args[0])
}
