package api

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
)

// troubled returns the routers that serve and say what is not at rest there, by
// name. Of this one it is how things stand now, not at its last heartbeat; and
// it alone is known while the store is away.
func (s *server) troubled(ctx context.Context) []fleet.Instance {
	instances, err := s.Catalog.Instances(ctx)
	if err != nil {
		s.Logger.Warn("the other instances' guards could not be read", "error", err)
	}
	return s.withOwn(instances)
}

// withOwn puts this router's own trouble in place of what it last told, and
// leaves out who does not serve, or says nothing of it.
func (s *server) withOwn(instances []fleet.Instance) []fleet.Instance {
	list := slices.DeleteFunc(slices.Clone(instances), func(i fleet.Instance) bool {
		return instanceState(i) != wire.InstanceStateServing || i.Trouble == nil || i.Name == s.Instance && s.Trouble != nil
	})
	if s.Trouble != nil {
		own := s.Trouble()
		list = append(list, fleet.Instance{Name: s.Instance, Trouble: &own})
	}
	slices.SortFunc(list, func(a, b fleet.Instance) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// wireTrouble writes the trouble of an instance that was heard of some time ago.
func wireTrouble(t *fleet.Trouble, age time.Duration) *wire.Trouble {
	answer := &wire.Trouble{Lanes: []wire.LaneTrouble{}, Backends: []wire.BackendTrouble{}, Endpoints: []wire.EndpointTrouble{}, LeftOut: t.LeftOut}
	for _, lane := range t.Lanes {
		answer.Lanes = append(answer.Lanes, wire.LaneTrouble{
			Route: lane.Route, Side: wire.Side(lane.Side), Breaker: wire.BreakerState(lane.Breaker),
			Waiting: lane.Waiting, Rejected: int64(lane.Rejected), NoRetries: lane.NoRetries, Unhelped: int64(lane.Unhelped),
		})
	}
	for _, b := range t.Backends {
		answer.Backends = append(answer.Backends, wire.BackendTrouble{Backend: b.Backend, Waiting: b.Waiting, Rejected: int64(b.Rejected)})
	}
	for _, e := range t.Endpoints {
		answer.Endpoints = append(answer.Endpoints, wire.EndpointTrouble{
			Backend: e.Backend, Endpoint: e.Endpoint, Ill: e.Ill, Fault: e.Fault, LeftS: max(0, e.Left-age).Seconds(),
		})
	}
	return answer
}
