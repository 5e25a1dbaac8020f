package autopilot

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/rollout/sequential"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Account is what has been added up about one route, and all that another
// autopilot needs to go on with.
type Account struct {
	Step     routing.Revision // of the route, when it was looked at last
	Weight   routing.Weight   // the same
	New      string           // the same: the backend of its new side
	Errors   sequential.Watch
	Slowness sequential.Watch
	Served   gate.Served // by new in this step, and since its newest build
	PerHour  float64     // key-minutes on new of late
	Legacy   Baselines
	SlowOver time.Duration                       // what is slow: longer than legacy's p95; 0: not known. It is kept beside
	P95      struct{ New, Legacy time.Duration } // in this step
	Builds   []string                            // of the new side, as heard of, the newest last
	Since    time.Time                           // when the newest was heard of first; zero: there was but one
	Failing  []string                            // ids of requests that failed on new, the newest last
	Counted  []minute                            // what is in the watches of the newest minutes, in order
}

// Baselines are the rates that legacy does not exceed, by what it did while it
// served.
type Baselines struct {
	Errors   float64   `json:"errors"`            // 0: not known
	Slowness float64   `json:"slowness"`          // the same
	Asked    time.Time `json:"asked,omitzero"`    // when they were looked for last
	Measured time.Time `json:"measured,omitzero"` // since when slow requests are told from others
}

// minute is what has been counted of one minute in one step.
type minute struct {
	Minute int64            `json:"minute"` // since 1970
	Step   routing.Revision `json:"step"`
	To     time.Time        `json:"to"` // what was seen until then is counted
	New    tally            `json:"new"`
	Legacy tally            `json:"legacy"`
}

// tally is the numbers of one side in one minute.
type tally struct {
	Requests  uint64 `json:"requests"`
	Fallbacks uint64 `json:"fallbacks,omitempty"`
	Exposed   uint64 `json:"exposed"`
	Failed    uint64 `json:"failed,omitempty"`
	Slowed    uint64 `json:"slowed,omitempty"`
}

// How much of a kind an Account keeps.
const (
	mostBuilds  = 16
	mostFailing = 5
)

// accountVersion changes when what is kept means something else.
const accountVersion = 1

// ErrAccount is wrapped by every error of UnmarshalJSON.
var ErrAccount = errors.New("not the account of a route")

type account struct {
	Version  int              `json:"version"`
	Step     routing.Revision `json:"step"`
	Weight   routing.Weight   `json:"weight_bp"`
	New      string           `json:"new,omitempty"`
	Errors   sequential.Watch `json:"errors"`
	Slowness sequential.Watch `json:"slowness"`
	Served   gate.Served      `json:"served"`
	PerHour  float64          `json:"per_hour,omitempty"`
	Legacy   Baselines        `json:"legacy"`
	NewP95   time.Duration    `json:"new_p95_ns,omitempty"`
	OldP95   time.Duration    `json:"legacy_p95_ns,omitempty"`
	Builds   []string         `json:"builds,omitempty"`
	Since    time.Time        `json:"since,omitzero"`
	Failing  []string         `json:"failing,omitempty"`
	Counted  []minute         `json:"counted,omitempty"`
}

// MarshalJSON writes all of it.
func (a *Account) MarshalJSON() ([]byte, error) {
	return json.Marshal(account{
		Version: accountVersion, Step: a.Step, Weight: a.Weight, New: a.New, Errors: a.Errors, Slowness: a.Slowness,
		Served: a.Served, PerHour: a.PerHour, Legacy: a.Legacy, NewP95: a.P95.New, OldP95: a.P95.Legacy,
		Builds: a.Builds, Since: a.Since, Failing: a.Failing, Counted: a.Counted,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote. What another version wrote is
// refused, and the account is left as it was.
func (a *Account) UnmarshalJSON(text []byte) error {
	var kept account
	if err := json.Unmarshal(text, &kept); err != nil {
		return fmt.Errorf("%w: %w", ErrAccount, err)
	}
	if kept.Version != accountVersion {
		return fmt.Errorf("%w: it has version %d and this program knows %d: begin with an empty one", ErrAccount, kept.Version, accountVersion)
	}
	*a = Account{
		Step: kept.Step, Weight: kept.Weight, New: kept.New, Errors: kept.Errors, Slowness: kept.Slowness,
		Served: kept.Served, PerHour: kept.PerHour, Legacy: kept.Legacy, Builds: kept.Builds, Since: kept.Since,
		Failing: kept.Failing, Counted: kept.Counted,
	}
	a.P95.New, a.P95.Legacy = kept.NewP95, kept.OldP95
	return nil
}

// stand notes where the route stands now. Another step counts for itself; where
// new serves nothing any more all that spoke for and against it is forgotten,
// so that the next try is not judged by this one.
func (a *Account) stand(route *Route) {
	if a.Step == route.StepRevision && a.Weight == route.State.Weight || a.ahead(route) {
		return
	}
	a.Step, a.Weight = route.StepRevision, route.State.Weight
	a.Served, a.Counted = gate.Served{}, nil
	a.P95.New, a.P95.Legacy = 0, 0
	if !route.State.Stage.Exposed() {
		a.forget()
		return
	}
	if a.failed() {
		// It was rolled back and promoted again between two looks, or by force: what
		// came before has been answered for, and would only be answered for again.
		a.forget()
	}
	// An empty window begins the step: what was seen in the one before must not
	// count for it, not even until something is served.
	begin := sequential.Window{Step: uint64(route.StepRevision), Weight: share(route.State.Weight)}
	a.Errors.Add(begin)
	a.Slowness.Add(begin)
}

// ahead reports whether the account is of a later step than this router knows of yet.
// Then nothing is added until it does.
func (a *Account) ahead(route *Route) bool { return a.Step > route.StepRevision }

func share(weight routing.Weight) float64 { return float64(weight) / float64(routing.FullWeight) }

// failed reports whether what was held against new was enough to take it back.
func (a *Account) failed() bool {
	var judge sequential.Policy
	return judge.Judge(&a.Errors).Verdict == sequential.Fail || judge.Judge(&a.Slowness).Verdict == sequential.Fail
}

// forget drops what was held against new, and for it.
func (a *Account) forget() {
	a.Errors, a.Slowness, a.Served, a.Failing = sequential.Watch{}, sequential.Watch{}, gate.Served{}, nil
}

// hear notes a build of the new side. One that was never heard of begins anew:
// what the last one did says nothing about it. One that was, such as that of an
// endpoint which is not yet replaced, changes nothing.
func (a *Account) hear(build string, at time.Time) (anew bool) {
	if build == "" || slices.Contains(a.Builds, build) {
		return false
	}
	if anew = len(a.Builds) > 0; anew {
		a.renew(at)
	}
	a.Builds = newest(append(a.Builds, build), mostBuilds)
	return anew
}

// renew begins anew with another new side: what ended before at is not its doing.
func (a *Account) renew(at time.Time) {
	last := a.Served.LastFallback // it was legacy that was needed, whoever could not
	a.forget()
	a.Since, a.Counted, a.Served.LastFallback = at, nil, last
}

// face notes which backend is the new side. Another one begins anew, as a build does.
func (a *Account) face(backend string, now time.Time) (anew bool) {
	if anew = a.New != "" && a.New != backend; anew {
		a.renew(now)
	}
	a.New = backend
	return anew
}

// newest keeps the last n.
func newest[T any](items []T, n int) []T {
	return slices.Clone(items[max(0, len(items)-n):])
}
