package guard_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/stranglerfig/strangler/internal/guard"
)

func TestCheckAddress(t *testing.T) {
	for _, text := range []string{"127.0.0.1", "::1", "10.1.2.3", "192.0.2.7", "2001:db8::1", "fd00::1", "::ffff:10.0.0.1"} {
		if err := guard.CheckAddress(netip.MustParseAddr(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{
		"169.254.169.254", "169.254.0.1", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "fd00::1%eth0",
		"fd00:ec2::254", "100.100.100.200", "168.63.129.16", "0.0.0.0", "::", "224.0.0.1", "ff02::1",
	} {
		if err := guard.CheckAddress(netip.MustParseAddr(text)); !errors.Is(err, guard.ErrAddress) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	if err := guard.CheckAddress(netip.Addr{}); !errors.Is(err, guard.ErrAddress) {
		t.Errorf("no address: got %v", err)
	}
}
