package sqlite

import (
	"sync"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
)

// lease is a delivery that a worker has, with what its settlement needs to know of it.
type lease struct {
	fence           int64
	until           int64
	destination     int64
	id              event.DeliveryID
	name            string // of the destination
	chain           event.Chain
	steps           int
	attempts, spent int64
	firstAttemptAt  int64
}

// leases are those that were given since the store was opened. They are kept in memory only: a crash makes all of them
// void, and each of their deliveries is still pending on disk. The writer changes them; readers look.
type leases struct {
	mu            sync.Mutex
	byKey         map[int64]*lease
	byDestination map[int64]map[int64]*lease
}

func newLeases() *leases {
	return &leases{byKey: map[int64]*lease{}, byDestination: map[int64]map[int64]*lease{}}
}

// put gives a lease; it replaces an older one of the same delivery.
func (l *leases) put(key int64, given *lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byKey[key] = given
	of := l.byDestination[given.destination]
	if of == nil {
		of = map[int64]*lease{}
		l.byDestination[given.destination] = of
	}
	of[key] = given
}

// drop takes a lease away; nobody can settle with it any more.
func (l *leases) drop(key int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held := l.byKey[key]; held != nil {
		delete(l.byKey, key)
		delete(l.byDestination[held.destination], key)
	}
}

// get gives the lease of a delivery, whether it has ended or not; nil when there is none.
func (l *leases) get(key int64) *lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byKey[key]
}

// live gives those of a destination that end after now.
func (l *leases) live(destination, now int64) map[int64]*lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	live := make(map[int64]*lease, len(l.byDestination[destination]))
	for key, held := range l.byDestination[destination] {
		if held.until > now {
			live[key] = held
		}
	}
	return live
}

// all is live for a reader that has no time: every lease counts.
func (l *leases) all(destination int64) map[int64]*lease { return l.live(destination, -1<<63) }

// nanos is how a time is stored; 0 (NULL in the database) for none.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// at is the time that nanos stored.
func at(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
