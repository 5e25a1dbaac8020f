// Package migrations carries the SQL that makes and changes a store's schema,
// one folder for each database, in the file layout of golang-migrate.
//
// Both folders hold the same versions. A migration runs as one transaction,
// and leaves a schema that the previous minor version of the router can read
// and write: add columns with defaults, never rename.
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed postgres/*.sql sqlite/*.sql
var files embed.FS

// Postgres returns the migrations for PostgreSQL 13 and newer.
func Postgres() (fs.FS, error) {
	return fs.Sub(files, "postgres")
}

// SQLite returns the migrations for SQLite.
func SQLite() (fs.FS, error) {
	return fs.Sub(files, "sqlite")
}
