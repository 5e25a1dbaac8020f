package proxy

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/stranglerfig/strangler/internal/guard"
)

// checkDialled looks at the resolved address, after DNS, just before the
// connection is made: a name must not be able to point the router where cloud
// machines keep their credentials. Literal addresses were checked when written.
func checkDialled(_ context.Context, _, address string, _ syscall.RawConn) error {
	resolved, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial address %q: %w", address, err)
	}
	return guard.CheckAddress(resolved.Addr())
}
