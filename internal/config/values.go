package config

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/units"
)

// Rate is a number of things per second; zero is no limit.
type Rate float64

// UnmarshalText reads a number per second, or a number with a unit of time: "100/m".
func (r *Rate) UnmarshalText(text []byte) error {
	number, unit, hasUnit := strings.Cut(strings.TrimSpace(string(text)), "/")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	length, known := map[string]float64{"s": 1, "m": 60, "h": 3600, "d": 86400}[strings.TrimSpace(unit)]
	if !hasUnit {
		length, known = 1, true
	}
	if err != nil || !known || !(n > 0) || n/length > 1e9 {
		return fmt.Errorf("rate %q: want a number per second above 0 (50) or with a unit of time (100/m, 3000/h)", text)
	}
	*r = Rate(n / length)
	return nil
}

// MarshalText writes a number per second.
func (r Rate) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(r), 'g', -1, 64), nil
}

// Network is an address or a range of addresses, written 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32.
type Network struct{ netip.Prefix }

// UnmarshalText reads an address or a range.
func (n *Network) UnmarshalText(text []byte) error {
	if addr, err := netip.ParseAddr(string(text)); err == nil && addr.Zone() == "" {
		n.Prefix = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		return nil
	}
	prefix, err := netip.ParsePrefix(string(text))
	if err != nil {
		return fmt.Errorf("network %q: want an address (192.0.2.7) or a range (10.0.0.0/8, 2001:db8::/32)", text)
	}
	n.Prefix = prefix.Masked()
	return nil
}

func seconds(n int) units.Duration { return units.Duration(time.Duration(n) * time.Second) }
func days(n int) units.Duration    { return units.Duration(time.Duration(n) * 24 * time.Hour) }

// wanted lists what may be written.
func wanted(words []string) string { return "want one of " + strings.Join(words, ", ") }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
