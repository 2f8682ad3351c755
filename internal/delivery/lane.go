package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/grapnel-dev/grapnel/internal/breaker"
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/store"
)

const (
	// leaseMargin is how much longer than the attempt itself a lease lasts: time to settle, also by a store that is busy.
	leaseMargin = 30 * time.Second
	// settleGrace is how long a lane that stops still tries to settle after it cut its attempts.
	settleGrace = 5 * time.Second
)

// errStopping is why an attempt was cut that had all the time its timeout allows.
var errStopping = errors.New("the gateway is stopping or has a new configuration")

// lane delivers to one destination. It lives from Apply until it is stopped and has settled all it had begun.
type lane struct {
	spec   Spec
	store  Store
	gate   gate
	report report
	random func() float64
	moved  func([]store.Moved)

	claiming context.Context // done when the lane stops
	stopped  context.CancelFunc
	attempts context.Context // done when attempts are cut
	cut      context.CancelCauseFunc
	settling context.Context // done when the lane gives up settling
	giveUp   context.CancelFunc
	patience func() time.Duration
}

// newLane makes a lane that starts where the one before it stands, if there was one.
func newLane(e *Engine, spec Spec, pausedAt time.Time, before *lane) *lane {
	l := &lane{
		spec:     spec,
		store:    e.store,
		report:   newReport(spec, e.options),
		random:   e.options.Random,
		moved:    e.moved,
		patience: e.options.Patience,
	}
	// The contexts have no parent: how the lane ends is decided by stop, in three steps.
	l.claiming, l.stopped = context.WithCancel(context.Background())
	l.attempts, l.cut = context.WithCancelCause(context.Background())
	l.settling, l.giveUp = context.WithCancel(context.Background())

	l.gate.wake = make(chan struct{}, 1)
	l.gate.changed = l.report.breakerChanged
	l.gate.concurrency = spec.Concurrency
	l.gate.bucket = newBucket(spec.RateLimit, time.Now())
	l.gate.pausedAt = pausedAt
	l.gate.breaker = breaker.New(spec.Breaker, spec.Concurrency)
	if before != nil {
		l.gate.inherit(&before.gate, spec)
	}
	l.report.breaker(l.gate.breaker.State())
	return l
}

// stop begins the end of the lane and does not wait for it.
func (l *lane) stop() {
	l.gate.stop()
	l.stopped()
}

// run claims until the lane is stopped, waits for what it had begun, and closes the target.
func (l *lane) run() {
	l.claimAll(l.claiming)
	patience := l.patience()
	cut := time.AfterFunc(patience, func() { l.cut(errStopping) })
	giveUp := time.AfterFunc(patience+settleGrace, l.giveUp)
	l.gate.jobs.Wait()
	cut.Stop()
	giveUp.Stop()
	l.cut(errStopping)
	l.giveUp()
	l.close(l.spec.Target)
}

func (l *lane) close(target destination.Destination) {
	if err := target.Close(); err != nil {
		l.report.log.Warn("destination did not close cleanly", "error", err)
	}
}

// claimAll claims whatever is due whenever the gate allows it, until ctx is done.
func (l *lane) claimAll(ctx context.Context) {
	var trouble backoff
	for ctx.Err() == nil {
		n, again := l.gate.take(time.Now())
		if n == 0 {
			l.sleep(ctx, again)
			continue
		}
		if err := l.claim(ctx, n); err != nil && ctx.Err() == nil {
			l.report.storeFailed(err)
			pause(ctx, trouble.next(l.random()))
			continue
		}
		l.report.storeWorks()
		trouble = backoff{}
	}
}

// claim claims and begins up to n deliveries, for which it has the slots.
func (l *lane) claim(ctx context.Context, n int) error {
	now := time.Now()
	jobs, next, err := l.store.Claim(ctx, store.Claim{
		Destination: l.spec.Name, Limit: n, Now: now, Until: now.Add(l.leaseLength()),
	})
	if err != nil {
		l.gate.failed(now, n)
		return err
	}
	l.gate.claimed(now, n, len(jobs), next)
	for _, job := range jobs {
		l.begin(job, claimed) //nolint:contextcheck // a lane that stops claiming lets its attempts end
	}
	return nil
}

// leaseLength is how long a delivery belongs to the lane for one attempt.
func (l *lane) leaseLength() time.Duration { return l.spec.Timeout + leaseMargin }

// sleep returns at a time, when the gate wakes the lane, or when ctx is done.
func (l *lane) sleep(ctx context.Context, until time.Time) {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.gate.wake:
	case <-ctx.Done():
	}
}

// pause waits, and says whether it could to the end.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// backoff is how long to leave a store alone that fails: 100 ms, doubled each time up to 5 s, with jitter. Deliveries
// have a policy of their own.
type backoff struct{ failures int }

func (b *backoff) next(random float64) time.Duration {
	const first, longest = 100 * time.Millisecond, 5 * time.Second
	wait := min(first<<min(b.failures, 10), longest)
	b.failures++
	return wait + time.Duration(float64(wait)*random/2)
}
