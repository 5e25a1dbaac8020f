package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/notify"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// autopilotChecks warns of routes that nobody moves although somebody relies on
// it, and of webhooks that hear nothing.
func (s *server) autopilotChecks(ctx context.Context, snapshot *fleet.Snapshot) []wire.Check {
	group := checkup(wire.CheckGroupAutopilot)
	checks := windowChecks(snapshot.Definitions)
	if ban := snapshot.Controls.Freeze; ban != nil {
		checks = append(checks, group.warn("frozen", "when promotions may go on: stranglerctl unfreeze",
			"promotions are frozen, by %s since %s", ban.Actor, ban.At.UTC().Format(time.RFC3339)))
	}
	ctx, cancel := context.WithTimeout(ctx, evidenceFor)
	defer cancel()
	for _, look := range []func(context.Context, *fleet.Snapshot) ([]wire.Check, error){
		s.holderChecks, s.starvedChecks, s.recorderChecks, s.webhookChecks,
	} {
		found, err := look(ctx, snapshot)
		checks = append(checks, found...)
		if err != nil && !errors.Is(err, rollout.ErrUnavailable) { // that the store's own check says
			checks = append(checks, group.warn("autopilot_unknown", "", "what the autopilot goes by cannot be read: %v", err))
			break
		}
	}
	return checks
}

// windowChecks warns of change windows that this router cannot read: to it they
// are never open.
func windowChecks(definitions spec.Definitions) []wire.Check {
	var checks []wire.Check
	for _, route := range definitions.Routes {
		if window := route.GatePolicy().Window; window == nil || window.Zone != nil {
			continue
		}
		checks = append(checks, checkup(wire.CheckGroupAutopilot).fail("window_unreadable",
			"bring all routers to the same version of the program, which has the zones of the world in it",
			"%s: this router cannot read the change window of zone %s, and takes it for closed", route.Name, route.Gates.Window.Zone))
	}
	return checks
}

// holderChecks warns when no router's autopilot acts, and somebody counts on it:
// by a plan that is to go on, or by a rollback that is to happen.
func (s *server) holderChecks(ctx context.Context, snapshot *fleet.Snapshot) ([]wire.Check, error) {
	var counting []string
	for i, route := range snapshot.Definitions.Routes {
		mode, stage := autopilotOf(snapshot.Controls, route.Name).Mode, snapshot.Routes[i].Stage
		if mode == autopilot.On || stage.Exposed() && mode != autopilot.Disarmed {
			counting = append(counting, route.Name)
		}
	}
	if len(counting) == 0 {
		return nil, nil
	}
	lease, err := s.Leases.CurrentLease(ctx)
	if err != nil || lease.Expires.After(lease.Read) {
		return nil, err
	}
	return []wire.Check{checkup(wire.CheckGroupAutopilot).fail("nobody_acts",
		"ask again in a quarter of a minute; then look into the routers' logs: one of them should have taken the lease",
		"no router's autopilot acts: by evidence nothing is promoted and nothing rolled back; it is counted on for %s", strings.Join(counting, ", "))}, nil
}

// starvedChecks warns of routes that wait for evidence that nothing brings.
func (s *server) starvedChecks(ctx context.Context, snapshot *fleet.Snapshot) ([]wire.Check, error) {
	var flying []string
	for _, route := range snapshot.Definitions.Routes {
		if autopilotOf(snapshot.Controls, route.Name).Mode == autopilot.On {
			flying = append(flying, route.Name)
		}
	}
	if len(flying) == 0 {
		return nil, nil
	}
	judged, err := s.Gates.Judge(ctx, flying)
	if err != nil {
		return nil, err
	}
	var checks []wire.Check
	for _, name := range flying {
		i, _ := find(snapshot.Definitions.Routes, name, routeName)
		found, err := s.starved(ctx, snapshot, i, judged[name])
		if err != nil {
			return nil, err
		}
		checks = append(checks, found...)
	}
	return checks, nil
}

// amounts are requests, and key-minutes of those that are judged.
type amounts struct{ requests, exposed uint64 }

