// Package delivery brings events to their destinations: a lane for each, which claims what is due, attempts it, judges
// what came of it and settles that in the store.
//
// It knows no module and no database, only their contracts, and all of its policy is in judge. A delivery that waits
// exists nowhere but in the store: no goroutine, no timer and no memory is spent on it. Lanes share nothing, so a
// destination that hangs or fails delays only its own deliveries.
//
//	Accept ──► store ──► hand-over (the lane had a free slot) ─┐
//	             │                                             ▼
//	             └──► claim (due, and the gate gives permits) ──► attempt ──► judge ──► settle
//	                    ▲                                                                 │
//	                    └───────────── pending again, or a chain's next step ◄────────────┘
package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grapnel-dev/grapnel/internal/breaker"
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/retry"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
)

// ErrStopped is what Apply returns once Run has begun to stop the lanes.
var ErrStopped = errors.New("the delivery engine is stopped")

// Store is the part of a store that the engine needs.
type Store interface {
	store.Accepter
	store.Queue
	store.Operator
}

// Spec is one destination as it is configured.
type Spec struct {
	// Name is the destination's name, under which its deliveries are stored.
	Name            string
	Webhook, Module string
	// Target is open and belongs to the engine once Apply returned nil.
	Target destination.Destination
	// Fingerprint changes when anything about the destination does.
	Fingerprint string
	Retry       retry.Policy
	// Timeout bounds one attempt.
	Timeout time.Duration
	// Concurrency is how many attempts may be under way at once.
	Concurrency int
	// RateLimit is how many attempts may begin per second; 0 means no limit.
	RateLimit float64
	Breaker   breaker.Config
}

// Options are what an engine may be given. The zero value is fit for use.
type Options struct {
	Logger  *slog.Logger
	Metrics *telemetry.Metrics
	// Patience gives how long attempts may go on before they are cut; it is asked when their lane stops. nil means 15 s.
	Patience func() time.Duration
	// Random gives the numbers in [0, 1) that jitter is made of.
	Random func() float64
}

const defaultPatience = 15 * time.Second

// Engine is the lanes of all destinations. Its methods may be called concurrently.
type Engine struct {
	store   Store
	options Options
	watches watches
	lanes   atomic.Pointer[map[string]*lane] // by name; a map is never changed once it is here
	running sync.WaitGroup                   // the lanes, replaced ones that still drain included

	mu      sync.Mutex // serialises what changes lanes as a whole: Apply, SetPaused, stop
	stopped bool       // guarded by mu
}

// New makes an engine without lanes.
func New(s Store, options Options) *Engine {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Metrics == nil {
		options.Metrics = telemetry.New()
	}
	if options.Patience == nil {
		options.Patience = func() time.Duration { return defaultPatience }
	}
	if options.Random == nil {
		options.Random = rand.Float64
	}
	e := &Engine{store: s, options: options, watches: watches{byEvent: map[string]*watch{}}}
	e.lanes.Store(&map[string]*lane{})
	return e
}

// Apply makes the lanes those of specs, at the start and at each reload. A lane whose fingerprint is unchanged goes on as
// it is, and the Target that came for it is closed. The others are started first; then those they replace, and those
// whose destination is gone, stop: what they have under way ends within the drain timeout or is cut, unspent. Their
// circuit breaker, hold and pause carry over by name.
//
// When it returns an error nothing has changed and the Targets still belong to the caller. Whoever called Apply must
// call Run, which waits for the lanes.
func (e *Engine) Apply(ctx context.Context, specs []Spec) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return ErrStopped
	}
	if err := checkNames(specs); err != nil {
		return err
	}
	paused, err := e.store.Paused(ctx)
	if err != nil {
		return fmt.Errorf("read which destinations are paused: %w", err)
	}
	e.swap(specs, paused)
	return nil
}

func checkNames(specs []Spec) error {
	seen := map[string]bool{}
	for _, s := range specs {
		if seen[s.Name] {
			return fmt.Errorf("two destinations are called %q", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}

func (e *Engine) swap(specs []Spec, paused map[string]time.Time) {
	old, next := e.byName(), make(map[string]*lane, len(specs))
	for _, spec := range specs {
		before := old[spec.Name]
		if before != nil && before.spec.Fingerprint == spec.Fingerprint {
			next[spec.Name] = before
			before.close(spec.Target)
			continue
		}
		l := newLane(e, spec, paused[spec.Name], before)
		next[spec.Name] = l
		e.running.Go(l.run)
	}
	e.lanes.Store(&next)
	for name, l := range old {
		if next[name] != l {
			l.stop()
		}
	}
}

// Run waits until ctx is done and then stops all lanes: nothing is claimed or handed over any more, attempts may end
// within the drain timeout, and those that do not are cut and settled as not spent. It returns when everything is settled
// and every Target closed.
func (e *Engine) Run(ctx context.Context) error {
	<-ctx.Done()
	e.stop()
	e.running.Wait()
	return nil
}

func (e *Engine) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
	for _, l := range e.byName() {
		l.stop()
	}
}

func (e *Engine) byName() map[string]*lane { return *e.lanes.Load() }

// moved passes on what became of deliveries: to the lanes that now have something due and to senders that wait.
func (e *Engine) moved(moved []store.Moved) {
	lanes := e.byName()
	for _, m := range moved {
		switch {
		case m.State.Ended():
			e.watches.ended(m)
		case m.State == event.Pending:
			if l := lanes[m.Destination]; l != nil {
				l.gate.due(m.DueAt)
			}
		}
	}
}

// sorted lists the lanes by name.
func (e *Engine) sorted() []*lane {
	lanes := e.byName()
	list := make([]*lane, 0, len(lanes))
	for _, name := range slices.Sorted(maps.Keys(lanes)) {
		list = append(list, lanes[name])
	}
	return list
}
