package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/stranglerfig/strangler/internal/store/internal/schema"
	"github.com/stranglerfig/strangler/internal/store/postgres"
	"github.com/stranglerfig/strangler/internal/store/sqlite"
)

// Status is where a database's schema stands, against what this program knows.
type Status = schema.Status

// Migrator changes the schema of one database: `strangler migrate`. Each call
// opens the database and closes it again.
type Migrator struct {
	open func(ctx context.Context, create bool) (schema.Schema, func(), error)
}

// Migrate returns the migrator of a database URL, as Open takes it.
func Migrate(url string) (*Migrator, error) {
	kinds := map[string]func(context.Context, string, bool) (schema.Schema, func(), error){
		"postgres": postgres.Schema, "postgresql": postgres.Schema, "sqlite": sqlite.Schema,
	}
	open, known := kinds[scheme(url)]
	if !known {
		return nil, unknownScheme(url)
	}
	return &Migrator{open: func(ctx context.Context, create bool) (schema.Schema, func(), error) {
		return open(ctx, url, create)
	}}, nil
}

// Status reads where the schema stands, and changes nothing.
func (m *Migrator) Status(ctx context.Context) (Status, error) {
	return m.do(ctx, false, schema.Schema.Status)
}

// Up migrates to the newest version this program knows, and returns where the
// schema stands then. A newer schema is left alone.
func (m *Migrator) Up(ctx context.Context) (Status, error) {
	return m.do(ctx, true, schema.Schema.Up)
}

// Down takes the newest migration back, with the data it made room for.
func (m *Migrator) Down(ctx context.Context) (Status, error) {
	return m.do(ctx, false, schema.Schema.Down)
}

func (m *Migrator) do(ctx context.Context, create bool, work func(schema.Schema, context.Context) (Status, error)) (Status, error) {
	opened, done, err := m.open(ctx, create)
	if err != nil {
		return Status{}, fmt.Errorf("open the database: %w", err)
	}
	defer done()
	status, err := work(opened, ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return status, fmt.Errorf("the database gave no answer in time: %w", err)
	}
	return status, err
}
