package api_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// judging makes the house ask its gates, by what its store holds and its router
// serves, and tell its webhooks.
func (h *house) judging(logger *slog.Logger) func(*api.Config) {
	return func(c *api.Config) {
		evaluator := &autopilot.Evaluator{Dossiers: h.store, Leases: h.store, Logger: logger, Sources: autopilot.Sources{
			Fleet:    func() autopilot.Fleet { return h.router.Snapshot().Autopilot() },
			Parity:   h.compared,
			Breakers: func(context.Context) (map[string][]gate.Breaker, error) { return nil, nil },
		}}
		c.Gates, c.Leases, c.Windows, c.Places = evaluator, h.store, h.store, h.store
		c.Mover = &rollout.Controller{Ledger: h.store, History: h.store, Gates: evaluator}
		c.Notifier = notify.New(notify.Options{History: h.store, Places: h.store, Known: h.subscriptions, Logger: logger})
	}
}

func (h *house) compared(ctx context.Context, routes []string) (map[string]gate.Compared, error) {
	evidence, err := h.store.Evidence(ctx, shadow.Query{Routes: routes})
	found := make(map[string]gate.Compared, len(evidence))
	for _, e := range evidence {
		summary := shadow.Summarise(e)
		found[e.Route] = gate.Compared{Compared: summary.Compared, Mismatched: summary.Mismatched, PerHour: float64(summary.Compared)}
	}
	return found, err
}

func (h *house) subscriptions() notify.Subscriptions {
	var known notify.Subscriptions
	for _, webhook := range h.router.Snapshot().Definitions.Webhooks {
		known.Targets = append(known.Targets, notify.Target{
			Name: webhook.Name, URL: webhook.URL, Format: notify.Format(webhook.Kind()), Secret: webhook.Secret, On: webhook.Verbs(),
		})
	}
	return known
}

// led gives the lease to router-1.
func led(t *testing.T, store autopilot.Leases) autopilot.Lease {
	t.Helper()
	lease, err := store.Lease(t.Context(), "router-1", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// keeps writes what an autopilot has come to about a route, in its present step.
func (h *house) keeps(route string, account autopilot.Account) {
	h.t.Helper()
	h.router.refresh()
	for _, known := range h.router.Snapshot().Autopilot().Routes {
		if known.Name == route {
			account.Step, account.Weight = known.StepRevision, known.State.Weight
		}
	}
	state, err := account.MarshalJSON()
	if err != nil {
		h.t.Fatal(err)
	}
	err = h.store.KeepDossiers(h.t.Context(), led(h.t, h.store).Fence, []autopilot.Dossier{{Route: route, SlowOver: account.SlowOver, State: state}})
	if err != nil {
		h.t.Fatal(err)
	}
}

// verdictsOf writes what gates say, in short.
func verdictsOf(findings []wire.GateFinding) []string {
	var list []string
	for _, f := range findings {
		list = append(list, string(f.Gate)+" "+string(f.Verdict))
	}
	return list
}
