package guard_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/stranglerfig/strangler/internal/guard"
)

func TestMetadataServicesAreRefusedInEveryForm(t *testing.T) {
	for _, address := range []string{
		"169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254", "168.63.129.16", "0.0.0.0", "::", "224.0.0.1",
		"64:ff9b::169.254.169.254",       // NAT64
		"64:ff9b:1::169.254.169.254",     // NAT64 of a network's own
		"::169.254.169.254",              // as IPv6 had IPv4 first
		"2002:a9fe:a9fe::1",              // 6to4
		"2001:0:1:2:3:4:5601:5601",       // Teredo, which turns every bit around
		"64:ff9b::168.63.129.16",         // not link-local
		"64:ff9b::100.100.100.200",       // the same
		"fe80::1%eth0", "64:ff9b::0:0:0", // of no machine
	} {
		if err := guard.CheckAddress(netip.MustParseAddr(address)); !errors.Is(err, guard.ErrAddress) {
			t.Errorf("%s: %v, want ErrAddress", address, err)
		}
	}
	for _, address := range []string{
		"10.0.0.1", "127.0.0.1", "::1", "fd00::1", "2001:db8::1", "64:ff9b::10.0.0.1", "2002:0a00:0001::1", "2001:0:1:2:3:4:f5ff:fffe",
	} {
		if err := guard.CheckAddress(netip.MustParseAddr(address)); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}
