package spec

import (
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Guard is what protects each side; what is not written keeps the side's default.
type Guard struct {
	Legacy *SideGuard `json:"legacy,omitempty" yaml:"legacy,omitempty"`
	New    *SideGuard `json:"new,omitempty" yaml:"new,omitempty"`
}

// SideGuard is the guard of one side: what is written for guard.Policy.
type SideGuard struct {
	Timeouts *Timeouts       `json:"timeouts,omitempty" yaml:"timeouts,omitempty"`
	Retry    *Part[Retry]    `json:"retry,omitempty" yaml:"retry,omitempty"`
	Breaker  *Part[Breaker]  `json:"breaker,omitempty" yaml:"breaker,omitempty"`
	Bulkhead *Part[Bulkhead] `json:"bulkhead,omitempty" yaml:"bulkhead,omitempty"`
	Streams  *Part[Bulkhead] `json:"streams,omitempty" yaml:"streams,omitempty"`
	Fallback *Part[Fallback] `json:"fallback,omitempty" yaml:"fallback,omitempty"` // of the new side only
}

// Timeouts are durations as people write them: "2s", "500ms". See guard.Timeouts.
type Timeouts struct {
	Connect string `json:"connect,omitempty" yaml:"connect,omitempty"`
	TLS     string `json:"tls,omitempty" yaml:"tls,omitempty"`
	Read    string `json:"read,omitempty" yaml:"read,omitempty"`
	Write   string `json:"write,omitempty" yaml:"write,omitempty"`
	Whole   string `json:"whole,omitempty" yaml:"whole,omitempty"`
	Idle    string `json:"idle,omitempty" yaml:"idle,omitempty"`
	Stream  string `json:"stream,omitempty" yaml:"stream,omitempty"`
}

// Retry is what is written for guard.RetryPolicy.
type Retry struct {
	Attempts     *int   `json:"attempts,omitempty" yaml:"attempts,omitempty"` // in all, the first included
	Base         string `json:"base,omitempty" yaml:"base,omitempty"`
	Cap          string `json:"cap,omitempty" yaml:"cap,omitempty"`
	Budget       string `json:"budget,omitempty" yaml:"budget,omitempty"` // share of recent requests: 20%
	MinPerSecond *int   `json:"min_per_second,omitempty" yaml:"min_per_second,omitempty"`
	Replay       string `json:"replay,omitempty" yaml:"replay,omitempty"`   // size: 64KiB
	Classes      string `json:"classes,omitempty" yaml:"classes,omitempty"` // repeatable or not_sent
}

// Breaker is what is written for guard.BreakerPolicy.
type Breaker struct {
	Window      string     `json:"window,omitempty" yaml:"window,omitempty"`
	Failures    string     `json:"failures,omitempty" yaml:"failures,omitempty"` // share of results: 50%
	Min         *int       `json:"min,omitempty" yaml:"min,omitempty"`           // results
	Consecutive *int       `json:"consecutive,omitempty" yaml:"consecutive,omitempty"`
	Slow        *SlowCalls `json:"slow,omitempty" yaml:"slow,omitempty"`
	Open        string     `json:"open,omitempty" yaml:"open,omitempty"`
	MaxOpen     string     `json:"max_open,omitempty" yaml:"max_open,omitempty"`
	Quiet       string     `json:"quiet,omitempty" yaml:"quiet,omitempty"`
	Counts      string     `json:"counts,omitempty" yaml:"counts,omitempty"` // failures or connections
}

// SlowCalls says which results are slow, and what share of them opens the breaker.
type SlowCalls struct {
	Over  string `json:"over,omitempty" yaml:"over,omitempty"`
	Share string `json:"share,omitempty" yaml:"share,omitempty"`
}

// Bulkhead is what is written for guard.BulkheadPolicy.
type Bulkhead struct {
	Concurrent *int   `json:"concurrent,omitempty" yaml:"concurrent,omitempty"`
	Queue      *int   `json:"queue,omitempty" yaml:"queue,omitempty"`
	Wait       string `json:"wait,omitempty" yaml:"wait,omitempty"`
}

// Fallback is the causes for which requests cross from new to legacy, as
// guard.ParseFallbackOn reads them.
type Fallback struct {
	On []string `json:"on,omitempty" yaml:"on,omitempty"`
}

// Policy returns what is in force on one side of the route. What cannot be
// read, which Validate refuses, keeps its default.
func (r Route) Policy(side routing.Side) guard.Policy {
	said := r.sideGuard(side)
	if said == (SideGuard{}) {
		return defaultPolicy(side)
	}
	var written guard.Policy
	parts := said.parts(side, &written)
	for _, part := range parts {
		part.read()
	}
	policy := written.Defaulted(defaultPolicy(side))
	for _, part := range parts {
		if part.off {
			part.turnOff(&policy)
		}
	}
	return policy
}

func defaultPolicy(side routing.Side) guard.Policy {
	if side == routing.New {
		return guard.NewPolicy()
	}
	return guard.LegacyPolicy()
}

// sideGuard is what the route itself says about one side; zero: nothing.
func (r Route) sideGuard(side routing.Side) SideGuard {
	if r.Guard == nil {
		return SideGuard{}
	}
	written := r.Guard.Legacy
	if side == routing.New {
		written = r.Guard.New
	}
	if written == nil {
		return SideGuard{}
	}
	return *written
}

// normalized drops what is empty, so that guard: {new: {}} equals no guard.
func (g *Guard) normalized() *Guard {
	if g == nil {
		return nil
	}
	out := Guard{Legacy: g.Legacy.normalized(), New: g.New.normalized()}
	if out == (Guard{}) {
		return nil
	}
	return &out
}

func (s *SideGuard) normalized() *SideGuard {
	if s == nil {
		return nil
	}
	out := SideGuard{
		Timeouts: s.Timeouts, Retry: s.Retry.normalized(), Breaker: s.Breaker.normalized(),
		Bulkhead: s.Bulkhead.normalized(), Streams: s.Streams.normalized(), Fallback: s.Fallback.normalized(),
	}
	if out.Timeouts != nil && *out.Timeouts == (Timeouts{}) {
		out.Timeouts = nil
	}
	if out == (SideGuard{}) {
		return nil
	}
	return &out
}

func (b Breaker) normalized() Breaker {
	if b.Slow != nil && *b.Slow == (SlowCalls{}) {
		b.Slow = nil
	}
	return b
}

func (f Fallback) normalized() Fallback {
	return Fallback{On: sortedBy(f.On, func(token string) string { return token })}
}