// servedLately adds up what was served of one route: of a thousand at once that would
// be a hundred thousand spans in memory.
func (s *server) servedLately(ctx context.Context, route string) (served amounts, err error) {
	spans, err := s.Windows.Spans(ctx, []string{route}, time.Now().Add(-lately))
	for i := range spans {
		served.requests += spans[i].Window.Requests()
		served.exposed += spans[i].Exposed.Count()
	}
	return served, err
}

// starved says what the i-th route of a snapshot waits for in vain.
func (s *server) starved(ctx context.Context, snapshot *fleet.Snapshot, i int, judged autopilot.Assessment) ([]wire.Check, error) {
	group, route, stage := checkup(wire.CheckGroupAutopilot), snapshot.Definitions.Routes[i], snapshot.Routes[i].Stage
	var checks []wire.Check
	for _, f := range judged.Findings {
		if f.Verdict != sequential.Insufficient {
			continue
		}
		if f.Gate == gate.NameParity && share(route, stage) == 0 {
			checks = append(checks, group.warn("parity_starved", "stranglerctl shadow start "+route.Name+", or write gates: {parity: off}",
				"%s: the autopilot waits for comparisons, and in stage %s nothing of it is shadowed", route.Name, stage))
		}
		if f.Gate != gate.NameErrors || stage != routing.StageCanary {
			continue
		}
		served, err := s.servedLately(ctx, route.Name)
		if err != nil {
			return nil, err
		}
		if served.exposed == 0 && served.requests >= fewSamples {
			checks = append(checks, group.warn("keys_starved", "add a key that its requests carry, client_address at the last",
				"%s: the autopilot waits for key-minutes, and of %d requests in the last hour none had one of the cohort keys", route.Name, served.requests))
		}
	}
	return checks, nil
}

// recordedFor is after how long a router that serves has brought some statistics:
// traffic is known by whole minutes.
const recordedFor = 2 * time.Minute

// recorderChecks warns of routers that serve and bring no statistics: what they
// see is not judged.
func (s *server) recorderChecks(ctx context.Context, _ *fleet.Snapshot) ([]wire.Check, error) {
	now := time.Now()
	instances, err := s.Catalog.Instances(ctx)
	if err != nil {
		return nil, err
	}
	traffic, err := s.Counts.Traffic(ctx)
	if err != nil {
		return nil, err
	}
	recorders, err := s.Windows.Recorders(ctx, recordedFor)
	if err != nil {
		return nil, err
	}
	var checks []wire.Check
	for _, instance := range instances {
		serving := instanceState(instance) == wire.InstanceStateServing && servedWholeMinute(instance, now)
		if serving && traffic[instance.Name] > 0 && !slices.Contains(recorders, instance.Name) {
			checks = append(checks, checkup(wire.CheckGroupAutopilot).warn("statistics_missing",
				"look into its log; a version before this one brings none",
				"%s serves requests and brings no statistics: the autopilot does not see what it does", instance.Name))
		}
	}
	return checks, nil
}

// webhookChecks warns of webhooks that cannot be told.
func (s *server) webhookChecks(ctx context.Context, snapshot *fleet.Snapshot) ([]wire.Check, error) {
	if len(snapshot.Definitions.Webhooks) == 0 {
		return nil, nil
	}
	places, err := s.Places.Places(ctx)
	if err != nil {
		return nil, err
	}
	var checks []wire.Check
	for _, webhook := range snapshot.Definitions.Webhooks {
		if trouble := telling(places[webhook.Name]); trouble != "" {
			checks = append(checks, checkup(wire.CheckGroupAutopilot).warn("webhook_failing",
				"when it is mended: stranglerctl notify test "+webhook.Name, "webhook %s %s", webhook.Name, trouble))
		}
	}
	return checks, nil
}

// telling says what keeps a webhook from being told, or what it has missed; empty:
// nothing.
func telling(place notify.Place) string {
	last := "nothing ever arrived"
	if !place.Delivered.IsZero() {
		last = "the last that arrived was at " + place.Delivered.UTC().Format(time.RFC3339)
	}
	switch {
	case place.Failures > 0:
		return fmt.Sprintf("cannot be told: attempt %d at its next event failed: %s; %s", place.Failures, place.LastError, last)
	case place.LastError != "":
		return fmt.Sprintf("has missed what only the history has: %s; %s", place.LastError, last)
	default:
		return ""
	}
}
