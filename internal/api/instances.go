package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/fleet"
)

// ListInstances answers with every router heard of in the last day.
func (s *server) ListInstances(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readFor)
	defer cancel()
	instances, err := s.Catalog.Instances(ctx)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	traffic, err := s.Counts.Traffic(ctx)
	if err != nil {
		s.Logger.Warn("the traffic of the instances could not be read", "error", err)
	}
	own := s.withOwn(instances)
	list := make([]wire.Instance, len(instances))
	for i, instance := range instances {
		list[i] = wire.Instance{
			Instance: instance.Name, Revision: wire.Revision(instance.Revision), AgeS: instance.Age.Seconds(),
			State: instanceState(instance), Version: instance.Version,
		}
		if instance.OverrideKeys != nil {
			list[i].OverrideKeys = &instance.OverrideKeys
		}
		if instance.RedactionKeys != nil {
			list[i].RedactionKeys = &instance.RedactionKeys
		}
		if at := slices.IndexFunc(own, func(i fleet.Instance) bool { return i.Name == instance.Name }); at >= 0 {
			list[i].Trouble = wireTrouble(own[at].Trouble, own[at].Age)
		}
		if err == nil && servedWholeMinute(instance, time.Now()) {
			rate := traffic[instance.Name]
			list[i].RequestsPerS = &rate
		}
	}
	s.writeJSON(w, r, list)
}

// servedWholeMinute reports whether an instance has been there for the whole of
// the last whole minute: before, its traffic is not none but unknown.
func servedWholeMinute(i fleet.Instance, now time.Time) bool {
	return !i.StartedAt.After(now.Truncate(time.Minute).Add(-time.Minute))
}

func instanceState(i fleet.Instance) wire.InstanceState {
	switch {
	case i.SignedOff:
		return wire.InstanceStateSignedOff
	case i.Silent():
		return wire.InstanceStateSilent
	default:
		return wire.InstanceStateServing
	}
}
