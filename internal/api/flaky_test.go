package api_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/spec"
	"github.com/stranglerfig/strangler/internal/store"
)

// flaky is a store that can be taken away.
type flaky struct {
	store.Store
	away      atomic.Bool
	instances []fleet.Instance // instead of the store's, when there are any
	traffic   map[string]float64
	uncounted error                // of Traffic
	unread    error                // of what is about evidence
	broken    *rollout.BrokenEvent // what VerifyEvents finds, when it is set
}

func (f *flaky) Traffic(ctx context.Context) (map[string]float64, error) {
	if f.traffic != nil || f.uncounted != nil {
		return f.traffic, f.uncounted
	}
	return f.Store.Traffic(ctx)
}

func (f *flaky) VerifyEvents(ctx context.Context) (rollout.Verification, error) {
	if f.broken != nil {
		return rollout.Verification{Events: f.broken.ID - 1, Broken: f.broken}, nil
	}
	return f.Store.VerifyEvents(ctx)
}

func (f *flaky) check() error {
	if f.away.Load() {
		return fmt.Errorf("%w: connection refused", rollout.ErrUnavailable)
	}
	return nil
}

func (f *flaky) Load(ctx context.Context, known *fleet.Snapshot) (*fleet.Snapshot, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return f.Store.Load(ctx, known)
}

func (f *flaky) Instances(ctx context.Context) ([]fleet.Instance, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.instances != nil {
		return f.instances, nil
	}
	return f.Store.Instances(ctx)
}

func (f *flaky) Edit(ctx context.Context, edit spec.Edit, decide func(spec.Current) (spec.Definitions, error)) (spec.Edited, error) {
	if err := f.check(); err != nil {
		return spec.Edited{}, err
	}
	return f.Store.Edit(ctx, edit, decide)
}

func (f *flaky) Change(ctx context.Context, sel rollout.Selection, decide func(rollout.Record) (rollout.Decision, error)) (rollout.Committed, error) {
	if err := f.check(); err != nil {
		return rollout.Committed{}, err
	}
	return f.Store.Change(ctx, sel, decide)
}

func (f *flaky) Events(ctx context.Context, query rollout.EventQuery) ([]rollout.Event, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return f.Store.Events(ctx, query)
}

func (f *flaky) Note(ctx context.Context, event rollout.Event) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.Store.Note(ctx, event)
}

func (f *flaky) CurrentLease(ctx context.Context) (autopilot.Lease, error) {
	if err := f.check(); err != nil {
		return autopilot.Lease{}, err
	}
	return f.Store.CurrentLease(ctx)
}

func (f *flaky) Places(ctx context.Context) (map[string]notify.Place, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	return f.Store.Places(ctx)
}

func (f *flaky) TokenByHash(ctx context.Context, hash [32]byte) (auth.Token, error) {
	if err := f.check(); err != nil {
		return auth.Token{}, err
	}
	return f.Store.TokenByHash(ctx, hash)
}
