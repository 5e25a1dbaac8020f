package api

import (
	"slices"
	"strings"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
)

// overrideKeyChecks warns when routers that serve do not verify overrides with
// the same keys: a tester would be on one side or the other by who answers.
// Ids are compared, as the secrets are nobody's to see.
func overrideKeyChecks(instances []fleet.Instance) []wire.Check {
	var rings, texts []string
	for _, instance := range instances {
		if instanceState(instance) != wire.InstanceStateServing || instance.OverrideKeys == nil {
			continue
		}
		ids := strings.Join(slices.Sorted(slices.Values(instance.OverrideKeys)), ", ")
		if ids == "" {
			ids = "none"
		}
		rings, texts = append(rings, ids), append(texts, instance.Name+": "+ids)
	}
	if len(slices.Compact(slices.Sorted(slices.Values(rings)))) < 2 {
		return nil
	}
	return []wire.Check{checkup(wire.CheckGroupInstances).warn("override_keys_differ",
		"set "+auth.OverrideKeysVariable+" alike on every router, and restart those that differ",
		"not every router believes the same overrides; their keys are %s", strings.Join(texts, "; "))}
}
