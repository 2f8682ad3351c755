package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/grapnel-dev/grapnel/internal/breaker"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// Status is how one destination is doing.
type Status struct {
	Name, Webhook, Module string
	Paused                bool
	PausedSince           time.Time
	// Breaker is the circuit's state; RetryAt is when an open one lets one delivery through.
	Breaker breaker.State
	RetryAt time.Time
	// HeldUntil is until when the destination asked to be left alone (Retry-After); zero when that is over.
	HeldUntil             time.Time
	InFlight, Concurrency int
	RateLimit             float64
	Timeout               time.Duration
	// LastFailure is the last failed attempt; zero when none was since the start.
	LastFailure Failure
}

// Failure is a failed attempt.
type Failure struct {
	At    time.Time
	Class fault.Class
	Code  string
	Error string
}

// Status tells how all destinations are doing, by name.
func (e *Engine) Status() []Status {
	now := time.Now()
	var list []Status
	for _, l := range e.sorted() {
		list = append(list, l.status(now))
	}
	return list
}

func (l *lane) status(now time.Time) Status {
	g := &l.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	s := Status{
		Name: l.spec.Name, Webhook: l.spec.Webhook, Module: l.spec.Module,
		Paused: !g.pausedAt.IsZero(), PausedSince: g.pausedAt,
		Breaker: g.breaker.State(), RetryAt: g.breaker.RetryAt(),
		InFlight: g.inFlight, Concurrency: l.spec.Concurrency, RateLimit: l.spec.RateLimit, Timeout: l.spec.Timeout,
		LastFailure: g.failure,
	}
	if g.heldUntil.After(now) {
		s.HeldUntil = g.heldUntil
	}
	return s
}

// SetPaused pauses or resumes a destination, durably. What is under way goes on; nothing new begins while it is paused.
// store.ErrNotFound means that no destination has this name.
func (e *Engine) SetPaused(ctx context.Context, name string, paused bool) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.byName()[name]
	if l == nil {
		return fmt.Errorf("destination %q: %w", name, store.ErrNotFound)
	}
	now := time.Now()
	if err := e.store.SetPaused(ctx, name, paused, now); err != nil {
		return fmt.Errorf("pause or resume destination %q: %w", name, err)
	}
	if !paused {
		now = time.Time{}
	}
	l.gate.setPaused(now)
	return nil
}

// Replay starts ended deliveries again and returns those that moved, also together with an error.
func (e *Engine) Replay(ctx context.Context, f store.Filter, limit int) ([]store.Moved, error) {
	moved, err := e.store.Replay(ctx, f, time.Now(), limit)
	e.moved(moved)
	return moved, err
}

// Discard gives up deliveries that have not been delivered and returns those that moved, also together with an error.
func (e *Engine) Discard(ctx context.Context, f store.Filter, limit int) ([]store.Moved, error) {
	moved, err := e.store.Discard(ctx, f, time.Now(), limit)
	e.moved(moved)
	return moved, err
}
