package sequential

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// ErrState is wrapped by every error of Watch.UnmarshalJSON.
var ErrState = errors.New("not the state of a watch")

// stateVersion changes when what is kept means something else.
const stateVersion = 1

type state struct {
	Version  int          `json:"version"`
	Total    Sides        `json:"total"`
	Step     Sides        `json:"step"`
	Number   uint64       `json:"step_number"`
	Recent   share        `json:"recent"`
	Open     openState    `json:"open"`
	Legacy   processState `json:"legacy"`
	Excess   processState `json:"excess,omitzero"`
	Baseline processState `json:"baseline,omitzero"`
	Limit    processState `json:"limit,omitzero"`
}

type openState struct {
	Minute int64   `json:"minute"`
	Begun  float64 `json:"begun"`
	Passed float64 `json:"passed"`
	Batch  float64 `json:"batch"`
}

// processState is that of a process, and with the last two of a ceiling.
type processState struct {
	Started uint64    `json:"started"`
	Since   uint64    `json:"since"`
	Sums    []float64 `json:"sums,omitempty"`
	Young   []float64 `json:"young,omitempty"`
	Paid    float64   `json:"paid,omitempty"`
}

// MarshalJSON writes all that the watch knows.
func (w Watch) MarshalJSON() ([]byte, error) {
	return json.Marshal(state{
		Version: stateVersion, Total: w.total, Step: w.step, Number: w.number, Recent: w.recent,
		Open:   openState{Minute: w.open.number, Begun: w.open.begun, Passed: w.open.passed, Batch: w.open.batch},
		Legacy: w.legacy.state(), Excess: w.excess.state(), Baseline: w.baseline.state(), Limit: w.limit.state(),
	})
}

func (p *process) state() processState {
	if p.started == 0 {
		return processState{}
	}
	return processState{Started: p.started, Since: p.since, Sums: p.sums[:]}
}

func (c *ceiling) state() processState {
	kept := c.process.state()
	if c.started > 0 {
		kept.Young, kept.Paid = c.young[:], c.paid
	}
	return kept
}

// UnmarshalJSON reads what MarshalJSON wrote. What another version wrote, and what
// cannot have been written, is refused, and the watch is left as it was.
func (w *Watch) UnmarshalJSON(text []byte) error {
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if s.Version != stateVersion {
		return fmt.Errorf("%w: it has version %d and this program knows %d: begin with an empty one", ErrState, s.Version, stateVersion)
	}
	for _, n := range []float64{s.Recent.New, s.Recent.Legacy, s.Open.Begun, s.Open.Passed, s.Open.Batch} {
		if n < 0 {
			return fmt.Errorf("%w: it has a negative number of exposures, %g: begin with an empty one", ErrState, n)
		}
	}
	read := Watch{
		total: s.Total, step: s.Step, number: s.Number, recent: s.Recent,
		open: open{number: s.Open.Minute, begun: s.Open.Begun, passed: s.Open.Passed, batch: s.Open.Batch},
	}
	if err := s.restore(&read); err != nil {
		return err
	}
	*w = read
	return nil
}

func (s *state) restore(to *Watch) error {
	if err := s.Legacy.restore(&to.legacy); err != nil {
		return fmt.Errorf("%w: the process against legacy %w: begin with an empty one", ErrState, err)
	}
	for name, part := range map[string]struct {
		from *processState
		to   *ceiling
	}{
		"the excess": {&s.Excess, &to.excess}, "the baseline": {&s.Baseline, &to.baseline}, "the limit": {&s.Limit, &to.limit},
	} {
		if err := part.from.restoreCeiling(part.to); err != nil {
			return fmt.Errorf("%w: the process against %s %w: begin with an empty one", ErrState, name, err)
		}
	}
	return nil
}

func (s *processState) empty() bool {
	return s.Started == 0 && s.Since == 0 && s.Paid == 0 && len(s.Sums) == 0 && len(s.Young) == 0
}

func (s *processState) restore(to *process) error {
	if s.empty() {
		return nil
	}
	if s.Started == 0 || s.Started == math.MaxUint64 {
		return fmt.Errorf("has %d copies", s.Started)
	}
	to.started, to.since = s.Started, s.Since
	return restoreSums(s.Sums, &to.sums)
}

func (s *processState) restoreCeiling(to *ceiling) error {
	if s.empty() {
		return nil
	}
	if s.Paid < 0 {
		return fmt.Errorf("has paid for %g exposures", s.Paid)
	}
	to.paid = s.Paid
	if err := restoreSums(s.Young, &to.young); err != nil {
		return err
	}
	return s.restore(&to.process)
}

func restoreSums(kept []float64, to *sums) error {
	if len(kept) != ratios {
		return fmt.Errorf("has %d ratios, not %d", len(kept), ratios)
	}
	for _, sum := range kept {
		if math.Abs(sum) > math.MaxFloat64/2 {
			return fmt.Errorf("has a sum of %g", sum)
		}
	}
	*to = sums(kept)
	return nil
}
