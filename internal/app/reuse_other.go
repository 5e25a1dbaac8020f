//go:build !linux

package app

import (
	"fmt"
	"net"
	"runtime"
	"time"
)

// settled: when nobody has come for so long, the queue is taken to be empty.
const settled = 20 * time.Millisecond

// sharedDoor refuses: other systems let several sockets have one address, but
// not say which of them gets the connections.
func sharedDoor(flag, address string) (*door, error) {
	return nil, fmt.Errorf("%w: --reuse-port needs Linux, this is %s: --%s %s was not opened; leave --reuse-port out and take the router out of its load balancer before it restarts",
		ErrConfig, runtime.GOOS, flag, address)
}

// listenersAt is for doors that sharedDoor makes.
func listenersAt(net.Addr) (int, error) { return 0, nil }

// queued cannot tell here: a stopping door closes when nobody has come for a while.
func queued(*net.TCPListener) bool { return false }
