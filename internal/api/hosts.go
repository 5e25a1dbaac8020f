package api

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/stranglerfig/strangler/internal/routing"
)

// allowedHosts is the list of names that stand for this API.
func allowedHosts(names []string) map[string]bool {
	hosts := map[string]bool{"localhost": true}
	for _, name := range names {
		hosts[routing.NormalizeHost(name)] = true
	}
	return hosts
}

// addressed refuses requests that were meant for somebody else: a page that
// makes its own name point here (DNS rebinding) still sends its own name.
func (s *server) addressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.answersTo(r) {
			s.fail(w, r, misdirected(r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) answersTo(r *http.Request) bool {
	host := routing.NormalizeHost(r.Host)
	if s.hosts[host] {
		return true
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	return address.IsLoopback() || address.Unmap() == arrivedAt(r)
}

// arrivedAt returns the address of ours that the connection came to.
func arrivedAt(r *http.Request) netip.Addr {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return local.AddrPort().Addr().Unmap().WithZone("")
}
