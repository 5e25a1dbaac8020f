package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// Only who serves what the store has, as far as he can know, moves routes.
func TestWhoIsInDoubtAboutTheStore(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		status fleet.Status
		want   string // a part of it; empty: there is no doubt
	}{
		"confirmed":           {fleet.Status{Reachable: true, ConfirmedAt: now.Add(-12 * time.Second)}, ""},
		"one read has failed": {fleet.Status{LastError: context.DeadlineExceeded, ConfirmedAt: now.Add(-4 * time.Second)}, ""},
		"never":               {fleet.Status{}, "for more than 15s"},
		"not lately":          {fleet.Status{ConfirmedAt: now.Add(-16 * time.Second)}, "for more than 15s"},
		"from a file":         {fleet.Status{FromFile: true, ConfirmedAt: now}, "snapshot file"},
		"alarm":               {fleet.Status{Reachable: true, Alarm: fleet.ErrStoreForked, ConfirmedAt: now}, "does not serve what the store has"},
	} {
		t.Run(name, func(t *testing.T) {
			err := doubt(test.status, now)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// hanging never answers.
type hanging struct{ shadow.Reader }

func (hanging) Evidence(ctx context.Context, _ shadow.Query) ([]shadow.Evidence, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// An autopilot's look must not wait for somebody who has all the time in the world.
func TestNobodyWaitsForOthersWhoReadParity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		view := newParityView(hanging{}, func() *fleet.Snapshot { return nil })
		patient, leave := context.WithCancel(t.Context())
		go func() { _, _ = view.parity(patient, []string{"orders"}) }()
		synctest.Wait()
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := view.parity(hasty, []string{"orders"}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		leave()
	})
}
