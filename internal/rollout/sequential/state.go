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
	Minute   int64        `json:"minute"`
	Served   uint64       `json:"served"`
	Legacy   processState `json:"legacy"`
	Baseline processState `json:"baseline"`
	Limit    processState `json:"limit"`
}

type processState struct {
	Started uint64    `json:"started"`
	Since   uint64    `json:"since"`
	Sums    []float64 `json:"sums,omitempty"`
}

// MarshalJSON writes all that the watch knows.
func (w Watch) MarshalJSON() ([]byte, error) {
	return json.Marshal(state{
		Version: stateVersion, Total: w.total, Step: w.step, Number: w.number, Recent: w.recent, Minute: w.minute, Served: w.served,
		Legacy: w.legacy.state(), Baseline: w.baseline.state(), Limit: w.limit.state(),
	})
}

func (p *process) state() processState {
	if p.started == 0 {
		return processState{}
	}
	return processState{Started: p.started, Since: p.since, Sums: p.sums[:]}
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
	if s.Recent.New < 0 || s.Recent.Legacy < 0 {
		return fmt.Errorf("%w: it has a negative number of recent exposures (%g on new, %g on legacy): begin with an empty one",
			ErrState, s.Recent.New, s.Recent.Legacy)
	}
	read := Watch{total: s.Total, step: s.Step, number: s.Number, recent: s.Recent, minute: s.Minute, served: s.Served}
	for name, part := range map[string]struct {
		from *processState
		to   *process
	}{
		"legacy": {&s.Legacy, &read.legacy}, "baseline": {&s.Baseline, &read.baseline}, "limit": {&s.Limit, &read.limit},
	} {
		if err := part.from.restore(part.to); err != nil {
			return fmt.Errorf("%w: the process against %s %w: begin with an empty one", ErrState, name, err)
		}
	}
	*w = read
	return nil
}

func (s *processState) restore(to *process) error {
	if s.Started == 0 && s.Since == 0 && len(s.Sums) == 0 {
		return nil
	}
	if len(s.Sums) != ratios {
		return fmt.Errorf("has %d ratios, not %d", len(s.Sums), ratios)
	}
	if s.Started == 0 || s.Started == math.MaxUint64 {
		return fmt.Errorf("has %d copies", s.Started)
	}
	for _, sum := range s.Sums {
		if math.Abs(sum) > math.MaxFloat64/2 {
			return fmt.Errorf("has a sum of %g", sum)
		}
	}
	*to = process{started: s.Started, since: s.Since, sums: [ratios]float64(s.Sums)}
	return nil
}
