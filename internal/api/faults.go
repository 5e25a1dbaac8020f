package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// maxFaults is how many faults may run at once: every router looks through
// those of a lane for each try.
const maxFaults = 100

// wholePercent is what a fault meets that is not told how much, in basis points.
const wholePercent = 10_000

// ListFaults answers with the faults that run, oldest first.
func (s *server) ListFaults(w http.ResponseWriter, r *http.Request) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeJSON(w, r, running(snapshot))
}

// running is what a router that serves the snapshot injects now.
func running(snapshot *fleet.Snapshot) []wire.Fault {
	now := time.Now()
	list := []wire.Fault{}
	for _, fault := range snapshot.Controls.Running(now) {
		list = append(list, wireFault(fault, fault.Until.Sub(now)))
	}
	return list
}

// StartFault injects trouble into one side of one route, on every router.
func (s *server) StartFault(w http.ResponseWriter, r *http.Request, params wire.StartFaultParams) {
	var body wire.FaultRequest
	if err := readJSON(r, &body); err != nil {
		s.fail(w, r, err)
		return
	}
	fault, lasts, err := wantedFault(body)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	control := fleet.Control{Route: body.Route, Reason: body.Reason}
	done, err := s.control(r, control, params.DryRun, func(now fleet.Controlling) (fleet.Controls, error) {
		if err := s.injectable(now, fault); err != nil {
			return fleet.Controls{}, err
		}
		fault.Until = now.At.Add(lasts)
		if err := fault.Validate(now.At); err != nil {
			return fleet.Controls{}, badFault(err.Error())
		}
		started := fleet.Fault{Fault: fault, StartedAt: now.At, EndsAt: now.At.Add(lasts), Actor: actor(r), Reason: body.Reason}
		now.Controls.Faults = append(now.Controls.Faults, started)
		return now.Controls, nil
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.writeJSON(w, r, s.faultChange(r, done, params.DryRun, ""))
}

// wantedFault reads what can be read without the store.
func wantedFault(body wire.FaultRequest) (guard.Fault, time.Duration, error) {
	fault := guard.Fault{
		Route: body.Route, Side: string(body.Side), Percent: wholePercent, Status: body.Status, Reset: body.Reset,
		Header: body.Header, Value: body.Value,
	}
	if body.PercentBp != nil {
		fault.Percent = *body.PercentBp
	}
	var lasts time.Duration
	for _, d := range [...]struct {
		name, text string
		into       *time.Duration
	}{{"latency", body.Latency, &fault.Latency}, {"jitter", body.Jitter, &fault.Jitter}, {"for", body.For, &lasts}} {
		value, err := time.ParseDuration(cmp.Or(d.text, "0s"))
		if err != nil {
			return fault, 0, badFault(fmt.Sprintf("%s is %q and has to be a duration, such as 300ms or 5m", d.name, d.text))
		}
		*d.into = value.Truncate(time.Microsecond) // what stores keep
	}
	switch {
	case lasts <= 0:
		return fault, 0, badFault(fmt.Sprintf("for is %q: a fault has to end, after %s at most", body.For, guard.MaxFault))
	case body.Header != "" && (!httpguts.ValidHeaderFieldName(body.Header) || strings.EqualFold(body.Header, "Host")):
		return fault, 0, badFault(fmt.Sprintf("header is %q: write the name of a header other than Host", body.Header))
	case credential(body.Header):
		return fault, 0, badFault(fmt.Sprintf("header is %q: its values are secrets, and the history keeps what a fault asked for; use a header of your own, like X-Test", body.Header))
	}
	return fault, lasts, checkLine("value", body.Value)
}

// credential reports whether a header's values let their owner in somewhere.
func credential(header string) bool {
	switch strings.ToLower(header) {
	case "authorization", "proxy-authorization", "cookie", "x-api-key":
		return true
	default:
		return false
	}
}

func badFault(detail string) *problem {
	return badRequest("bad_fault", strings.TrimPrefix(detail, guard.ErrFault.Error()+": "), "")
}

// injectable refuses faults that nobody could meet, and those that are too many.
func (s *server) injectable(now fleet.Controlling, fault guard.Fault) error {
	if now.Route == nil {
		return s.unknownRoute(fault.Route)
	}
	if now.State.Stage == routing.StageRetired {
		return refused(rollout.CodeRetired, "route "+fault.Route+" is retired: it has one side only, and nothing would catch the fault")
	}
	if len(now.Controls.Faults) >= maxFaults {
		return refused("too_many_faults", fmt.Sprintf("%d faults run already", len(now.Controls.Faults)))
	}
	return sided(now.Route, fault.Side)
}

// sided refuses a side that the route does not have.
func sided(route *spec.Route, side string) error {
	if side == routing.New.String() && route.New == "" || side == routing.Legacy.String() && route.Legacy == "" {
		return refused("no_such_side", fmt.Sprintf("route %s has no side %s", route.Name, side))
	}
	return nil
}

// StopFaults stops every fault, or those of one route.
func (s *server) StopFaults(w http.ResponseWriter, r *http.Request, params wire.StopFaultsParams) {
	route := orNone(params.Route)
	control := fleet.Control{Route: route, Reason: orNone(params.Reason)}
	s.stop(w, r, control, params.DryRun, "no fault runs", func(now fleet.Controlling) (fleet.Controls, error) {
		if params.Route != nil && now.Route == nil {
			return fleet.Controls{}, s.unknownRoute(route)
		}
		now.Controls.Faults = slices.DeleteFunc(now.Controls.Faults, func(f fleet.Fault) bool { return params.Route == nil || f.Route == route })
		return now.Controls, nil
	})
}

// StopFault stops one fault. One that has ended by itself needs no stopping.
func (s *server) StopFault(w http.ResponseWriter, r *http.Request, id int64, params wire.StopFaultParams) {
	ctx, cancel := context.WithTimeout(r.Context(), readFor)
	defer cancel()
	events, err := s.History.Events(ctx, rollout.EventQuery{Kind: fleet.KindFault, Before: id + 1, Limit: 1})
	if err == nil && (len(events) == 0 || events[0].ID != id || events[0].Verb != rollout.VerbFaultStart) {
		err = newProblem(http.StatusNotFound, "unknown_fault", "There is no such fault.",
			fmt.Sprintf("no fault %d was ever started; nothing was changed", id), "list them with: stranglerctl fault ls")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	control := fleet.Control{Reason: orNone(params.Reason)}
	s.stop(w, r, control, params.DryRun, fmt.Sprintf("fault %d has ended already", id), func(now fleet.Controlling) (fleet.Controls, error) {
		now.Controls.Faults = slices.DeleteFunc(now.Controls.Faults, func(f fleet.Fault) bool { return f.ID == id })
		return now.Controls, nil
	})
}

// stop answers with the faults that decide leaves out; note is for when there are none.
func (s *server) stop(w http.ResponseWriter, r *http.Request, control fleet.Control, dryRun *bool, note string, decide decision) {
	var before []fleet.Fault
	done, err := s.control(r, control, dryRun, func(now fleet.Controlling) (fleet.Controls, error) {
		before = slices.Clone(now.Controls.Faults)
		return decide(now)
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	change := s.faultChange(r, done, dryRun, note)
	left := done.Controls.Faults
	for _, fault := range before {
		if !slices.ContainsFunc(left, func(f fleet.Fault) bool { return f.ID == fault.ID }) {
			change.Faults = append(change.Faults, wireFault(fault, fault.EndsAt.Sub(done.At)))
		}
	}
	s.writeJSON(w, r, change)
}

// faultChange describes what was done, with the fault that was started, if one
// was. note says why nothing was.
func (s *server) faultChange(r *http.Request, done fleet.Controlled, dryRun *bool, note string) wire.FaultChange {
	change := wire.FaultChange{
		Faults: []wire.Fault{}, PreviousRevision: wire.Revision(done.Previous), Revision: wire.Revision(done.Revision),
		Changed: len(done.Changes) > 0, DryRun: dryRun != nil && *dryRun, Note: s.unheard(done.Revision), Actor: actor(r), At: done.At.UTC(),
	}
	if !change.Changed {
		change.Note = cmp.Or(change.Note, note)
	}
	for _, c := range done.Changes {
		if c.Fault != nil {
			change.Faults = append(change.Faults, wireFault(*c.Fault, c.Fault.EndsAt.Sub(done.At)))
		}
	}
	return change
}

func wireFault(f fleet.Fault, left time.Duration) wire.Fault {
	return wire.Fault{
		ID: f.ID, Route: f.Route, Side: wire.Side(f.Side), Latency: written(f.Latency), Jitter: written(f.Jitter),
		PercentBp: f.Percent, Status: f.Status, Reset: f.Reset, Header: f.Header, Value: f.Value,
		StartedAt: f.StartedAt.UTC(), EndsAt: f.EndsAt.UTC(), LeftS: max(0, left.Seconds()), Actor: f.Actor, Reason: f.Reason,
	}
}

// written is a duration as people write it, empty for none.
func written(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
