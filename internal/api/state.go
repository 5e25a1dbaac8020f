package api

import (
	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/rollout"
)

// wireState writes a State as the API promises it.
func wireState(s rollout.State) wire.State {
	hold := wire.Hold{Reason: s.Hold.Reason, Evidence: s.Hold.Evidence}
	if s.Hold.Kind != rollout.HoldNone {
		kind := wire.HoldKind(s.Hold.Kind)
		hold.Kind = &kind
	}
	return wire.State{Stage: wire.Stage(s.Stage.String()), WeightBp: wire.Weight(s.Weight), Hold: hold}
}
