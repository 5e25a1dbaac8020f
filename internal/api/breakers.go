package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// ListBreakers answers with the breakers that are not closed; with those of one
// route, or with all of them.
func (s *server) ListBreakers(w http.ResponseWriter, r *http.Request, params wire.ListBreakersParams) {
	snapshot, err := s.read(w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	routes := snapshot.Definitions.Routes
	if params.Route != nil {
		i, found := find(routes, *params.Route, routeName)
		if !found {
			s.fail(w, r, unknown(spec.KindRoute, *params.Route, names(routes, routeName)))
			return
		}
		routes = routes[i : i+1]
	}
	ctx, cancel := context.WithTimeout(r.Context(), readFor)
	defer cancel()
	s.writeJSON(w, r, breakers(routes, s.troubled(ctx), params.All || params.Route != nil))
}

// breakers lists those of the routes, by route, side and instance. Of a breaker
// that an instance had no room for nothing is said.
func breakers(routes []spec.Route, instances []fleet.Instance, all bool) []wire.Breaker {
	list := []wire.Breaker{}
	for _, instance := range instances {
		lanes := make(map[laneName]fleet.LaneTrouble, len(instance.Trouble.Lanes))
		for _, lane := range instance.Trouble.Lanes {
			lanes[laneName{lane.Route, lane.Side}] = lane
		}
		for _, route := range routes {
			for _, side := range sidesOf(route) {
				lane, troubled := lanes[laneName{route.Name, side}]
				if !troubled {
					lane.Breaker = string(wire.BreakerStateClosed)
				}
				if all && (troubled || instance.Trouble.Whole()) || lane.Breaker != string(wire.BreakerStateClosed) {
					list = append(list, wireBreaker(route.Name, side, instance, lane))
				}
			}
		}
	}
	slices.SortStableFunc(list, func(a, b wire.Breaker) int {
		return cmp.Or(cmp.Compare(a.Route, b.Route), cmp.Compare(a.Side, b.Side))
	})
	return list
}

type laneName struct{ route, side string }

// sidesOf is the sides that a route has.
func sidesOf(route spec.Route) []string {
	var sides []string
	if route.Legacy != "" {
		sides = append(sides, routing.Legacy.String())
	}
	if route.New != "" {
		sides = append(sides, routing.New.String())
	}
	return sides
}

func wireBreaker(route, side string, instance fleet.Instance, lane fleet.LaneTrouble) wire.Breaker {
	breaker := wire.Breaker{
		Route: route, Side: wire.Side(side), Instance: instance.Name, State: wire.BreakerState(lane.Breaker),
		Reason: lane.Reason, Failures: lane.Failures, Results: lane.Results,
	}
	if lane.For > 0 {
		breaker.ForS = (lane.For + instance.Age).Seconds()
	}
	if lane.Left > instance.Age {
		breaker.LeftS = (lane.Left - instance.Age).Seconds()
	}
	return breaker
}

// ResetBreaker closes the breakers of a route on every router.
func (s *server) ResetBreaker(w http.ResponseWriter, r *http.Request, route string, params wire.ResetBreakerParams) {
	var body wire.ResetRequest
	err := readJSON(r, &body)
	if err == nil && body.Side != "" && !body.Side.Valid() {
		err = badRequest("bad_side", "side is "+quoted(string(body.Side))+" and has to be legacy or new", "")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer := wire.BreakerReset{Route: route, DryRun: params.DryRun != nil && *params.DryRun, Actor: actor(r)}
	done, err := s.control(r, fleet.Control{Route: route, Reason: body.Reason}, params.DryRun, func(now fleet.Controlling) (fleet.Controls, error) {
		if now.Route == nil {
			return fleet.Controls{}, s.unknownRoute(route)
		}
		if err := sided(now.Route, string(body.Side)); err != nil {
			return fleet.Controls{}, err
		}
		sides := sidesOf(*now.Route)
		if body.Side != "" {
			sides = []string{string(body.Side)}
		}
		for _, side := range sides {
			answer.Sides = append(answer.Sides, wire.Side(side))
			now.Controls.Resets = demand(now.Controls.Resets, fleet.Reset{Route: route, Side: side, Generation: now.Next})
		}
		return now.Controls, nil
	})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	answer.PreviousRevision, answer.Revision = wire.Revision(done.Previous), wire.Revision(done.Revision)
	answer.Note, answer.At = s.unheard(done.Revision), done.At.UTC()
	s.writeJSON(w, r, answer)
}

// demand puts a reset in place of the lane's last one.
func demand(resets []fleet.Reset, wanted fleet.Reset) []fleet.Reset {
	resets = slices.DeleteFunc(resets, func(r fleet.Reset) bool { return r.Route == wanted.Route && r.Side == wanted.Side })
	return append(resets, wanted)
}
