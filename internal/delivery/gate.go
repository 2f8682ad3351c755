package delivery

import (
	"sync"
	"time"

	"github.com/grapnel-dev/grapnel/internal/breaker"
)

const (
	// pollInterval is how often a lane looks for work that nobody told it of: put there by another node, or left by one
	// that died.
	pollInterval = 30 * time.Second
	// claimBatch bounds one claim, so that it never holds up the store's other callers for long.
	claimBatch = 256
	// arrivalMemory is how long after the last event the backlog leaves slots free for the next.
	arrivalMemory = time.Second
)

// gate decides how many attempts of a destination may begin now, and when it is worth to claim some. It is all the
// state that a lane has.
//
// Two sides compete for slots: events that just arrived (reserve) and the backlog (take). Without a backlog arrivals may
// have all slots. With one they may have a quarter, which the backlog leaves them while events keep arriving, so that
// neither side starves the other.
type gate struct {
	concurrency int
	wake        chan struct{} // of capacity 1: the lane should look again
	changed     func(from, to breaker.State, retryAt time.Time)
	jobs        sync.WaitGroup // slots given out whose attempt is not settled yet

	mu sync.Mutex
	// Guarded by mu:
	breaker   *breaker.Breaker
	bucket    bucket
	inFlight  int // slots in use
	handed    int // those of them that arrivals have
	stopped   bool
	pausedAt  time.Time // zero: not paused
	heldUntil time.Time // the destination asked for it
	claimAt   time.Time // when it is worth to claim
	backlog   bool      // the last claim brought all that it could
	blocked   bool      // a claim waits for a slot
	arrivedAt time.Time // when reserve was called last
	failure   Failure
}

// inherit makes the gate stand where that of the lane it replaces does.
func (g *gate) inherit(before *gate, spec Spec) {
	before.mu.Lock()
	defer before.mu.Unlock()
	g.breaker = before.breaker.With(spec.Breaker, spec.Concurrency)
	g.heldUntil, g.failure = before.heldUntil, before.failure
}

// reserve takes a slot for an event that just arrived, if one is free for it.
func (g *gate) reserve(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arrivedAt = now
	if g.permits(now) == 0 || g.backlogged(now) && g.handed >= g.share() {
		return false
	}
	g.handed++
	g.use(1)
	return true
}

// cancel gives a reserved slot back: the event was not stored with it.
func (g *gate) cancel() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.handed--
	g.giveBack(1)
	g.wakeIf(g.blocked)
}

// take takes slots for a claim. When it is not the time for one it returns 0 and when to ask again, unless woken before.
func (g *gate) take(now time.Time) (n int, again time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.claimAt) {
		g.blocked = false
		return 0, g.claimAt
	}
	n = min(g.permits(now), g.claimable(now), claimBatch)
	g.blocked = n <= 0
	if g.blocked {
		return 0, g.opensAt(now)
	}
	g.use(n)
	g.claimAt = now.Add(pollInterval) // due and claimed bring it forward
	return n, time.Time{}
}

// claimed tells what a claim for n slots brought: got jobs, and when the next one is due if that is known.
func (g *gate) claimed(now time.Time, n, got int, next time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.giveBack(n - got)
	g.backlog = got == n
	if g.backlog {
		next = now
	}
	if !next.IsZero() {
		g.claimAt = earlier(g.claimAt, next)
	}
}

// failed tells that the store could not be asked.
func (g *gate) failed(now time.Time, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.giveBack(n)
	g.claimAt = now
}

// due tells that something is due at a time.
func (g *gate) due(at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at.Before(g.claimAt) {
		g.claimAt = at
		g.wakeIf(!g.blocked)
	}
}

// done gives the slot of an attempt back with what the attempt said about the destination. jobs.Done comes later, when
// it is settled.
func (g *gate) done(now time.Time, from origin, r result, o outcome) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	if from == handedOver {
		g.handed--
	}
	if r.fault != nil && !r.interrupted {
		g.failure = Failure{At: now, Class: r.fault.Class, Code: r.fault.Code, Error: clip(r.fault.Error())}
	}
	g.heldUntil = later(g.heldUntil, o.holdUntil)
	g.tell(now, o.verdict)
	g.wakeIf(g.blocked)
}

// setPaused pauses since a time, or resumes with the zero time.
func (g *gate) setPaused(since time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if since.IsZero() || g.pausedAt.IsZero() {
		g.pausedAt = since
	}
	g.wakeIf(true)
}

// stop gives no slot from now on.
func (g *gate) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
}

// permits is how many attempts may begin now. It requires mu, as all that follow.
func (g *gate) permits(now time.Time) int {
	if g.stopped || !g.pausedAt.IsZero() || now.Before(g.heldUntil) {
		return 0
	}
	from := g.breaker.State()
	n := g.breaker.Permits(now, g.inFlight)
	g.noteChange(from)
	return min(n, g.bucket.available(now))
}

// opensAt is when permits may give some without anybody's doing. Slots are given back, and pauses end, by somebody.
func (g *gate) opensAt(now time.Time) time.Time {
	at := later(later(g.heldUntil, g.breaker.RetryAt()), g.bucket.next(now))
	if !at.After(now) || !g.pausedAt.IsZero() {
		return now.Add(pollInterval)
	}
	return at
}

// backlogged says whether something is known to wait in the store.
func (g *gate) backlogged(now time.Time) bool { return g.backlog || !now.Before(g.claimAt) }

// share is how many slots arrivals have while there is a backlog: a quarter. A lane with one slot works in the order of
// the store.
func (g *gate) share() int { return (g.concurrency + 2) / 4 }

// claimable is how many more slots the backlog may have.
func (g *gate) claimable(now time.Time) int {
	n := g.concurrency - (g.inFlight - g.handed)
	if now.Sub(g.arrivedAt) < arrivalMemory {
		n -= g.share()
	}
	return n
}

func (g *gate) use(n int) {
	g.inFlight += n
	g.bucket.take(n)
	g.jobs.Add(n)
}

func (g *gate) giveBack(n int) {
	g.inFlight -= n
	g.bucket.giveBack(n)
	g.jobs.Add(-n)
}

func (g *gate) tell(now time.Time, v verdict) {
	from := g.breaker.State()
	switch v {
	case works:
		g.breaker.Success(now)
	case fails:
		g.breaker.Failure(now)
	case noVerdict:
	}
	g.noteChange(from)
}

func (g *gate) noteChange(from breaker.State) {
	if to := g.breaker.State(); to != from {
		g.changed(from, to, g.breaker.RetryAt())
	}
}

func (g *gate) wakeIf(needed bool) {
	if !needed {
		return
	}
	select {
	case g.wake <- struct{}{}:
	default: // it is woken already
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
