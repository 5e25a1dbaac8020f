package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/spec"
)

// The names that --legacy gives to what it seeds.
const (
	seedBackend = "legacy"
	seedRoute   = "catch-all"
)

// seedActor is who seeded, in the history.
const seedActor = "serve --legacy"

// editor is the store as seeding needs it.
type editor interface {
	Edit(ctx context.Context, edit spec.Edit, decide func(spec.Current) (spec.Definitions, error)) (spec.Edited, error)
}

// errNotEmpty says that a store has definitions already.
var errNotEmpty = errors.New("the store is not empty")

// seed puts the monolith behind everything, in an empty store. In a store that
// has definitions it changes nothing, and says where they differ.
func seed(ctx context.Context, store editor, legacy string, logger *slog.Logger) error {
	var there spec.Definitions
	edited, err := store.Edit(ctx, spec.Edit{Verb: rollout.VerbSeed, Actor: seedActor}, func(current spec.Current) (spec.Definitions, error) {
		there = current.Definitions
		if len(there.Backends)+len(there.Groups)+len(there.Routes) > 0 {
			return spec.Definitions{}, errNotEmpty
		}
		return seeded(legacy)
	})
	switch {
	case errors.Is(err, errNotEmpty):
		reportDifference(there, legacy, logger)
		return nil
	case err != nil:
		return fmt.Errorf("--legacy %s: %w", redactURL(legacy), err)
	}
	logger.Info("empty store seeded: everything goes to the monolith", "legacy", legacy, "revision", edited.Revision)
	return nil
}

// seeded are the definitions of a router in front of a monolith.
func seeded(legacy string) (spec.Definitions, error) {
	defs := spec.Definitions{
		Backends: []spec.Backend{{Name: seedBackend, Endpoints: []string{legacy}}},
		Routes:   []spec.Route{{Name: seedRoute, Match: spec.Match{Prefix: "/"}, Legacy: seedBackend}},
	}
	if problems := spec.Validate(defs, spec.Source{}); len(problems) > 0 {
		return spec.Definitions{}, problems
	}
	return defs, nil
}

// reportDifference says that --legacy was not applied where the store says otherwise.
func reportDifference(there spec.Definitions, legacy string, logger *slog.Logger) {
	for _, backend := range there.Backends {
		if backend.Name != seedBackend {
			continue
		}
		if !slices.Equal(backend.Endpoints, []string{legacy}) {
			logger.Warn("--legacy is not applied: the store says otherwise", "given", legacy, "stored", backend.Endpoints,
				"change_it_with", "stranglerctl backend set "+seedBackend)
		}
		return
	}
	logger.Warn("--legacy is not applied: the store has definitions without a backend of that name", "given", legacy, "backend", seedBackend)
}

// seedEventually seeds as soon as the store can be written.
func seedEventually(ctx context.Context, store editor, legacy string, logger *slog.Logger) error {
	err := seed(ctx, store, legacy, logger)
	if !errors.Is(err, rollout.ErrUnavailable) {
		return err
	}
	logger.Warn("--legacy waits for the store", "error", err)
	go func() {
		retry := time.NewTicker(2 * time.Second)
		defer retry.Stop()
		for errors.Is(err, rollout.ErrUnavailable) {
			select {
			case <-ctx.Done():
				return
			case <-retry.C:
				err = seed(ctx, store, legacy, logger)
			}
		}
		if err != nil {
			logger.Error("--legacy failed", "error", err)
		}
	}()
	return nil
}
