package stats

import (
	"sync"
	"sync/atomic"
)

// Count is what one side of one route served.
type Count struct {
	Route    string
	Side     string // legacy or new
	Requests uint64
	Unsafe   uint64 // of Requests, those whose method may change something
}

// Counts is where one router counts what it serves. It is safe for concurrent use.
type Counts struct {
	mu    sync.Mutex
	lanes map[key]*Lane // guarded by mu
}

type key struct{ route, side string }

// New returns Counts with nothing counted yet.
func New() *Counts {
	return &Counts{lanes: make(map[key]*Lane)}
}

// Lane returns the counter of one side of one route. The same pair has the same
// lane for ever.
func (c *Counts) Lane(route, side string) *Lane {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := key{route, side}
	if c.lanes[k] == nil {
		c.lanes[k] = new(Lane)
	}
	return c.lanes[k]
}

// Drain returns what was counted since the last Drain, without the lanes that
// served nothing.
func (c *Counts) Drain() []Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	var served []Count
	for k, lane := range c.lanes {
		safe, unsafe := lane.safe.Swap(0), lane.unsafe.Swap(0)
		if safe+unsafe > 0 {
			served = append(served, Count{Route: k.route, Side: k.side, Requests: safe + unsafe, Unsafe: unsafe})
		}
	}
	return served
}

// Lane counts what one side of one route serves.
type Lane struct {
	safe, unsafe atomic.Uint64
}

// Add counts one request that was put on a connection to the backend.
func (l *Lane) Add(method string) {
	switch method {
	case "GET", "HEAD", "OPTIONS", "TRACE": // RFC 9110 §9.2.1
		l.safe.Add(1)
	default:
		l.unsafe.Add(1)
	}
}
