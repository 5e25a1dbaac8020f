package fleet

import (
	"github.com/stranglerfig/strangler/internal/rollout/autopilot"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
)

// Autopilot is the snapshot as the autopilot sees it.
func (s *Snapshot) Autopilot() autopilot.Fleet {
	modes := make(map[string]autopilot.Mode, len(s.Controls.Autopilots))
	for _, switched := range s.Controls.Autopilots {
		modes[switched.Route] = switched.Mode
	}
	seen := autopilot.Fleet{Revision: s.Revision, Routes: make([]autopilot.Route, len(s.Routes))}
	for i, definition := range s.Definitions.Routes {
		state := &s.Routes[i]
		mode, switched := modes[definition.Name]
		if !switched {
			mode = autopilot.Off
		}
		policy := definition.ShadowPolicy()
		seen.Routes[i] = autopilot.Route{
			Name: definition.Name, Group: definition.Group, State: state.State, Revision: state.Revision,
			StepRevision: state.StepRevision, StepAt: state.StepAt, Facts: definition.Facts(), Mode: mode,
			Comparing: policy.Share(state.Stage) > 0,
		}
	}
	if freeze := s.Controls.Freeze; freeze != nil {
		seen.Frozen = &gate.Frozen{By: freeze.Actor, At: freeze.At, Reason: freeze.Reason}
	}
	return seen
}
