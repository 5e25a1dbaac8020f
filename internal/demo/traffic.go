package demo

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// busyVisitors is how many visitors can be served at the same moment. Reading
// the feed takes a visitor a second, everything else much less.
const busyVisitors = 16

// Traffic is a set of visitors who use a shop at a gentle rate.
type Traffic struct {
	pause   time.Duration
	acts    []act
	idle    chan *visitor // who waits for their turn
	close   func()        // idle connections
	counter *counter
}

// NewTraffic returns traffic of so many visitors to the shop at a base URL,
// who together send about rate requests a second.
func NewTraffic(shop string, visitors int, rate float64) *Traffic {
	transport := &http.Transport{MaxIdleConnsPerHost: busyVisitors}
	t := &Traffic{
		pause:   time.Duration(float64(time.Second) / rate),
		idle:    make(chan *visitor, visitors),
		close:   transport.CloseIdleConnections,
		counter: newCounter(),
	}
	for _, a := range acts() {
		for range a.often {
			t.acts = append(t.acts, a)
		}
	}
	for n := range visitors {
		t.idle <- newVisitor(n+1, shop, transport)
	}
	return t
}

// Tally is what the visitors have seen so far.
func (t *Traffic) Tally() Tally { return t.counter.read() }

// Run sends visitors until ctx ends, and returns when all have gone home.
// It can be called once.
func (t *Traffic) Run(ctx context.Context) {
	turns := make(chan struct{})
	var busy sync.WaitGroup
	for range min(busyVisitors, cap(t.idle)) {
		busy.Go(func() {
			for range turns {
				t.visit(ctx)
			}
		})
	}
	t.pace(ctx, turns)
	close(turns)
	busy.Wait()
	t.close()
}

// pace hands out turns at the rate; when everybody is busy, turns are lost
// rather than saved up, so that a slow shop does not see a rush afterwards.
func (t *Traffic) pace(ctx context.Context, turns chan<- struct{}) {
	ticker := time.NewTicker(t.pause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		select {
		case <-ctx.Done():
			return
		case turns <- struct{}{}:
		}
	}
}

// visit lets the visitor who has waited longest do one thing.
func (t *Traffic) visit(ctx context.Context) {
	v := <-t.idle
	defer func() { t.idle <- v }()
	a := t.acts[v.mood.IntN(len(t.acts))]
	got, err := a.do(ctx, v)
	if ctx.Err() != nil {
		return // cut off by us, which is nobody's error
	}
	t.counter.add(a.route, got, err)
}

// complaint is what a visitor would say about an answer; empty: nothing.
func complaint(got reply, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case got.status >= http.StatusBadRequest:
		return fmt.Sprintf("status %d", got.status)
	case got.side != Legacy && got.side != New:
		return fmt.Sprintf("served by %q, which is no shop", string(got.side))
	default:
		return ""
	}
}
