package spec

import "github.com/stranglerfig/strangler/internal/guard"

// LegacyBackends returns the names of the backends that are some route's legacy
// side. Those are unlimited until somebody writes a limit.
func (d Definitions) LegacyBackends() map[string]bool {
	names := make(map[string]bool)
	for _, route := range d.Routes {
		names[route.Legacy] = true
	}
	return names
}

// BulkheadPolicy returns what is in force of the bulkhead that the backend's
// lanes share. legacy says whether one of them is a legacy lane.
func (b Backend) BulkheadPolicy(legacy bool) guard.BulkheadPolicy {
	defaults := guard.BackendBulkhead()
	if legacy {
		defaults = guard.UnlimitedBulkhead()
	}
	set, off := b.Bulkhead.written()
	if off {
		return guard.UnlimitedBulkhead()
	}
	var written guard.BulkheadPolicy
	for _, field := range set.fields(&written) {
		if field.text != "" {
			_ = field.value.set(field.text) // a fault leaves the value as it is
		}
	}
	return written.Defaulted(defaults)
}

// Settings returns everything in force of the backend's bulkhead and health
// checks. A part that is off is one setting.
func (b Backend) Settings(legacy bool) []Setting {
	policy := guard.Policy{Bulkhead: b.BulkheadPolicy(legacy)}
	return append(b.bulkheadPart(&policy).settings(policy, FromBackend), b.healthSettings()...)
}

func (b Backend) bulkheadPart(policy *guard.Policy) part {
	return bulkheadPart(partBulkhead, b.Bulkhead, &policy.Bulkhead, func(p *guard.Policy) *guard.BulkheadPolicy { return &p.Bulkhead })
}

func (b Backend) checkBulkhead(legacy bool, found *findings) {
	var unused guard.Policy
	before := len(found.list)
	b.bulkheadPart(&unused).check("", found)
	if legacy && len(found.list) == before {
		checkLimit(partBulkhead, b.Bulkhead, found)
	}
}
