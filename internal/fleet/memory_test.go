package fleet_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// errDown is what the store of these tests says when it is away.
var errDown = errors.New("connection refused")

// memory is a Source in memory that can fail in the ways that real ones do.
type memory struct {
	mu      sync.Mutex
	content *fleet.Snapshot
	down    error         // of Load, Listen and Heartbeat
	deaf    error         // of Listen alone
	hang    bool          // Load and Heartbeat last until their context ends
	slow    time.Duration // how long a Load takes
	mute    bool          // notifications are lost, silently
	broken  chan struct{} // closed: ends every Listen
	wakes   []func()
	listens []time.Time
	known   []routing.Revision // that each Load built on; -1: none
	beats   []beat
}

type beat struct {
	fleet.Instance
	at time.Time
}

func newStore(content *fleet.Snapshot) *memory {
	return &memory{content: content, broken: make(chan struct{})}
}

func (s *memory) with(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// commit makes content the newest and notifies.
func (s *memory) commit(content *fleet.Snapshot) {
	s.mu.Lock()
	s.content = content
	wakes := s.wakes
	if s.mute {
		wakes = nil
	}
	s.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
}

// cut breaks every notification connection.
func (s *memory) cut() {
	s.with(func() {
		close(s.broken)
		s.broken = make(chan struct{})
		s.wakes = nil
	})
}

func (s *memory) state() (content *fleet.Snapshot, slow time.Duration, hang bool, down error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.content, s.slow, s.hang, s.down
}

// Load is as lazy as the real ones: the same head is taken for the same content.
func (s *memory) Load(ctx context.Context, known *fleet.Snapshot) (*fleet.Snapshot, error) {
	s.with(func() {
		base := routing.Revision(-1)
		if known != nil {
			base = known.Revision
		}
		s.known = append(s.known, base)
	})
	content, slow, hang, down := s.state()
	switch {
	case hang:
		<-ctx.Done()
		return nil, ctx.Err()
	case down != nil:
		return nil, down
	}
	time.Sleep(slow)
	if known != nil && known.Revision == content.Revision && known.Head == content.Head {
		return known, nil
	}
	return content, nil
}

func (s *memory) Listen(ctx context.Context, wake func()) error {
	s.mu.Lock()
	s.listens = append(s.listens, time.Now())
	down, broken := cmp.Or(s.down, s.deaf), s.broken
	if down == nil {
		s.wakes = append(s.wakes, wake)
	}
	s.mu.Unlock()
	if down != nil {
		return down
	}
	wake()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-broken:
		return errors.New("terminating connection due to administrator command")
	}
}

func (s *memory) Heartbeat(ctx context.Context, instance fleet.Instance) error {
	_, _, hang, down := s.state()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	if down != nil {
		return down
	}
	s.with(func() { s.beats = append(s.beats, beat{instance, time.Now()}) })
	return nil
}

func (s *memory) Instances(context.Context) ([]fleet.Instance, error) { return nil, nil }

// allBeats returns the heartbeats that arrived.
func (s *memory) allBeats() (beats []beat) {
	s.with(func() { beats = slices.Clone(s.beats) })
	return beats
}

// last returns the newest heartbeat.
func (s *memory) last() beat {
	beats := s.allBeats()
	if len(beats) == 0 {
		return beat{}
	}
	return beats[len(beats)-1]
}

// bases returns what each Load built on.
func (s *memory) bases() (known []routing.Revision) {
	s.with(func() { known = slices.Clone(s.known) })
	return known
}

// allListens returns when a connection was tried.
func (s *memory) allListens() (times []time.Time) {
	s.with(func() { times = slices.Clone(s.listens) })
	return times
}

// dataPlane notes what it is given, and confirms it at once unless it holds.
type dataPlane struct {
	mu      sync.Mutex
	applied []*fleet.Snapshot
	holding bool
	held    map[routing.Revision]chan struct{}
}

