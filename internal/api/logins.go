package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/rollout"
)

// The times of Logins.
const (
	loginsEvery = 5 * time.Second // how soon a first denied log-in is in the history
	loginsRetry = time.Minute     // after one that could not be written
	loginsFor   = 2 * time.Second // one look, so that a router stops in time
)

// kindLogin is the kind of events about log-ins: their subject is where they
// came from. nobodyKnown is their actor where no token of ours was shown; no
// token can have that name.
const (
	kindLogin   = "login"
	nobodyKnown = "(unknown)"
)

// Notes is the history as Logins needs it.
type Notes interface {
	Note(ctx context.Context, event rollout.Event) error
}

// Logins brings denied log-ins to the history, added up: see auth.Verifier.TakeDenied.
type Logins struct {
	Take     func(all bool) []auth.Denied
	Notes    Notes
	Instance string
	Logger   *slog.Logger

	pending []auth.Denied // taken, and not written yet; owned by Run
}

// Run writes until ctx ends, and then once more. It may be called once.
func (l *Logins) Run(ctx context.Context) {
	wait := loginsEvery
	for {
		select {
		case <-time.After(wait):
			wait = loginsEvery
			if !l.write(ctx, false) {
				wait = loginsRetry
			}
		case <-ctx.Done():
			l.write(context.WithoutCancel(ctx), true)
			return
		}
	}
}

// write reports whether all that was taken is written. While it is not, nothing
// more is taken: it adds up where it is.
func (l *Logins) write(ctx context.Context, all bool) bool {
	ctx, cancel := context.WithTimeout(ctx, loginsFor)
	defer cancel()
	for {
		if len(l.pending) == 0 {
			l.pending = l.Take(all)
		}
		if len(l.pending) == 0 {
			return true
		}
		// One whose outcome is open is not written again: it would count twice.
		if err := l.note(ctx, l.pending[0]); err != nil && !errors.Is(err, rollout.ErrUncertain) {
			l.Logger.Warn("denied log-ins could not be written to the history: it is tried again", "instance", l.Instance, "error", err)
			return false
		}
		l.pending = l.pending[1:]
	}
}

func (l *Logins) note(ctx context.Context, denied auth.Denied) error {
	event, err := l.event(denied)
	if err != nil {
		return err
	}
	return l.Notes.Note(ctx, event)
}

func (l *Logins) event(d auth.Denied) (rollout.Event, error) {
	evidence, err := json.Marshal(struct {
		Instance string    `json:"instance"`
		Count    int       `json:"count"`
		First    time.Time `json:"first"`
		Last     time.Time `json:"last"`
	}{l.Instance, d.Count, d.First.UTC(), d.Last.UTC()})
	if err != nil {
		return rollout.Event{}, err
	}
	actor := d.Token
	if actor == "" {
		actor = nobodyKnown
	}
	return rollout.Event{
		Verb: rollout.VerbLoginDenied, Kind: kindLogin, Subject: d.Source, Actor: actor, Cause: rollout.CauseOperator,
		Reason: fmt.Sprintf("%d denied; %s", d.Count, d.Why), Evidence: evidence,
	}, nil
}
