package spec

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// PartTimeouts is the name of the part that the API also shows by itself.
const PartTimeouts = "timeouts"

// The names of a guard's other parts, as definitions write them.
const (
	partRetry    = "retry"
	partBreaker  = "breaker"
	partBulkhead = "bulkhead"
	partStreams  = "streams"
	partFallback = "fallback"
	partHealth   = "health" // of a backend
)

// part is one part of a guard: what is written about it, beside where its
// values belong. That way one list serves to read, to check and to show.
type part struct {
	name    string
	fields  []field
	off     bool                // is written
	turnOff func(*guard.Policy) // nil: it cannot be off
	isOff   func(guard.Policy) bool
	strange string // what this program does not know in it
}

// field pairs what is written, empty for nothing, with the value it stands for.
type field struct {
	name, text string
	value      value
}

// read fills in what is written. A fault, which Validate refuses, leaves the
// value as it is.
func (p part) read() {
	for _, field := range p.fields {
		if field.text != "" {
			_ = field.value.set(field.text)
		}
	}
}

// parts lists the parts that one side has, in the order of documents, bound to
// the values of a policy.
func (s SideGuard) parts(side routing.Side, into *guard.Policy) []part {
	list := []part{
		s.Timeouts.part(&into.Timeouts), retryPart(s.Retry, &into.Retry), breakerPart(s.Breaker, &into.Breaker),
		bulkheadPart(partBulkhead, s.Bulkhead, &into.Bulkhead, func(p *guard.Policy) *guard.BulkheadPolicy { return &p.Bulkhead }),
		bulkheadPart(partStreams, s.Streams, &into.Streams, func(p *guard.Policy) *guard.BulkheadPolicy { return &p.Streams }),
	}
	if side == routing.New {
		list = append(list, fallbackPart(s.Fallback, &into.Fallback))
	}
	return list
}

func (t *Timeouts) part(into *guard.Timeouts) part {
	if t == nil {
		t = &Timeouts{}
	}
	return part{name: PartTimeouts, fields: []field{
		{"connect", t.Connect, duration{&into.Connect}},
		{"tls", t.TLS, duration{&into.TLS}},
		{"read", t.Read, duration{&into.Read}},
		{"write", t.Write, duration{&into.Write}},
		{"whole", t.Whole, duration{&into.Whole}},
		{"idle", t.Idle, duration{&into.Idle}},
		{"stream", t.Stream, duration{&into.Stream}},
	}}
}

func retryPart(written *Part[Retry], into *guard.RetryPolicy) part {
	r, off := written.written()
	return part{
		name: partRetry, off: off, strange: written.strangeness(),
		turnOff: func(p *guard.Policy) { p.Retry.Attempts = 1 },
		isOff:   func(p guard.Policy) bool { return p.Retry.Attempts == 1 },
		fields: []field{
			{"attempts", text(r.Attempts), count{&into.Attempts, guard.MaxAttempts}},
			{"base", r.Base, duration{&into.Base}},
			{"cap", r.Cap, duration{&into.Cap}},
			{"budget", r.Budget, share{&into.Share}},
			{"min_per_second", text(r.MinPerSecond), rate{&into.Floor}},
			{"replay", r.Replay, size{&into.Replay, maxReplay}},
			{"classes", r.Classes, word[guard.Retried]{&into.Classes, []guard.Retried{guard.RetryRepeatable, guard.RetryNotSent}}},
		},
	}
}

func breakerPart(written *Part[Breaker], into *guard.BreakerPolicy) part {
	b, off := written.written()
	slow := cmp.Or(b.Slow, &SlowCalls{})
	return part{
		name: partBreaker, off: off, strange: written.strangeness(),
		turnOff: func(p *guard.Policy) { p.Breaker.Off = true },
		isOff:   func(p guard.Policy) bool { return p.Breaker.Off },
		fields: []field{
			{"window", b.Window, duration{&into.Window}},
			{"failures", b.Failures, share{&into.FailureRate}},
			{"min", text(b.Min), count{&into.MinResults, math.MaxInt32}},
			{"consecutive", text(b.Consecutive), count{&into.InARow, math.MaxInt32}},
			{"slow.over", slow.Over, duration{&into.SlowCall}},
			{"slow.share", slow.Share, share{&into.SlowRate}},
			{"open", b.Open, duration{&into.OpenFor}},
			{"max_open", b.MaxOpen, duration{&into.OpenMax}},
			{"quiet", b.Quiet, duration{&into.Quiet}},
			{"counts", b.Counts, word[guard.Counting]{&into.Counts, []guard.Counting{guard.CountFailures, guard.CountConnections}}},
		},
	}
}

func bulkheadPart(name string, written *Part[Bulkhead], into *guard.BulkheadPolicy, of func(*guard.Policy) *guard.BulkheadPolicy) part {
	b, off := written.written()
	return part{
		name: name, off: off, strange: written.strangeness(),
		turnOff: func(p *guard.Policy) { *of(p) = guard.UnlimitedBulkhead() },
		isOff:   func(p guard.Policy) bool { return of(&p).Limit == 0 },
		fields:  b.fields(into),
	}
}

func (b Bulkhead) fields(into *guard.BulkheadPolicy) []field {
	return []field{
		{"concurrent", text(b.Concurrent), count{&into.Limit, math.MaxInt32}},
		{"queue", text(b.Queue), count{&into.Queue, math.MaxInt32}},
		{"wait", b.Wait, duration{&into.Wait}},
	}
}

func fallbackPart(written *Part[Fallback], into *guard.FallbackOn) part {
	f, off := written.written()
	return part{
		name: partFallback, off: off, strange: written.strangeness(),
		turnOff: func(p *guard.Policy) { p.Fallback = guard.FallbackNever },
		isOff:   func(p guard.Policy) bool { return p.Fallback == guard.FallbackNever },
		fields:  []field{{"on", strings.Join(f.On, ","), causes{into}}},
	}
}

// text is a number as it is written; empty: it is not.
func text(number *int) string {
	if number == nil {
		return ""
	}
	return strconv.Itoa(*number)
}
