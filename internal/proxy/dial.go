package proxy

import (
	"context"
	"fmt"
	"net"
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

// DialChecked connects like the data plane does: to no address that a backend
// must not have.
func DialChecked(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{ControlContext: checkDialled}
	return dialer.DialContext(ctx, network, address)
}
