package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// memory is a history with places, whose store can fail.
type memory struct {
	mu     sync.Mutex
	events []rollout.Event
	places map[string]notify.Place
	fence  rollout.Fence // the present lease's
	reads  error         // what reading fails with
	writes error         // what keeping fails with
	kept   chan notify.Place
}

// newMemory has a history of one event, the seed, and two webhooks that know it.
func newMemory(webhooks ...string) *memory {
	m := &memory{places: map[string]notify.Place{}, fence: fence, kept: make(chan notify.Place, 100)}
	m.add(rollout.Event{Revision: 1, Verb: rollout.VerbSeed, Kind: "route", Subject: "catch-all"})
	for _, name := range webhooks {
		m.places[name] = notify.Place{Webhook: name, Event: 1}
	}
	return m
}

func (m *memory) add(events ...rollout.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range events {
		e.ID = int64(len(m.events)) + 1
		e.At = time.Date(2026, 11, 24, 3, 0, int(e.ID), 0, time.UTC)
		m.events = append(m.events, e)
	}
}

func (m *memory) with(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *memory) Events(_ context.Context, query rollout.EventQuery) ([]rollout.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.reads != nil {
		return nil, m.reads
	}
	if query.After == 0 {
		return m.events[len(m.events)-1:], nil
	}
	rest := m.events[min(int(query.After), len(m.events)):]
	return rest[:min(query.Limit, len(rest))], nil
}

func (m *memory) Places(context.Context) (map[string]notify.Place, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.places), m.reads
}

func (m *memory) KeepPlace(_ context.Context, by rollout.Fence, place notify.Place) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writes != nil {
		return m.writes
	}
	if by != m.fence {
		return fmt.Errorf("keep the place of %s: %w", place.Webhook, rollout.ErrFenced)
	}
	m.places[place.Webhook] = place
	m.kept <- place
	return nil
}

// moved is an event of a route that went from one weight to another.
func moved(revision routing.Revision, verb rollout.Verb, route string, from, to routing.Weight, reason string) rollout.Event {
	state := func(w routing.Weight) json.RawMessage {
		stage := routing.StageCanary
		if w == 0 {
			stage = routing.StageShadow
		}
		text, _ := json.Marshal(rollout.State{Stage: stage, Weight: w})
		return text
	}
	return rollout.Event{
		Revision: revision, Verb: verb, Kind: "route", Subject: route, Actor: "ana", Cause: rollout.CauseOperator,
		Reason: reason, Before: state(from), After: state(to),
	}
}

// settled waits until a webhook's place is at an event, and returns it.
func (m *memory) settled(t *testing.T, webhook string, event int64) notify.Place {
	t.Helper()
	for {
		select {
		case place := <-m.kept:
			if place.Webhook == webhook && place.Event == event {
				return place
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s did not come to event %d", webhook, event)
		}
	}
}

var (
	fence        = rollout.Fence{Holder: "a:8080", Number: 7}
	errStoreAway = errors.New("the store is away")
)
