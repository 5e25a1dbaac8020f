package store_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/store"
	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

// granted gives the roles of docs/operations.md what that page says, and returns
// the store as each of them opens it.
func granted(t *testing.T) (controller, proxy store.Store) {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	grants := regexp.MustCompile(`(?m)^GRANT .*;$`).FindAllString(string(page), -1)
	if len(grants) != 8 {
		t.Fatalf("docs/operations.md has %d grants, want 8", len(grants))
	}
	url := pgtest.URL(t)
	if _, err := open(t, url, store.Options{Migrate: true}).Load(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	suffix := url[strings.LastIndex(url, "/test_")+len("/test"):]
	suffix, _, _ = strings.Cut(suffix, "?")
	names := strings.NewReplacer("controller", "controller"+suffix, "proxy", "proxy"+suffix)
	for _, role := range []string{"controller" + suffix, "proxy" + suffix} {
		pgtest.Exec(t, url, "CREATE ROLE "+role+" LOGIN PASSWORD 'p'")
		t.Cleanup(func() { pgtest.Exec(t, url, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	}
	for _, grant := range grants {
		pgtest.Exec(t, url, names.Replace(grant))
	}
	as := func(role string) store.Store {
		return open(t, pgtest.WithUser(t, url, role+suffix, "p"), store.Options{Migrate: true})
	}
	return as("controller"), as("proxy")
}

// lives does what every router does by itself.
func lives(t *testing.T, s store.Store, name string) {
	t.Helper()
	if _, err := s.Load(t.Context(), nil); err != nil {
		t.Errorf("%s loads: %v", name, err)
	}
	if err := s.Heartbeat(t.Context(), fleet.Instance{Name: name, StartedAt: time.Now()}); err != nil {
		t.Errorf("%s says that it lives: %v", name, err)
	}
	for range 2 {
		if err := s.AddCounts(t.Context(), name, []stats.Count{{Route: "r", Side: "new", Requests: 1}}); err != nil {
			t.Errorf("%s says what it served: %v", name, err)
		}
	}
	if err := s.AddWindows(t.Context(), name, []stats.LaneWindow{{Route: "r", Side: "new", Window: stats.Window{From: time.Now(), To: time.Now()}}}); err != nil {
		t.Errorf("%s says what it saw: %v", name, err)
	}
	if _, err := s.Thresholds(t.Context()); err != nil {
		t.Errorf("%s asks what is slow: %v", name, err)
	}
	shadows(t, s, name)
	if _, err := s.VerifyEvents(t.Context()); err != nil {
		t.Errorf("%s verifies the history: %v", name, err)
	}
}

// shadows writes evidence, so much that some of it is forgotten again, reads it
// and folds it.
func shadows(t *testing.T, s store.Store, name string) {
	t.Helper()
	for i := range 12 {
		id, at := fmt.Sprintf("%s-%d", name, i), time.Now().Add(time.Duration(i)*time.Second)
		err := s.AddEvidence(t.Context(), shadow.Batch{
			Epochs:    []shadow.Epoch{{Route: "r", ID: fmt.Sprint("e", i/11), Began: at, Last: at}},
			Tallies:   []shadow.Tally{{Route: "r", Epoch: "e0", Result: shadow.PrefixSet + "x", N: 1}},
			Sightings: []shadow.Sighting{{Route: "r", Epoch: "e0", Signature: shadow.Signature{ID: "s"}, Last: at}},
			Sets:      []shadow.Set{{Route: "r", Epoch: "e0", ID: "x", Members: []string{"s"}}},
			Exemplars: []shadow.Exemplar{{ID: id, Route: "r", Epoch: "e0", Signatures: []string{"s"}, At: at, Draw: uint32(i)}},
		})
		if err != nil {
			t.Fatalf("%s says what shadowing found: %v", name, err)
		}
	}
	if err := s.FoldEvidence(t.Context()); err != nil {
		t.Errorf("%s folds evidence: %v", name, err)
	}
	found, err := s.Evidence(t.Context(), shadow.Query{Epoch: "e0"})
	if err != nil || len(found) != 1 || len(found[0].Exemplars["s"]) < shadow.Newest {
		t.Errorf("%s reads evidence: %+v, %v; want the newest exemplars at least", name, found, err)
	}
}

func drain(now fleet.Controlling) (fleet.Controls, error) {
	return fleet.Controls{Drained: []fleet.Drain{{Backend: "legacy", Endpoint: "http://127.0.0.1:1", Actor: "test", At: now.At}}}, nil
}

func TestTheRolesOfTheManualAreEnough(t *testing.T) {
	controller, proxy := granted(t)
	lives(t, controller, "controller")
	lives(t, proxy, "proxy")
	ctx := t.Context()
	if err := seed(ctx, controller); err != nil {
		t.Errorf("a controller edits: %v", err)
	}
	token, _, err := auth.Mint("ci", auth.Viewer, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, drained := controller.Control(ctx, fleet.Control{Actor: "test"}, drain)
	lease, leased := controller.Lease(ctx, "controller", time.Minute)
	for what, err := range map[string]error{
		"drains":              drained,
		"makes a token":       controller.CreateToken(ctx, token, "test"),
		"revokes an override": controller.RevokeOverride(ctx, fleet.RevokedOverride{ID: "x", Expires: time.Now().Add(time.Hour)}, "test"),
		"notes an event":      controller.Note(ctx, rollout.Event{Verb: rollout.VerbStoreAccept, Kind: "store", Subject: "x", Actor: "test", Cause: rollout.CauseOperator}),
		"folds counts":        controller.FoldCounts(ctx),
		"folds windows":       controller.FoldWindows(ctx),
		"takes the lease":     leased,
		"keeps dossiers":      controller.KeepDossiers(ctx, lease.Fence, []autopilot.Dossier{{Route: "cart"}}),
		"keeps places":        controller.KeepPlace(ctx, lease.Fence, notify.Place{Webhook: "oncall"}),
		"releases the lease":  controller.Release(ctx, lease.Fence),
	} {
		if err != nil {
			t.Errorf("a controller %s: %v", what, err)
		}
	}
}

func TestTheRolesOfTheManualAreNotTooMuch(t *testing.T) {
	_, proxy := granted(t)
	before, err := proxy.Load(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := seed(t.Context(), proxy); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("a proxy edits: %v, want ErrUnavailable", err)
	}
	if err := proxy.RevokeToken(t.Context(), "x", "test"); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("a proxy revokes a token: %v, want ErrUnavailable", err)
	}
	if _, err := proxy.Control(t.Context(), fleet.Control{Actor: "test"}, drain); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("a proxy drains: %v, want ErrUnavailable", err)
	}
	if _, err := proxy.Lease(t.Context(), "proxy", time.Minute); !errors.Is(err, rollout.ErrUnavailable) {
		t.Errorf("a proxy takes the lease: %v, want ErrUnavailable", err)
	}
	if after, err := proxy.Load(t.Context(), nil); err != nil || after.Revision != before.Revision {
		t.Errorf("revision %d became %d, %v", before.Revision, after.Revision, err)
	}
}
