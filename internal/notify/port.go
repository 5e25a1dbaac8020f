package notify

import (
	"context"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
)

// Place is how far one webhook has come in the history.
type Place struct {
	Webhook   string
	Event     int64     // the last one that was delivered, given up, or of no interest to it
	Failures  int       // deliveries of the next one that failed
	NextTry   time.Time // not before; zero: at once
	LastError string    // of the last delivery; empty: it arrived
	Delivered time.Time // when one arrived last; zero: none ever did
}

// Places is where they are kept.
type Places interface {
	// Places returns those of all webhooks, by name. That of a new one is behind the
	// edit that defined it: nobody is told of what was before.
	Places(ctx context.Context) (map[string]Place, error)
	// KeepPlace writes one. With a fence that is not the present lease's it
	// changes nothing and returns an error that matches rollout.ErrFenced. Of a
	// webhook that is not defined any more nothing is kept.
	KeepPlace(ctx context.Context, fence rollout.Fence, place Place) error
}

// History is the store as the notifier reads what happened.
type History interface {
	Events(ctx context.Context, query rollout.EventQuery) ([]rollout.Event, error)
}
