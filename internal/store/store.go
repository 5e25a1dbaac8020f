// Package store keeps definitions, where every route stands, and the history of
// both, in PostgreSQL or in a SQLite file behind one interface.
package store

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/store/internal/relational"
	"github.com/stranglerfig/strangler/internal/store/internal/schema"
	"github.com/stranglerfig/strangler/internal/store/postgres"
	"github.com/stranglerfig/strangler/internal/store/sqlite"
)

// The reasons for which a database cannot be opened.
var (
	ErrAddress  = relational.ErrAddress // the URL cannot be used as it is written, or names a file that cannot
	ErrLocked   = sqlite.ErrLocked      // another router serves this SQLite file
	ErrNotStore = sqlite.ErrNotStore    // the file is no SQLite database, or a damaged one
	ErrDirty    = schema.ErrDirty       // a migration was interrupted; the message lists the commands that lead out
	ErrOutdated = schema.ErrOutdated    // the schema is older than this program, and Migrate is not set
	ErrNewer    = schema.ErrNewer       // the schema is newer than this program, and cannot be taken down by it
	ErrInUse    = schema.ErrInUse       // the schema cannot be taken down under routers that were heard of a minute ago
)

// Store is everything the router keeps. Consumers name the small port they
// need; this is what wiring hands around. It is safe for concurrent use.
//
// An operation fails with an error that matches rollout.ErrUnavailable when the
// database cannot be reached, is too slow, or refuses writes.
type Store interface {
	fleet.Source
	rollout.Ledger
	auth.Tokens
	stats.Sink
	stats.WindowSink
	stats.WindowReader
	shadow.Sink
	shadow.Reader
	autopilot.Leases
	autopilot.Dossiers
	notify.Places

	// Edit changes definitions: decide turns the current ones into the wanted
	// ones. Routes that stay keep where they stand; new ones start at stage
	// legacy. Errors: *rollout.Conflict, whatever decide returned,
	// rollout.ErrText; each leaves everything as it was.
	Edit(ctx context.Context, edit spec.Edit, decide func(spec.Current) (spec.Definitions, error)) (spec.Edited, error)
	// Events returns the history, newest first; with After, oldest first.
	Events(ctx context.Context, query rollout.EventQuery) ([]rollout.Event, error)
	// VerifyEvents follows the chain of hashes through the whole history.
	VerifyEvents(ctx context.Context) (rollout.Verification, error)
	// Note writes an event about what changes no table. Its verb must be one of
	// those that spend no revision: override_create, override_rotate,
	// store_accept, login_denied.
	Note(ctx context.Context, event rollout.Event) error
	// RevokeOverride makes every router ignore an override, as one new revision.
	// Of one that is revoked already nothing is changed.
	RevokeOverride(ctx context.Context, override fleet.RevokedOverride, actor string) error
	// Control changes what operators have switched for the whole fleet: decide
	// turns the present controls into the wanted ones. Faults without an ID start,
	// and get one. Errors: whatever decide returned, rollout.ErrText; each leaves
	// everything as it was.
	Control(ctx context.Context, control fleet.Control, decide func(fleet.Controlling) (fleet.Controls, error)) (fleet.Controlled, error)
	// UnsafeServed returns how many requests that may change something the new
	// side of a route has served since a moment, on all instances.
	UnsafeServed(ctx context.Context, route string, since time.Time) (uint64, error)
	// Traffic returns the requests per second of each instance over the last
	// whole minute.
	Traffic(ctx context.Context) (map[string]float64, error)
	// Recorders returns the names of the instances that have written windows within
	// so long, sorted.
	Recorders(ctx context.Context, within time.Duration) ([]string, error)
	// Ping fails when the store cannot be read.
	Ping(ctx context.Context) error
	// URL is the store's address without password and parameters.
	URL() string
	// Close waits for operations under way.
	Close() error
}

// Options say how a store is opened. The zero value opens a store whose schema
// is there, for a tool that works beside a router.
type Options struct {
	Logger         *slog.Logger // nil: discard
	DatabaseListen string       // PostgreSQL: URL of a direct connection for LISTEN, where the main one is a pooler
	Migrate        bool         // bring an older schema up to date; a newer one is served as it is
	Lock           bool         // SQLite: refuse a file that another router serves
	Existing       bool         // SQLite: refuse a file that is not there instead of making it
}

// Open opens postgres://…, postgresql://… or sqlite:path. A PostgreSQL server
// that is away is no error: it is logged, and every operation tries it again.
// A wrong URL is one, and so is a schema that cannot be used.
func Open(ctx context.Context, url string, options Options) (Store, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	switch scheme(url) {
	case "postgres", "postgresql":
		return opened(postgres.Open(ctx, url, postgres.Options{
			Logger: options.Logger, Listen: options.DatabaseListen, Up: options.Migrate,
		}))
	case "sqlite":
		return opened(sqlite.Open(ctx, url, sqlite.Options{
			Logger: options.Logger, Up: options.Migrate, Lock: options.Lock, Existing: options.Existing,
		}))
	default:
		return nil, unknownScheme(url)
	}
}

// opened keeps a nil pointer from becoming an interface that is not nil.
func opened[S Store](s S, err error) (Store, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}

func scheme(url string) string {
	name, _, found := strings.Cut(url, ":")
	if !found {
		return ""
	}
	return name
}

// unknownScheme repeats the scheme only when it looks like one: what stands
// before the first colon may be a user name, and what follows a password.
func unknownScheme(url string) error {
	const want = "write postgres://user:password@host:5432/database or sqlite:strangler.db"
	if name, _, found := strings.Cut(url, "://"); found && len(name) <= len("postgresql")+2 && !strings.ContainsAny(name, ":@/") {
		return fmt.Errorf("%w: %q is no kind of database this program knows; %s", ErrAddress, name, want)
	}
	return fmt.Errorf("%w: it does not start with postgres:// or sqlite:; %s", ErrAddress, want)
}
