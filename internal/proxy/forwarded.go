package proxy

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxForwarders is how many are remembered: load balancers are few, and of
	// clients that forward for themselves a few are enough to see what they are.
	maxForwarders = 16
	// forwarderAge is when one that has stopped makes room for any other.
	forwarderAge = time.Hour
)

// Forwarder is a peer that says whom it forwards for and is none of the trusted
// proxies, so that its X-Forwarded-*, Forwarded and X-Real-IP were dropped: a
// load balancer that was forgotten, or a client that tries.
type Forwarder struct {
	Peer     netip.Addr
	Requests uint64 // since it was first noticed
	Last     time.Time
}

// UntrustedForwarders returns those of the last hour, in no order. Where many
// peers do so, those with the most requests are known.
func (p *Proxy) UntrustedForwarders() []Forwarder {
	return p.untrusted.since(time.Now().Add(-forwarderAge))
}

// forwarders remembers who forwarded untrusted. To find a peer again takes no
// lock and no memory, since a load balancer that was forgotten comes here with every request.
type forwarders struct {
	slots [maxForwarders]atomic.Pointer[forwarder]
	mu    sync.Mutex // to fill a slot
}

type forwarder struct {
	peer     netip.Addr
	requests atomic.Uint64
	last     atomic.Int64 // Unix time in seconds
}

func (f *forwarder) saw(at time.Time) {
	f.requests.Add(1)
	if now := at.Unix(); f.last.Load() != now {
		f.last.Store(now)
	}
}

// note counts one request.
func (f *forwarders) note(peer netip.Addr, at time.Time) {
	if known := f.find(peer); known != nil {
		known.saw(at)
		return
	}
	if !f.mu.TryLock() { // a crowd of strangers is not worth waiting for
		return
	}
	defer f.mu.Unlock()
	if known := f.find(peer); known != nil {
		known.saw(at)
		return
	}
	fresh := &forwarder{peer: peer}
	fresh.saw(at)
	f.slots[f.cheapest(at)].Store(fresh)
}

func (f *forwarders) find(peer netip.Addr) *forwarder {
	for i := range f.slots {
		if known := f.slots[i].Load(); known != nil && known.peer == peer {
			return known
		}
	}
	return nil
}

// cheapest is the slot that is best filled anew: an empty one, else one whose
// peer has stopped, else the one with the fewest requests.
func (f *forwarders) cheapest(at time.Time) (slot int) {
	fewest := ^uint64(0)
	for i := range f.slots {
		known := f.slots[i].Load()
		if known == nil || known.last.Load() < at.Add(-forwarderAge).Unix() {
			return i
		}
		if n := known.requests.Load(); n < fewest {
			fewest, slot = n, i
		}
	}
	return slot
}

func (f *forwarders) since(start time.Time) []Forwarder {
	var seen []Forwarder
	for i := range f.slots {
		known := f.slots[i].Load()
		if known == nil {
			continue
		}
		if last := time.Unix(known.last.Load(), 0); !last.Before(start) {
			seen = append(seen, Forwarder{Peer: known.peer, Requests: known.requests.Load(), Last: last})
		}
	}
	return seen
}
