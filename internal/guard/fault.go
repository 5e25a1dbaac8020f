package guard

import (
	"errors"
	"fmt"
	"time"
)

// ErrFault is wrapped by every error of Fault.Validate.
var ErrFault = errors.New("fault refused")

// The bounds of a fault.
const (
	MaxFault        = time.Hour   // until its expiry
	MaxFaultLatency = time.Minute // jitter included
	wholeShare      = 10_000      // 100 % in basis points
)

// Fault is trouble that an operator injects into one lane, to see the guard
// work. It always has an end.
type Fault struct {
	ID      int64         `json:"id"`
	Route   string        `json:"route"`
	Side    string        `json:"side"`                 // legacy or new
	Latency time.Duration `json:"latency_ns,omitempty"` // before the attempt …
	Jitter  time.Duration `json:"jitter_ns,omitempty"`  // … more or less by up to so much
	Percent int           `json:"percent_bp"`           // of the attempts, in basis points: 1 to 10000
	Status  int           `json:"status,omitempty"`     // answered instead of asking the backend; 0: none
	Reset   bool          `json:"reset,omitempty"`      // the attempt ends as if the backend had reset the connection
	Header  string        `json:"header,omitempty"`     // only requests with this field; empty: all
	Value   string        `json:"value,omitempty"`      // that the field must have; empty: any
	Until   time.Time     `json:"until"`
}

// Injection is what one attempt suffers: the delay first, then the status or
// the reset. With neither, the attempt goes on to the backend.
type Injection struct {
	Fault  int64 // its ID
	Delay  time.Duration
	Status int
	Reset  bool
}

// Validate checks a fault that is about to begin.
func (f Fault) Validate(now time.Time) error {
	if err := f.validateScope(now); err != nil {
		return err
	}
	switch {
	case f.Latency < 0 || f.Latency > MaxFaultLatency:
		return refuseFault("latency is %s: it must be between 0s and %s", f.Latency, MaxFaultLatency)
	case f.Jitter < 0 || f.Jitter > f.Latency:
		return refuseFault("jitter is %s: it must be between 0s and the latency (%s)", f.Jitter, f.Latency)
	case f.Latency+f.Jitter > MaxFaultLatency:
		return refuseFault("latency (%s) and jitter (%s) together are longer than %s", f.Latency, f.Jitter, MaxFaultLatency)
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return refuseFault("status is %d: it must be between 400 and 599", f.Status)
	case f.Status != 0 && f.Reset:
		return refuseFault("it has both status %d and a reset: an attempt ends in one way only", f.Status)
	case f.Latency == 0 && f.Status == 0 && !f.Reset:
		return refuseFault("it does nothing: give it a latency, a status or a reset")
	}
	return nil
}

// validateScope checks whom the fault meets, and for how long.
func (f Fault) validateScope(now time.Time) error {
	switch {
	case f.Route == "":
		return refuseFault("it names no route")
	case f.Side != "legacy" && f.Side != "new":
		return refuseFault("side is %q: it must be legacy or new", f.Side)
	case f.Percent < 1 || f.Percent > wholeShare:
		return refuseFault("percent is %d basis points: it must be between 1 and %d", f.Percent, wholeShare)
	case f.Header == "" && f.Value != "":
		return refuseFault("it wants the value %q of a header without a name", f.Value)
	case f.Until.IsZero():
		return refuseFault("it has no expiry; the longest is %s", MaxFault)
	case !f.Until.After(now):
		return refuseFault("it expired %s ago", now.Sub(f.Until).Round(time.Second))
	case f.Until.Sub(now) > MaxFault:
		return refuseFault("it would last %s; the longest is %s", f.Until.Sub(now).Round(time.Second), MaxFault)
	}
	return nil
}

func refuseFault(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFault, fmt.Sprintf(format, args...))
}

// Decide says whether the fault meets an attempt, and how. random is uniform
// in [0,1) and asked twice at most; header returns the values of a request's
// field, none if it is not there.
func (f Fault) Decide(random func() float64, now time.Time, header func(name string) []string) (Injection, bool) {
	if !now.Before(f.Until) || !f.concerns(header) || random()*wholeShare >= float64(f.Percent) {
		return Injection{}, false
	}
	injection := Injection{Fault: f.ID, Delay: f.Latency, Status: f.Status, Reset: f.Reset}
	if f.Jitter > 0 {
		injection.Delay += time.Duration((2*random() - 1) * float64(f.Jitter))
	}
	return injection, true
}

func (f Fault) concerns(header func(name string) []string) bool {
	if f.Header == "" {
		return true
	}
	for _, value := range header(f.Header) {
		if f.Value == "" || f.Value == value {
			return true
		}
	}
	return false
}

// Faults are those of one lane, in the order of their IDs.
type Faults []Fault

// Decide returns what the first fault injects that meets the attempt. Its
// share is part of meeting: one that passes an attempt by leaves it to the next.
func (f Faults) Decide(random func() float64, now time.Time, header func(name string) []string) (Injection, bool) {
	for i := range f {
		if injection, meets := f[i].Decide(random, now, header); meets {
			return injection, true
		}
	}
	return Injection{}, false
}
