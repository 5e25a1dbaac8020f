package autopilot

import (
	"context"
	"encoding/json"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/routing"
)

// Lease says whose autopilot acts.
type Lease struct {
	rollout.Fence
	Expires time.Time // by the store's clock
	Read    time.Time // the same, at the time of reading
}

// LeaseTime is how long an autopilot that is not heard of any more keeps others
// from taking over.
const LeaseTime = 10 * time.Second

// Leases is the store as whoever wants to act needs it.
type Leases interface {
	// Lease takes the lease for holder, or prolongs it, and returns it. While
	// somebody else has it that one's is returned. Who takes it from another, and
	// who takes his own after it has expired, gets a higher number.
	Lease(ctx context.Context, holder string, term time.Duration) (Lease, error)
	// CurrentLease returns the lease without taking it; the zero Lease when nobody has ever had it.
	CurrentLease(ctx context.Context) (Lease, error)
	// Release gives the lease back, so that others need not wait for it to expire.
	// One that another has meanwhile stays with that one.
	Release(ctx context.Context, fence rollout.Fence) error
}

// Dossier is what the autopilot has come to about one route, as it is kept.
type Dossier struct {
	Route    string
	SlowOver time.Duration   // what is slow on this route; 0: not known
	State    json.RawMessage // what File writes
	At       time.Time       // when it was written, by the store's clock
}

// Dossiers is where they are kept.
type Dossiers interface {
	// Dossiers returns those of the routes, or all for nil. Routes without one are left out.
	Dossiers(ctx context.Context, routes []string) (map[string]Dossier, error)
	// KeepDossiers writes them. With a fence that is not the present lease's it
	// changes nothing and returns an error that matches rollout.ErrFenced. Of routes
	// that are not defined any more nothing is kept; one that is defined anew has no
	// dossier.
	KeepDossiers(ctx context.Context, fence rollout.Fence, dossiers []Dossier) error
}

// Mode says what the autopilot may do with a route.
type Mode string

// The modes. Off is that of a route nobody has said anything about.
const (
	Off      Mode = "off"      // people promote it; it is rolled back by evidence
	On       Mode = "on"       // it is promoted by evidence as well
	Disarmed Mode = "disarmed" // neither
)

// Route is one route as the autopilot sees it.
type Route struct {
	Name, Group  string // Group is empty for a route of its own
	State        rollout.State
	Revision     routing.Revision // of its last change
	StepRevision routing.Revision // of the change that brought it to this stage and weight
	StepAt       time.Time        // when that was
	Facts        rollout.Facts
	Comparing    bool // copies of its requests are compared where it stands
	Mode         Mode
}

// Fleet is what the autopilot acts upon.
type Fleet struct {
	Revision routing.Revision // of the table, and of what is switched
	Routes   []Route
	Frozen   *gate.Frozen
}
