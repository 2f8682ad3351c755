package ingress

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// client is the address of the sender.
func (x *exchange) client() netip.Addr {
	peer, err := netip.ParseAddrPort(x.r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return clientAddr(peer.Addr().Unmap(), x.r.Header, x.table.TrustedProxies)
}

// clientAddr is the peer's address or, behind trusted proxies, the last address in X-Forwarded-For that is not one of
// them: what stands before it was written by the sender. An entry that is no address gives the zero Addr, which no list
// of addresses holds.
func clientAddr(peer netip.Addr, header http.Header, trusted []netip.Prefix) netip.Addr {
	addr := peer
	if !within(trusted, peer) {
		return peer
	}
	hops := strings.Split(strings.Join(header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if hop = strings.TrimSpace(hop); hop == "" {
			continue
		}
		if addr = parseHop(hop); !within(trusted, addr) {
			break
		}
	}
	return addr
}

// parseHop reads an address as proxies write it: alone, or with a port.
func parseHop(hop string) netip.Addr {
	if addr, err := netip.ParseAddr(hop); err == nil {
		return addr.Unmap().WithZone("")
	}
	if addr, err := netip.ParseAddrPort(hop); err == nil {
		return addr.Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

func within(networks []netip.Prefix, addr netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(addr) })
}
