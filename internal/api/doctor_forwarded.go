package api

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/api/wire"
	"github.com/stranglerfig/strangler/internal/spoken"
)

// maxNamedForwarders is how many peers doctor names.
const maxNamedForwarders = 5

// Forwarder is a peer whose X-Forwarded-*, Forwarded and X-Real-IP this router
// drops, because it is none of the trusted proxies.
type Forwarder struct {
	Peer     netip.Addr
	Requests uint64
	Last     time.Time
}

// Forwarders knows the untrusted ones of the last hour.
type Forwarders interface {
	UntrustedForwarders() []Forwarder
}

// forwardedChecks names peers that say whom they forward for and are not
// believed. Behind a load balancer that was forgotten every client has its
// address, and nothing else shows it.
func (s *server) forwardedChecks() []wire.Check {
	if s.Forwarders == nil {
		return nil
	}
	all := s.Forwarders.UntrustedForwarders()
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b Forwarder) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), a.Peer.Compare(b.Peer))
	})
	named := all[:min(len(all), maxNamedForwarders)]
	var peers, networks []string
	for _, f := range named {
		peers = append(peers, fmt.Sprintf("%s (%d times, the last %s ago)", f.Peer, f.Requests,
			spoken.Duration(max(0, time.Since(f.Last)).Truncate(time.Second))))
		networks = append(networks, netip.PrefixFrom(f.Peer, f.Peer.BitLen()).String())
	}
	if more := len(all) - len(named); more > 0 {
		peers = append(peers, fmt.Sprintf("and %d more", more))
	}
	group := checkup(wire.CheckGroupInstances)
	return []wire.Check{group.warn("forwarded_dropped",
		"if these are your load balancers, add them: --trusted-proxies "+strings.Join(networks, ",")+
			"; if they are clients, leave it: what clients say of themselves is not to be believed",
		"%s drops the X-Forwarded-* of peers that it does not trust: %s", s.Instance, strings.Join(peers, ", "))}
}
