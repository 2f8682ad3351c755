package admin

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many wrong tokens an address may send at once, how fast they are forgiven, and how many addresses are remembered.
const (
	failureBurst  = 10
	forgiveEvery  = time.Second
	addressMemory = 4096
)

// throttle counts failures by address, so that nobody can guess at leisure and nobody else is locked out.
type throttle struct {
	mu sync.Mutex
	// Guarded by mu.
	addresses map[netip.Prefix]*rate.Limiter
}

func newThrottle() *throttle {
	return &throttle{addresses: map[netip.Prefix]*rate.Limiter{}}
}

// wait says how long the address is refused; zero: it is not.
func (t *throttle) wait(remote string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	limiter, known := t.addresses[network(remote)]
	if !known || limiter.Tokens() >= 1 {
		return 0
	}
	return time.Duration((1 - limiter.Tokens()) * float64(forgiveEvery))
}

// failed counts a failure of the address.
func (t *throttle) failed(remote string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.addresses) >= addressMemory {
		clear(t.addresses)
	}
	key := network(remote)
	if t.addresses[key] == nil {
		t.addresses[key] = rate.NewLimiter(rate.Every(forgiveEvery), failureBurst)
	}
	t.addresses[key].Allow()
}

// network is what counts as one address: all of a /64 in IPv6, which a single machine can have.
func network(remote string) netip.Prefix {
	addr, _ := netip.ParseAddrPort(remote)
	ip, bits := addr.Addr().Unmap(), 64
	if ip.Is4() {
		bits = 32
	}
	prefix, _ := ip.Prefix(bits)
	return prefix
}
