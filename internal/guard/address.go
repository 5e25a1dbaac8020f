package guard

import (
	"errors"
	"fmt"
	"net/netip"
)

// ErrAddress is wrapped by every error of CheckAddress.
var ErrAddress = errors.New("address refused")

// CheckAddress refuses the addresses that no backend has, but that give secrets
// away when a router can be talked into asking them: link-local ones, among
// them 169.254.169.254, and the metadata services of clouds elsewhere. It is
// asked when an endpoint is written, and again when its name was resolved.
func CheckAddress(address netip.Addr) error {
	address = address.Unmap()
	switch {
	case !address.IsValid():
		return fmt.Errorf("%w: it is not an IP address", ErrAddress)
	case address.Zone() != "":
		return fmt.Errorf("%w: %s has a zone, and zones mean another thing on every machine", ErrAddress, address)
	case address.IsLinkLocalUnicast():
		return fmt.Errorf("%w: %s is link-local, where metadata services live", ErrAddress, address)
	case address.IsMulticast(), address.IsUnspecified():
		return fmt.Errorf("%w: %s is no address of one machine", ErrAddress, address)
	case isMetadata(address):
		return fmt.Errorf("%w: %s is a cloud's metadata service", ErrAddress, address)
	}
	if inside, carries := carried(address); carries {
		if err := CheckAddress(inside); err != nil {
			return fmt.Errorf("%w, which %s leads to", err, address)
		}
	}
	return nil
}

// carried is the IPv4 address to which translators and tunnels take an IPv6 one:
// NAT64 (RFC 6052, 8215), the form before ::ffff:0:0/96 (RFC 4291), 6to4 (RFC 3056)
// and Teredo (RFC 4380).
func carried(address netip.Addr) (inside netip.Addr, carries bool) {
	if !address.Is6() || address.IsLoopback() {
		return address, false
	}
	b := address.As16()
	for _, prefix := range [...]string{"64:ff9b::/96", "64:ff9b:1::/48", "::/96"} {
		if netip.MustParsePrefix(prefix).Contains(address) {
			return netip.AddrFrom4([4]byte(b[12:])), true
		}
	}
	switch {
	case netip.MustParsePrefix("2002::/16").Contains(address):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case netip.MustParsePrefix("2001::/32").Contains(address):
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	}
	return address, false
}

// isMetadata knows the metadata services that are not link-local.
func isMetadata(address netip.Addr) bool {
	switch address.String() {
	case "fd00:ec2::254", // AWS over IPv6
		"100.100.100.200", // Alibaba Cloud
		"168.63.129.16":   // Azure's wire server
		return true
	default:
		return false
	}
}
