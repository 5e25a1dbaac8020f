package demo

import (
	"maps"
	"sync"
)

// Tally is what the visitors have seen so far.
type Tally struct {
	Requests     int               // begun and ended; those cut off by the end of the traffic do not count
	Statuses     map[int]int       // answers by HTTP status
	Routes       map[string]Served // by the name of the route in Definitions
	ClientErrors int               // no answer, a broken or wrong one, one that no shop signed, or a status of 400 and more
	LastError    string            // the newest of them; empty: none
}

// Served is how many answers of a route came from each side.
type Served struct {
	Legacy, New int
}

// Since is what has been added to earlier, a tally of the same traffic.
func (t Tally) Since(earlier Tally) Tally {
	d := Tally{
		Requests: t.Requests - earlier.Requests, ClientErrors: t.ClientErrors - earlier.ClientErrors,
		Statuses: map[int]int{}, Routes: map[string]Served{}, LastError: t.LastError,
	}
	for status, n := range t.Statuses {
		if n -= earlier.Statuses[status]; n > 0 {
			d.Statuses[status] = n
		}
	}
	for route, s := range t.Routes {
		before := earlier.Routes[route]
		d.Routes[route] = Served{Legacy: s.Legacy - before.Legacy, New: s.New - before.New}
	}
	return d
}

// counter is a Tally that many visitors write to.
type counter struct {
	mu    sync.Mutex
	tally Tally // guarded by mu
}

func newCounter() *counter {
	return &counter{tally: Tally{Statuses: map[int]int{}, Routes: map[string]Served{}}}
}

func (c *counter) add(route string, got reply, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally.Requests++
	if got.status != 0 {
		c.tally.Statuses[got.status]++
	}
	served := c.tally.Routes[route]
	switch got.side {
	case Legacy:
		served.Legacy++
	case New:
		served.New++
	}
	c.tally.Routes[route] = served
	if problem := complaint(got, err); problem != "" {
		c.tally.ClientErrors++
		c.tally.LastError = route + ": " + problem
	}
}

func (c *counter) read() Tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tally
	t.Statuses = maps.Clone(t.Statuses)
	t.Routes = maps.Clone(t.Routes)
	return t
}
