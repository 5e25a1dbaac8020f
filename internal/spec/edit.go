package spec

import (
	"encoding/json"
	"time"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// The kinds of defined things, as events, problems and the API name them.
const (
	KindBackend = "backend"
	KindGroup   = "group"
	KindWebhook = "webhook"
	KindRoute   = "route"
)

// Edit is one change of definitions, as a store is asked to make it.
type Edit struct {
	Verb         rollout.Verb
	Actor        string
	Reason       string
	DryRun       bool          // compute the changes, commit nothing
	Precondition *Precondition // nil: none
}

// Precondition makes an edit fail with *rollout.Conflict unless the named
// object is at Revision; Revision 0 demands that it does not exist yet.
type Precondition struct {
	Kind, Name string
	Revision   routing.Revision
}

// Current is what an edit starts from.
type Current struct {
	Definitions Definitions
	States      map[string]rollout.State // by route
}

// Change is one object that an edit adds, changes or removes.
type Change struct {
	Kind   string          `json:"kind"`
	Name   string          `json:"name"`
	Op     Op              `json:"op"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// Op is what an edit does to an object.
type Op string

// The operations.
const (
	Added   Op = "added"
	Changed Op = "changed"
	Removed Op = "removed"
)

// Edited is what an edit became. Without changes Revision equals Previous.
type Edited struct {
	Previous, Revision routing.Revision
	Changes            []Change
	At                 time.Time
}
