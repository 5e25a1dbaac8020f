package app

import (
	"context"
	"fmt"
	"io"

	"github.com/stranglerfig/strangler/internal/store"
)

// Migrate runs `strangler migrate status|up|down` on the store of config and
// prints where the schema stands afterwards.
func Migrate(ctx context.Context, config Config, verb string, stdout io.Writer) error {
	migrator, err := store.Migrate(config.Database)
	if err != nil {
		return err
	}
	verbs := map[string]func(context.Context) (store.Status, error){
		"status": migrator.Status, "up": migrator.Up, "down": migrator.Down,
	}
	run, known := verbs[verb]
	if !known {
		return fmt.Errorf("%w: migrate %q: want status, up or down", ErrConfig, verb)
	}
	status, err := run(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "schema version %d, this program knows %d: %s\n", status.Version, status.Latest, standing(status))
	return err
}

// standing says in words what a status means.
func standing(s store.Status) string {
	switch {
	case s.Dirty:
		return "dirty, a migration stopped halfway"
	case s.Version < s.Latest:
		return "behind, `strangler migrate up` brings it up to date (serve does so by itself)"
	case s.Version > s.Latest:
		return "newer than this program, which serves it and does not migrate it"
	default:
		return "up to date"
	}
}
