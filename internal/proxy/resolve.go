package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// How long the addresses of a name are used. Who connects waits for DNS only
// when there are none yet, or when nobody has connected for a while.
const (
	namesFresh  = 10 * time.Second       // without asking again
	namesStale  = time.Minute            // while the answer to the next question is on its way
	nameLookup  = 5 * time.Second        // one question
	namePatient = 500 * time.Millisecond // for the answer, when there are addresses, but stale ones
)

// names are the addresses of the backends' host names. A name that cannot be
// resolved any more keeps its last ones: the backends are most likely where
// they were, and it is DNS that has gone.
type names struct {
	resolver *net.Resolver // nil: the system's
	fresh    time.Duration
	stale    time.Duration
	logger   *slog.Logger
	ctx      context.Context //nolint:containedctx // ends the look-ups under way when the router stops
	end      context.CancelFunc

	mu     sync.Mutex // owns byHost
	byHost map[string]*name
}

func newNames(resolver *net.Resolver, logger *slog.Logger) *names {
	n := &names{resolver: resolver, fresh: namesFresh, stale: namesStale, logger: logger, byHost: make(map[string]*name)}
	n.ctx, n.end = context.WithCancel(context.Background())
	return n
}

// get returns the entry of a host.
func (n *names) get(host string) *name {
	n.mu.Lock()
	defer n.mu.Unlock()
	entry := n.byHost[host]
	if entry == nil {
		entry = &name{host: host, names: n}
		n.byHost[host] = entry
	}
	return entry
}

// keepOnly forgets the hosts that are not wanted.
func (n *names) keepOnly(wanted map[string]struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for host := range n.byHost {
		if _, ok := wanted[host]; !ok {
			delete(n.byHost, host)
		}
	}
}

// name is one host.
type name struct {
	host  string
	names *names

	mu        sync.Mutex    // owns the rest
	addresses []netip.Addr  // of the last look-up that went well; never changed in place
	err       error         // of the last look-up; nil: it went well
	asked     time.Time     // when that ended
	under     chan struct{} // closed when the look-up under way ends; nil: there is none
}

// resolve returns at least one address.
func (n *name) resolve(ctx context.Context) ([]netip.Addr, error) {
	known, age, answer := n.known()
	switch {
	case answer == nil, len(known) > 0 && age < n.names.stale:
		return known, nil
	case len(known) > 0:
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, namePatient)
		defer cancel()
	}
	select {
	case <-answer:
	case <-ctx.Done():
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case len(n.addresses) > 0:
		return n.addresses, nil
	case n.err != nil:
		return nil, n.err
	default:
		return nil, fmt.Errorf("lookup %s: no answer in time", n.host)
	}
}

// known returns the addresses known, their age, and, when that is too high, what
// is closed once a look-up has ended. One begins then, if none is under way.
func (n *name) known() (known []netip.Addr, age time.Duration, answer <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	age = time.Since(n.asked)
	if len(n.addresses) > 0 && age < n.names.fresh {
		return n.addresses, age, nil
	}
	if n.under == nil {
		n.under = make(chan struct{})
		go n.look()
	}
	return n.addresses, age, n.under
}

// look asks DNS once.
func (n *name) look() {
	ctx, cancel := context.WithTimeout(n.names.ctx, nameLookup)
	defer cancel()
	addresses, err := n.names.resolver.LookupNetIP(ctx, "ip", n.host)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tell(err)
	if err == nil {
		n.addresses = addresses
	}
	n.err, n.asked = err, time.Now()
	close(n.under)
	n.under = nil
}

// tell logs that DNS has gone, or come back. It needs mu.
func (n *name) tell(err error) {
	switch {
	case len(n.addresses) == 0: // who asks is told
	case err != nil && n.err == nil && n.names.ctx.Err() == nil:
		n.names.logger.Warn("a backend's name cannot be resolved: its last addresses stay in use",
			"host", n.host, "addresses", fmt.Sprint(n.addresses), "error", err)
	case err == nil && n.err != nil:
		n.names.logger.Info("a backend's name can be resolved again", "host", n.host)
	}
}
