package fleet

import (
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
)

// MaxTrouble is how many lanes and endpoints an instance tells of at most, each.
// A fleet where more are in trouble knows it.
const MaxTrouble = 200

// Trouble is what is not at rest on one instance, as it says with its heartbeat.
type Trouble struct {
	Lanes     []LaneTrouble     `json:"lanes,omitempty"`
	Backends  []BackendTrouble  `json:"backends,omitempty"`
	Endpoints []EndpointTrouble `json:"endpoints,omitempty"`
	LeftOut   int               `json:"left_out,omitempty"` // lanes, backends and endpoints for which there was no room
}

// Whole reports whether every lane is named whose breaker is not closed. Those
// come first; so where the last one is open, others may have been left out.
func (t *Trouble) Whole() bool {
	n := len(t.Lanes)
	return t.LeftOut == 0 || n < MaxTrouble || t.Lanes[n-1].Breaker == guard.Closed.String()
}

// LaneTrouble is a lane whose breaker is not closed, or that could not take
// every request in the last minute.
type LaneTrouble struct {
	Route     string `json:"route"`
	Side      string `json:"side"`
	Breaker   string `json:"breaker"` // closed, open or half_open
	Reason    string `json:"reason,omitempty"`
	Failures  int    `json:"failures,omitempty"` // of …
	Results   int    `json:"results,omitempty"`  // … so many, when the breaker opened
	Waiting   int    `json:"waiting,omitempty"`  // for a permit
	Rejected  uint64 `json:"rejected,omitempty"` // by its bulkheads since it began, some of them in the last minute
	NoRetries bool   `json:"no_retries,omitempty"`
	Unhelped  uint64 `json:"unhelped,omitempty"` // fallbacks refused since it began, some of them in the last minute

	For  time.Duration `json:"for_ns,omitempty"`  // how long the breaker has been so
	Left time.Duration `json:"left_ns,omitempty"` // until it lets a trial through
}

// BackendTrouble is a backend that could not take every request in the last minute.
type BackendTrouble struct {
	Backend  string `json:"backend"`
	Waiting  int    `json:"waiting,omitempty"`
	Rejected uint64 `json:"rejected,omitempty"` // since it began, some of them in the last minute
}

// EndpointTrouble is an endpoint that gets no requests though nobody has
// drained it.
type EndpointTrouble struct {
	Backend  string        `json:"backend"`
	Endpoint string        `json:"endpoint"`
	Ill      bool          `json:"ill,omitempty"`     // its health check fails …
	Fault    string        `json:"fault,omitempty"`   // … for this reason, the last time
	Left     time.Duration `json:"left_ns,omitempty"` // until it is no longer ejected; 0: it is not
}
