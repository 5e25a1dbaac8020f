package spec

import (
	"cmp"

	"github.com/stranglerfig/strangler/internal/guard"
)

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
	var written guard.Policy
	part := b.bulkheadPart(&written)
	if part.off {
		return guard.UnlimitedBulkhead()
	}
	part.read()
	return written.Bulkhead.Defaulted(defaults)
}

// FallbackBudget is what is written for guard.FallbackBudgetPolicy.
type FallbackBudget struct {
	Budget       string `json:"budget,omitempty" yaml:"budget,omitempty"` // share of what the backend serves: 50%
	MinPerSecond *int   `json:"min_per_second,omitempty" yaml:"min_per_second,omitempty"`
}

// FallbackPolicy returns what is in force of the budget for what falls back to
// the backend.
func (b Backend) FallbackPolicy() guard.FallbackBudgetPolicy {
	var written guard.FallbackBudgetPolicy
	b.fallbackPart(&written).read()
	return written.Defaulted(guard.DefaultFallbackBudget())
}

func (b Backend) fallbackPart(into *guard.FallbackBudgetPolicy) part {
	written := cmp.Or(b.Fallback, &FallbackBudget{})
	return part{name: partFallback, fields: []field{
		{"budget", written.Budget, share{&into.Share}},
		{"min_per_second", text(written.MinPerSecond), rate{&into.Floor}},
	}}
}

// Settings returns everything in force of the backend's bulkhead, its health
// checks and, where it is a legacy side, its budget for fallbacks. A part that
// is off is one setting.
func (b Backend) Settings(legacy bool) []Setting {
	policy := guard.Policy{Bulkhead: b.BulkheadPolicy(legacy)}
	list := append(b.bulkheadPart(&policy).settings(policy, FromBackend), b.healthSettings()...)
	if budget := b.FallbackPolicy(); legacy || b.Fallback != nil {
		list = append(list, b.fallbackPart(&budget).settings(policy, FromBackend)...)
	}
	return list
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
