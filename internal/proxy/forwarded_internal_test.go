package proxy

import (
	"net/netip"
	"sync"
	"testing"
	"time"
)

// known is what is remembered, by peer.
func known(f *forwarders, since time.Time) map[netip.Addr]uint64 {
	all := make(map[netip.Addr]uint64)
	for _, forwarder := range f.since(since) {
		all[forwarder.Peer] = forwarder.Requests
	}
	return all
}

// address is a client's, one of many.
func address(i int) netip.Addr { return netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}) }

// TestABalancerIsRememberedAmongStrangers: whoever sends the most stays, and
// the memory does not grow.
func TestABalancerIsRememberedAmongStrangers(t *testing.T) {
	var f forwarders
	start := time.Unix(1_700_000_000, 0)
	balancer := netip.MustParseAddr("10.0.0.7")
	for i := range 10_000 {
		at := start.Add(time.Duration(i) * time.Millisecond)
		f.note(address(i), at)
		f.note(balancer, at)
	}
	got := known(&f, start)
	if len(got) != maxForwarders || got[balancer] != 10_000 {
		t.Errorf("%d are remembered, the balancer with %d", len(got), got[balancer])
	}
}

func TestForwardersThatStoppedAreForgotten(t *testing.T) {
	var f forwarders
	start := time.Unix(1_700_000_000, 0)
	for i := range maxForwarders {
		for range 10 {
			f.note(address(i), start)
		}
	}
	later := start.Add(forwarderAge + time.Second)
	if got := known(&f, later.Add(-forwarderAge)); len(got) != 0 {
		t.Errorf("after an hour there are still %v", got)
	}
	for i := range 3 {
		f.note(address(1000+i), later)
	}
	if got := known(&f, start); len(got) != maxForwarders || got[address(1000)] != 1 || got[address(1002)] != 1 {
		t.Errorf("new ones found no room: %v", got)
	}
}

func TestNotingAKnownForwarderCostsNoMemory(t *testing.T) {
	var f forwarders
	at := time.Unix(1_700_000_000, 0)
	for i := range maxForwarders {
		f.note(address(i), at)
	}
	last := address(maxForwarders - 1)
	if n := testing.AllocsPerRun(1000, func() { f.note(last, at) }); n != 0 {
		t.Errorf("%v allocations for one request", n)
	}
}

func TestForwardersAreCountedByManyAtOnce(t *testing.T) {
	var f forwarders
	at := time.Unix(1_700_000_000, 0)
	balancers := []netip.Addr{address(1), address(2)}
	for _, balancer := range balancers {
		f.note(balancer, at)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 1000 {
				f.note(balancers[i%2], at)
				f.note(address(i), at.Add(time.Second)) // the two among them
				_ = f.since(at)
			}
		})
	}
	all.Wait()
	got := known(&f, at)
	if len(got) != maxForwarders || got[balancers[0]] != 2005 || got[balancers[1]] != 2005 {
		t.Errorf("%d are remembered, the balancers with %d and %d", len(got), got[balancers[0]], got[balancers[1]])
	}
}

func BenchmarkNoteForwarder(b *testing.B) {
	var f forwarders
	at := time.Now()
	for i := range maxForwarders {
		f.note(address(i), at)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f.note(address(maxForwarders-1), at)
		}
	})
}
