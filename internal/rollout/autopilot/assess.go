package autopilot

import (
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
)

// facts are what speaks for and against the routes, as it was read.
type facts struct {
	now      time.Time
	frozen   *gate.Frozen
	accounts map[string]*Account
	parity   map[string]gate.Compared // of the routes of which it was read
	breakers map[string][]gate.Breaker
}

// assess says how each of the routes stands. A group's routes wait for each other,
// so all of them must be among the routes.
func (f *facts) assess(routes []*Route) map[string]*Assessment {
	all := make(map[string]*Assessment, len(routes))
	for _, route := range routes {
		all[route.Name] = f.assessOne(route)
	}
	waits := make(map[string]string) // told when all are: nobody waits for somebody who waits for him
	for _, group := range groups(routes) {
		for _, route := range group {
			if all[route.Name].Held == "" {
				waits[route.Name] = waitsFor(route, group, all)
			}
		}
	}
	for route, why := range waits {
		all[route].Held = why
	}
	return all
}

func (f *facts) assessOne(route *Route) *Assessment {
	findings := gate.Judge(route.Facts.Gates, f.input(route))
	assessed := &Assessment{Route: route.Name, Findings: findings, Verdict: gate.Verdict(findings), Mode: route.Mode, At: f.now}
	if next, found := route.Facts.Next(route.State); found {
		assessed.Next = &next
	}
	assessed.Held = held(route, assessed)
	return assessed
}

func (f *facts) input(route *Route) gate.Input {
	in := gate.Input{
		Now: f.now, Stage: route.State.Stage, Weight: route.State.Weight, Since: route.StepAt, Bake: route.Facts.Plan.Bake,
		Shadowable: route.Facts.Shadowable, Comparing: route.Comparing, Breakers: f.breakers[route.Name], Frozen: f.frozen,
	}
	if compared, known := f.parity[route.Name]; known {
		in.Parity = &compared
	}
	account := f.accounts[route.Name]
	if account == nil || account.Step != route.StepRevision {
		return in
	}
	in.Errors, in.Slowness, in.SlowOver = &account.Errors, &account.Slowness, account.SlowOver
	in.Served, in.Latency.New, in.Latency.Legacy = account.Served, account.P95.New, account.P95.Legacy
	in.Served.PerHour = account.PerHour
	return in
}

// held says why the autopilot would not take the next step.
func held(route *Route, assessed *Assessment) string {
	switch {
	case route.State.Hold.Kind == rollout.HoldPaused:
		return "the route is paused"
	case route.State.Hold.Kind == rollout.HoldRolledBack:
		return "the route was rolled back: a person takes it on from there"
	case assessed.Next == nil:
		return "the plan ends here"
	case route.Mode == Disarmed:
		return "the autopilot is off, and disarmed"
	case route.Mode != On:
		return "the autopilot is off"
	case route.Facts.SplitWrites && assessed.Next.Weight > 0:
		return "each side keeps its data apart (data: separate): a person has to accept that"
	case assessed.Verdict != sequential.Pass:
		return gate.Summary(assessed.Findings)
	}
	return ""
}

// groups are the routes that move together: those of a cohort group, and each
// other one alone.
func groups(routes []*Route) [][]*Route {
	var all [][]*Route
	known := make(map[string]int)
	for _, route := range routes {
		at, found := known[route.Group]
		if route.Group == "" || !found {
			at = len(all)
			all = append(all, nil)
		}
		if route.Group != "" {
			known[route.Group] = at
		}
		all[at] = append(all[at], route)
	}
	return all
}

// waitsFor says which other route of the group keeps this one waiting: all those
// that have come least far go together.
func waitsFor(route *Route, group []*Route, all map[string]*Assessment) string {
	if len(group) == 1 {
		return ""
	}
	for _, other := range hindmost(group, all) {
		if other == route {
			continue
		}
		if why := all[other.Name].Held; why != "" {
			return "waits for " + other.Name + " of group " + route.Group + ": " + why
		}
	}
	if lowest := hindmost(group, all); len(lowest) > 0 && lowest[0].State.Target() != route.State.Target() {
		return "waits until " + lowest[0].Name + " of group " + route.Group + " has come as far"
	}
	return ""
}

// hindmost are the routes of a group that have come least far, of those that
// have a step before them.
func hindmost(group []*Route, all map[string]*Assessment) []*Route {
	var last []*Route
	for _, route := range group {
		if all[route.Name].Next == nil {
			continue
		}
		switch here := route.State.Target(); {
		case len(last) == 0 || last[0].State.Target().Above(here):
			last = []*Route{route}
		case last[0].State.Target() == here:
			last = append(last, route)
		}
	}
	return last
}