func (d *dataPlane) apply(s *fleet.Snapshot) <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.applied = append(d.applied, s)
	done := make(chan struct{})
	if d.holding {
		d.held[s.Revision] = done
	} else {
		close(done)
	}
	return done
}

func (d *dataPlane) hold() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.holding, d.held = true, map[routing.Revision]chan struct{}{}
}

func (d *dataPlane) release(revision routing.Revision) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.held[revision])
}

func (d *dataPlane) revisions() []routing.Revision {
	d.mu.Lock()
	defer d.mu.Unlock()
	var revisions []routing.Revision
	for _, s := range d.applied {
		revisions = append(revisions, s.Revision)
	}
	return revisions
}

// rig is a watcher between a store and a data plane.
type rig struct {
	*fleet.Watcher
	store *memory
	plane *dataPlane
	log   *lockedBuffer
	stop  func() error // ends Run and returns what it returned
}

// watch starts a watcher over the store; call it inside a synctest bubble, which
// also fails the test if a goroutine is left behind.
func watch(t *testing.T, s *memory, folder string) *rig {
	t.Helper()
	r := &rig{store: s, plane: &dataPlane{}, log: &lockedBuffer{}}
	r.Watcher = fleet.NewWatcher(fleet.Config{
		Source: s, Apply: r.plane.apply, StateDir: folder,
		Instance: "shop-1:8080", Version: "1.2.3", OverrideKeys: func() []string { return []string{"k2", "k1"} },
		RedactionKeys: func() []string { return []string{"r1"} },
		Trouble:       func() fleet.Trouble { return fleet.Trouble{Lanes: []fleet.LaneTrouble{{Route: "cart"}}} },
		Logger:        slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = r.stop() })
	return r
}

// serving fails the test unless this revision is served.
func (r *rig) serving(t *testing.T, want routing.Revision) {
	t.Helper()
	synctest.Wait()
	if current := r.Current(); current == nil || current.Revision != want {
		t.Fatalf("serving %v, want revision %d", current, want)
	}
}

// acknowledged fails the test unless the newest heartbeat says this revision.
func (r *rig) acknowledged(t *testing.T, want routing.Revision) {
	t.Helper()
	synctest.Wait()
	if last := r.store.last(); last.Name == "" || last.Revision != want {
		t.Fatalf("the last heartbeat is %+v, want one with revision %d", last, want)
	}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Count(b.buf.Bytes(), []byte(text))
}

const (
	thisStore  = "5b1c9c1e-0000-4000-8000-000000000001"
	otherStore = "5b1c9c1e-0000-4000-8000-000000000002"
)

// snapshot is a sealed snapshot with one route, which stands at weight.
func snapshot(revision routing.Revision, weight routing.Weight) *fleet.Snapshot {
	s := &fleet.Snapshot{
		StoreID: thisStore, Revision: revision, DefinitionsRevision: 1,
		Definitions: spec.Definitions{
			Backends: []spec.Backend{{Name: "monolith", Endpoints: []string{"http://127.0.0.1:3000"}}},
			Groups:   []spec.Group{{Name: "shop", Salt: "s4lt", Keys: []spec.Key{{Key: routing.Key{Kind: routing.KeyHeader, Name: "X-User-Id"}}}}},
			Routes:   []spec.Route{{Name: "orders-get", Match: spec.Match{Path: "/orders/{id}"}, Legacy: "monolith", New: "monolith", Group: "shop"}},
		},
		BackendRevisions: []routing.Revision{1},
		GroupRevisions:   []routing.Revision{1},
		Routes: []fleet.RouteState{{
			State:    rollout.State{Stage: routing.StageCanary, Weight: weight},
			Revision: revision, ChangedBy: "ana", ChangedAt: time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC),
		}},
		ReadAt: time.Now(),
	}
	s.Seal()
	return s
}

// of returns s as it would be in another store.
func of(storeID string, s *fleet.Snapshot) *fleet.Snapshot {
	other := *s
	other.StoreID = storeID
	other.Seal()
	return &other
}
