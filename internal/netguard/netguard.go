// Package netguard refuses connections to addresses that somebody else chose: the ones inside our own network.
//
// It knows no host names and no configuration. It looks at the address that a name was resolved to, at the moment it is
// dialled, so that neither a name with two answers nor an unusual way of writing an address gets past it.
//
// It sees what is dialled and nothing behind it: whoever dials a proxy must not rely on it.
package netguard

import (
	"context"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/grapnel-dev/grapnel/internal/fault"
)

// CodeRefused is the code of the fault that a refused address gives; its class is ConfigurationError.
const CodeRefused = "address_refused"

// Policy says which addresses may be dialled. The zero Policy allows only public ones: it is for hosts that events,
// templates and tokens name.
type Policy struct {
	// AllowPrivate also allows loopback, private, link-local and other addresses that are not public: for hosts that the
	// operator wrote into the configuration. The metadata services of clouds stay refused.
	AllowPrivate bool
}

// RefusedError is the error for an address that must not be dialled.
type RefusedError struct {
	Addr netip.Addr
	// Reason says what kind of address it is.
	Reason string
}

// Error names the address and why it was refused.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("address %s is refused: it is %s", e.Addr, e.Reason)
}

// Control is for net.Dialer.ControlContext, which calls it with the resolved address of every attempt to connect.
func (p Policy) Control(_ context.Context, network, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fault.New(fault.ConfigurationError, "%s address %q is refused: it is no IP address", network, address)
	}
	return p.Check(target.Addr())
}

// Check says whether the address may be dialled: nil, or a *fault.Error that holds a *RefusedError.
func (p Policy) Check(addr netip.Addr) error {
	addr = addr.WithZone("").Unmap()
	for _, a := range append(embedded(addr), addr) {
		if reason := p.refusal(a); reason != "" {
			return fault.Wrap(fault.ConfigurationError, CodeRefused, &RefusedError{Addr: addr, Reason: reason})
		}
	}
	return nil
}

func (p Policy) refusal(addr netip.Addr) string {
	switch {
	case isMetadata(addr):
		return "the metadata service of a cloud"
	case p.AllowPrivate:
		return ""
	case addr.Is6() && !netip.MustParsePrefix("2000::/3").Contains(addr) && !isNAT64(addr):
		return "not a public address" // everything else in IPv6 is loopback, link-local, unique local, multicast or reserved
	}
	for _, special := range specialPrefixes() {
		if special.Contains(addr) {
			return "not a public address"
		}
	}
	return ""
}

// isMetadata names the addresses at which clouds hand out credentials to whoever can connect.
func isMetadata(addr netip.Addr) bool {
	switch addr.String() {
	case "169.254.169.254", "fd00:ec2::254", "fd20:ce::254", // AWS, Google, Azure, OpenStack, DigitalOcean, …
		"169.254.170.2", "169.254.170.23", "fd00:ec2::23", // AWS ECS and EKS: credentials of tasks and pods
		"fe80::a9fe:a9fe",                                 // OpenStack
		"100.100.100.200", "192.0.0.192", "168.63.129.16": // Alibaba, Oracle, Azure's wire server
		return true
	}
	return false
}

func isNAT64(addr netip.Addr) bool { return netip.MustParsePrefix("64:ff9b::/96").Contains(addr) }

// specialPrefixes are the networks of the IANA special-purpose registries (RFC 6890) that are not public, and multicast.
func specialPrefixes() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),       // this network; 0.0.0.0 reaches the host itself
		netip.MustParsePrefix("10.0.0.0/8"),      // private
		netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
		netip.MustParsePrefix("127.0.0.0/8"),     // loopback
		netip.MustParsePrefix("169.254.0.0/16"),  // link-local
		netip.MustParsePrefix("172.16.0.0/12"),   // private
		netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
		netip.MustParsePrefix("192.0.2.0/24"),    // documentation
		netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
		netip.MustParsePrefix("192.168.0.0/16"),  // private
		netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
		netip.MustParsePrefix("198.51.100.0/24"), // documentation
		netip.MustParsePrefix("203.0.113.0/24"),  // documentation
		netip.MustParsePrefix("224.0.0.0/3"),     // multicast, reserved, broadcast
		netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo among them
		netip.MustParsePrefix("2001:db8::/32"),   // documentation
		netip.MustParsePrefix("3fff::/20"),       // documentation
	}
}

// embedded gives the IPv4 address that a translator or tunnel on the way would make of an IPv6 one.
func embedded(addr netip.Addr) []netip.Addr {
	if addr.Is4() {
		return nil
	}
	b := addr.As16()
	switch {
	case netip.MustParsePrefix("2002::/16").Contains(addr): // 6to4, RFC 3056
		return []netip.Addr{netip.AddrFrom4([4]byte(b[2:6]))}
	case isNAT64(addr), // RFC 6052
		netip.MustParsePrefix("::/96").Contains(addr),           // IPv4-compatible, RFC 4291
		netip.MustParsePrefix("::ffff:0:0:0/96").Contains(addr): // IPv4-translated, RFC 2765
		return []netip.Addr{netip.AddrFrom4([4]byte(b[12:16]))}
	}
	return nil
}
