package guard

import "fmt"

// Policy is everything that is in force for one lane. In what people write, a
// zero field means the side's default.
type Policy struct {
	Timeouts Timeouts
	Retry    RetryPolicy
	Breaker  BreakerPolicy
	Bulkhead BulkheadPolicy // plain exchanges, and streams until their response head is relayed
	Streams  BulkheadPolicy // streams from then on
	Fallback FallbackOn     // read on the new side only
}

// LegacyPolicy are the defaults of legacy lanes and of the catch-all.
func LegacyPolicy() Policy {
	return Policy{
		Timeouts: LegacyTimeouts(), Retry: LegacyRetry(), Breaker: LegacyBreaker(),
		Bulkhead: UnlimitedBulkhead(), Streams: UnlimitedBulkhead(),
	}
}

// NewPolicy are the defaults of new lanes.
func NewPolicy() Policy {
	return Policy{
		Timeouts: NewTimeouts(), Retry: NewRetry(), Breaker: NewSideBreaker(),
		Bulkhead: LaneBulkhead(), Streams: StreamBulkhead(), Fallback: DefaultFallback(),
	}
}

// Defaulted returns p with every zero field taken from defaults. What hangs on
// the whole-exchange timeout follows it unless it is written: the lease of a
// breaker's trial, and a window that would otherwise be too short for it.
func (p Policy) Defaulted(defaults Policy) Policy {
	p.Timeouts = p.Timeouts.Defaulted(defaults.Timeouts)
	p.Retry = p.Retry.Defaulted(defaults.Retry)
	fill(&p.Breaker.Trial, p.Timeouts.Whole)
	if p.Timeouts.Whole >= defaults.Breaker.Window {
		fill(&p.Breaker.Window, 2*p.Timeouts.Whole)
	}
	p.Breaker = p.Breaker.Defaulted(defaults.Breaker)
	p.Bulkhead = p.Bulkhead.Defaulted(defaults.Bulkhead)
	p.Streams = p.Streams.Defaulted(defaults.Streams)
	fill(&p.Fallback, defaults.Fallback)
	return p
}

// Validate checks a defaulted policy against itself: each part, and that per
// try ≤ whole < breaker window, and whole ≤ lease of a trial.
func (p Policy) Validate() error {
	if err := p.Timeouts.Validate(); err != nil {
		return err
	}
	if err := p.Retry.Validate(); err != nil {
		return err
	}
	if err := p.Breaker.Validate(); err != nil {
		return err
	}
	if err := p.Bulkhead.Validate(); err != nil {
		return fmt.Errorf("bulkhead: %w", err)
	}
	if err := p.Streams.Validate(); err != nil {
		return fmt.Errorf("streams: %w", err)
	}
	switch whole := p.Timeouts.Whole; {
	case p.Breaker.Off:
		return nil
	case whole >= p.Breaker.Window:
		return fmt.Errorf("timeout whole (%s) is not below the breaker's window (%s): results would leave the window before their like arrive",
			whole, p.Breaker.Window)
	case whole > p.Breaker.Trial:
		return fmt.Errorf("timeout whole (%s) is longer than the breaker's trial (%s): a trial could outlive its lease", whole, p.Breaker.Trial)
	case p.Breaker.SlowCall > whole:
		return fmt.Errorf("breaker slow.over (%s) is longer than timeout whole (%s): no exchange would ever be slow", p.Breaker.SlowCall, whole)
	}
	return nil
}
