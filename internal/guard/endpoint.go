package guard

import (
	"sync/atomic"
	"time"
)

// Passive ejection: how often in a row an endpoint may fail, and for how long
// it is left out then.
const (
	ejectAfter = 5
	ejectFor   = 30 * time.Second // times the number of ejections …
	ejectTimes = 10               // … up to so many, which is five minutes
	ejectQuiet = time.Minute      // that number falls by one for each minute without an ejection
)

// Endpoint is one address of a backend, as load and health of it are known
// here. Its counts are read without a lock.
type Endpoint struct {
	address  string
	inFlight atomic.Int64
	inARow   atomic.Int64 // faults of the backend since the last answer
	drained  atomic.Bool
	ill      atomic.Bool
	fault    atomic.Pointer[string] // of the last health check; nil: none
	until    atomic.Int64           // when the ejection ends, in nanoseconds since epoch; 0: never ejected

	epoch time.Time
	times int // guarded by the picker's mu
}

// Address returns the address that the endpoint was made with.
func (e *Endpoint) Address() string { return e.address }

// SetDrained takes the endpoint out of service for an operator, or back in.
// What it is doing it may finish.
func (e *Endpoint) SetDrained(drained bool) { e.drained.Store(drained) }

// SetHealthy enters the result of an active health check. An endpoint that was
// never checked is healthy.
func (e *Endpoint) SetHealthy(healthy bool) { e.ill.Store(!healthy) }

// SetFault enters what was wrong in the last active health check; empty: nothing.
func (e *Endpoint) SetFault(fault string) { e.fault.Store(&fault) }

// EndpointState is an endpoint at one moment.
type EndpointState struct {
	Address  string
	InFlight int // 0 throughout while the backend has one endpoint only
	Drained  bool
	Healthy  bool
	Fault    string    // of the last active health check; empty: it went well, or there was none
	Ejected  time.Time // until when; zero: it is not ejected
}

// State describes the endpoint.
func (e *Endpoint) State(now time.Time) EndpointState {
	state := EndpointState{
		Address: e.address, InFlight: int(e.inFlight.Load()), Drained: e.drained.Load(), Healthy: !e.ill.Load(),
	}
	if fault := e.fault.Load(); fault != nil {
		state.Fault = *fault
	}
	if e.ejected(now) {
		state.Ejected = e.epoch.Add(time.Duration(e.until.Load()))
	}
	return state
}

func (e *Endpoint) ejected(now time.Time) bool {
	until := e.until.Load()
	return until != 0 && now.Sub(e.epoch) < time.Duration(until)
}

// eject leaves the endpoint out for a time. The caller holds the picker's mu.
func (e *Endpoint) eject(now time.Time) {
	since := now.Sub(e.epoch)
	quiet := since - time.Duration(e.until.Load())
	e.times -= min(int(quiet/ejectQuiet), e.times)
	e.times = min(e.times+1, ejectTimes)
	e.until.Store(int64(since) + int64(e.times)*int64(ejectFor))
	e.inARow.Store(0)
}

// fitness orders endpoints by how willingly they are used; only the fittest
// ones there are take part.
type fitness int

const (
	unusable fitness = iota // drained: an operator said so
	sick                    // fails its health checks
	resting                 // ejected
	usable
)

func (e *Endpoint) fitness(now time.Time) fitness {
	switch {
	case e.drained.Load():
		return unusable
	case e.ill.Load():
		return sick
	case e.ejected(now):
		return resting
	default:
		return usable
	}
}
