package api_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/rollout"
)

// longHistory takes its time to be verified.
type longHistory struct {
	api.History
	entered, leave chan struct{}
	now, most      atomic.Int32
}

func (l *longHistory) VerifyEvents(ctx context.Context) (rollout.Verification, error) {
	if now := l.now.Add(1); now > l.most.Load() {
		l.most.Store(now)
	}
	defer l.now.Add(-1)
	l.entered <- struct{}{}
	<-l.leave
	return l.History.VerifyEvents(ctx)
}

// A verification holds a connection of the store for as long as the history is
// long. Viewers who ask for many must not take them all.
func TestOneVerificationAtATime(t *testing.T) {
	const asking = 5
	history := &longHistory{entered: make(chan struct{}), leave: make(chan struct{}, asking)}
	h := openShop(t, func(c *api.Config) {
		history.History = c.History
		c.History = history
	})
	var all sync.WaitGroup
	for range asking {
		all.Go(func() { h.get("/api/v1/events/verify").want(http.StatusOK) })
	}
	for range asking {
		<-history.entered
		history.leave <- struct{}{}
	}
	all.Wait()
	if most := history.most.Load(); most != 1 {
		t.Errorf("%d verified at once, want 1", most)
	}
}
