package fleet

import (
	"context"
	"slices"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/spec"
)

// Snapshot is the whole content of a store that routers need, at one revision.
// It is immutable: a new revision is a new Snapshot, which shares what did not change.
type Snapshot struct {
	StoreID             string             `json:"store_id"`
	Revision            routing.Revision   `json:"revision"`
	Head                string             `json:"head"`                        // hash of the event that made Revision, in hex: two histories never share it
	DefinitionsRevision routing.Revision   `json:"definitions_revision"`        // of the last change to any definition
	Definitions         spec.Definitions   `json:"definitions"`                 // sorted by name
	DefinitionsDigest   string             `json:"definitions_digest"`          // of Definitions alone
	BackendRevisions    []routing.Revision `json:"backend_revisions"`           // parallel to Definitions.Backends
	GroupRevisions      []routing.Revision `json:"group_revisions"`             // parallel to Definitions.Groups
	WebhookRevisions    []routing.Revision `json:"webhook_revisions,omitempty"` // parallel to Definitions.Webhooks
	Routes              []RouteState       `json:"routes"`                      // parallel to Definitions.Routes
	RevokedOverrides    []RevokedOverride  `json:"revoked_overrides,omitempty"` // by ID; some may have expired
	Controls            Controls           `json:"controls,omitzero"`           // what operators have switched
	Digest              string             `json:"digest"`                      // of definitions and states; same identity, same table
	ReadAt              time.Time          `json:"read_at"`
}

// RouteState is the moving part of one route.
type RouteState struct {
	rollout.State
	Revision  routing.Revision `json:"revision"` // of the route's last change, definition or state: its ETag
	ChangedBy string           `json:"changed_by"`
	ChangedAt time.Time        `json:"changed_at"`

	// StepRevision and StepAt are of the change that brought it to its stage and weight.
	StepRevision routing.Revision `json:"step_revision"`
	StepAt       time.Time        `json:"step_at"`
}

// sameSteps reports whether routes stand where they stand since the same changes. It
// is not said by a snapshot file that an older program has written.
func (s *Snapshot) sameSteps(other *Snapshot) bool {
	return slices.EqualFunc(s.Routes, other.Routes, func(a, b RouteState) bool { return a.StepRevision == b.StepRevision })
}

// RevokedOverride is an override that is not to be believed any more.
type RevokedOverride struct {
	ID      string    `json:"id"`
	Expires time.Time `json:"expires"` // of the override: from then on nobody needs to know
}

// Instance is one router as the fleet sees it.
type Instance struct {
	Name      string           // host:data-port by default; unique in the fleet
	Revision  routing.Revision // acknowledged: no exchange can start an attempt by an older table
	Version   string           // of the program
	StartedAt time.Time
	Age       time.Duration // since its last heartbeat, by the store's clock; ignored when written
	SignedOff bool          // it said goodbye

	OverrideKeys  []string // ids of its keys for overrides, the signing one first; nil: it does not say
	RedactionKeys []string // ids of its keys that hide values, the one in use first; nil: it does not say
	Trouble       *Trouble // what is not at rest there; nil: it does not say
}

// SilentAfter is how long after its last heartbeat nobody waits for an instance any
// more, nor believes what it said. Heartbeats come every 5 s.
const SilentAfter = 60 * time.Second

// Silent reports whether nothing was heard of the instance for so long.
func (i Instance) Silent() bool { return i.Age >= SilentAfter }

// Source is the store as the watcher needs it.
type Source interface {
	// Load reads everything in one transaction at one revision. What did not
	// change since known (which may be nil) is shared with it; when nothing
	// did, known itself is returned.
	Load(ctx context.Context, known *Snapshot) (*Snapshot, error)
	// Listen calls wake after every commit it hears of, and once as soon as it
	// listens, until ctx ends or the connection breaks; it then returns why. The
	// error matches ErrDeaf when notifications cannot arrive this way.
	Listen(ctx context.Context, wake func()) error
	// Heartbeat records that this instance lives and what it acknowledges.
	Heartbeat(ctx context.Context, instance Instance) error
	// Instances returns every instance heard of in the last day, by name.
	Instances(ctx context.Context) ([]Instance, error)
}
