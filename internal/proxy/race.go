package proxy

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"
)

// headStart is how long an address may take before the next one is tried
// beside it (RFC 8305 §8 recommends it).
const headStart = 250 * time.Millisecond

// dial connects to an address, or to one of those of a name.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if _, literal := netip.ParseAddr(host); err != nil || literal == nil {
		return d.tcp.DialContext(ctx, network, address)
	}
	ctx, cancel := context.WithTimeout(ctx, d.tcp.Timeout)
	defer cancel()
	addresses, err := d.names.get(host).resolve(ctx)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	targets := make([]string, 0, len(addresses))
	for _, address := range rotated(addresses, rand.Uint64()) {
		targets = append(targets, net.JoinHostPort(address.Unmap().String(), port))
	}
	return d.race(ctx, network, targets)
}

// rotated returns addresses in the order in which to try them: the family of
// the first one before the other, each from a random place on, so that those of
// one name share the load.
func rotated(addresses []netip.Addr, random uint64) []netip.Addr {
	var families [2][]netip.Addr
	for _, address := range addresses {
		family := 0
		if address.Unmap().Is4() != addresses[0].Unmap().Is4() {
			family = 1
		}
		families[family] = append(families[family], address)
	}
	ordered := make([]netip.Addr, 0, len(addresses))
	for _, family := range families {
		if len(family) > 0 {
			from := int(random % uint64(len(family)))
			ordered = append(append(ordered, family[from:]...), family[:from]...)
		}
	}
	return ordered
}

type dialled struct {
	conn net.Conn
	err  error
}

// race tries the targets one after the other, the next one as soon as all
// before have failed or had their head start, and returns the first connection.
// The error is that of the target that failed first.
func (d *dialer) race(ctx context.Context, network string, targets []string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // of those that lost
	results := make(chan dialled, len(targets))
	started, failed := 0, 0
	timer := time.NewTimer(headStart)
	defer timer.Stop()
	next := func() {
		if started == len(targets) {
			return
		}
		target := targets[started]
		started++
		timer.Reset(headStart)
		go func() {
			conn, err := d.tcp.DialContext(ctx, network, target)
			results <- dialled{conn, err}
		}()
	}
	var first error
	for next(); failed < len(targets); {
		select {
		case <-timer.C:
			next()
		case result := <-results:
			if result.err == nil {
				go closeAll(results, started-failed-1)
				return result.conn, nil
			}
			if failed++; first == nil {
				first = result.err
			}
			next()
		}
	}
	return nil, first
}

// closeAll closes what the next n results hold.
func closeAll(results <-chan dialled, n int) {
	for range n {
		if late := <-results; late.err == nil {
			_ = late.conn.Close()
		}
	}
}
