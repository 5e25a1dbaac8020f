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
func overrideKeyChecks(instances []fleet.Instance) []wire.Check {
	rings := keyRings(instances, func(i fleet.Instance) (ids []string, said bool) {
		return slices.Sorted(slices.Values(i.OverrideKeys)), i.OverrideKeys != nil // all of them verify
	})
	if alike(rings) {
		return nil
	}
	return []wire.Check{checkup(wire.CheckGroupInstances).warn("override_keys_differ",
		"set "+auth.OverrideKeysVariable+" alike on every router, and restart those that differ",
		"not every router believes the same overrides; their keys are %s", ringTexts(rings))}
}

// redactionKeyChecks warns when routers that serve hide values by different
// keys: equal values of two exemplars would look different by who made them.
// A router without a key has hidden nothing so far, and is no matter.
func redactionKeyChecks(instances []fleet.Instance) []wire.Check {
	rings := keyRings(instances, func(i fleet.Instance) (ids []string, said bool) {
		return i.RedactionKeys[:min(1, len(i.RedactionKeys))], len(i.RedactionKeys) > 0 // the first one is in use
	})
	if alike(rings) {
		return nil
	}
	return []wire.Check{checkup(wire.CheckGroupInstances).warn("redaction_keys_differ",
		"set "+auth.RedactionKeysVariable+" alike on every router, and restart those that differ",
		"a hidden value has another hash on every router; their keys are %s", ringTexts(rings))}
}

// keyRing is the keys of one router, by their ids: the secrets are nobody's to see.
type keyRing struct{ instance, ids string }

// keyRings are those of the routers that serve and say which keys they have.
func keyRings(instances []fleet.Instance, of func(fleet.Instance) (ids []string, said bool)) []keyRing {
	var rings []keyRing
	for _, instance := range instances {
		if ids, said := of(instance); said && instanceState(instance) == wire.InstanceStateServing {
			rings = append(rings, keyRing{instance.Name, strings.Join(ids, ", ")})
		}
	}
	return rings
}

func alike(rings []keyRing) bool {
	return !slices.ContainsFunc(rings, func(r keyRing) bool { return r.ids != rings[0].ids })
}

// ringTexts is what rings are as people read them.
func ringTexts(rings []keyRing) string {
	texts := make([]string, len(rings))
	for i, ring := range rings {
		ids := ring.ids
		if ids == "" {
			ids = "none"
		}
		texts[i] = ring.instance + ": " + ids
	}
	return strings.Join(texts, "; ")
}
