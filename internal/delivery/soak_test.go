package delivery

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
)

// Whatever events, failures, pauses, reloads and restarts come in whatever order: once the destinations work again every
// delivery ends, none is attempted again after it was delivered, and limits held all the time.
func TestNothingIsForgotten(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := soak{limit: rapid.IntRange(1, 6).Draw(r, "concurrency"), rate: rapid.SampledFrom([]float64{0, 0, 5, 500}).Draw(r, "rate")}
		moves := rapid.SliceOfN(rapid.Custom(drawMove), 1, 40).Draw(r, "moves")
		var trouble error
		synctest.Test(t, func(t *testing.T) {
			s.w = &world{t: t, began: time.Now(), store: newMemory(), log: &logbook{}, metrics: telemetry.New(), stop: func() {}}
			defer func() { s.w.stop() }()
			trouble = s.run(moves)
		})
		if trouble != nil {
			r.Fatal(trouble)
		}
	})
}

// move is something that happens to the gateway.
type move struct {
	kind        string
	destination string
	events      int
	chain       event.Chain
	pause       time.Duration
}

func drawMove(r *rapid.T) move {
	return move{
		kind:        rapid.SampledFrom([]string{"accept", "accept", "pause", "resume", "reload", "restart", "wait"}).Draw(r, "kind"),
		destination: rapid.SampledFrom([]string{"orders.a", "orders.b"}).Draw(r, "destination"),
		events:      rapid.IntRange(1, 20).Draw(r, "events"),
		chain: rapid.SampledFrom([]event.Chain{
			event.Parallel, event.ParallelStop, event.Sequential, event.SequentialStop,
		}).Draw(r, "chain"),
		pause: time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(r, "time")),
	}
}

// soak is a gateway with two destinations to which random things happen.
type soak struct {
	w       *world
	limit   int
	rate    float64
	healthy atomic.Bool
	version int
	targets []*target
}

func (s *soak) run(moves []move) error {
	s.w.start(s.specs()...)
	for _, m := range moves {
		s.do(m)
	}
	s.healthy.Store(true)
	s.w.setPaused("orders.a", false)
	s.w.setPaused("orders.b", false)
	s.w.wait(time.Hour)
	return s.check()
}

func (s *soak) do(m move) {
	switch m.kind {
	case "accept":
		for range m.events {
			s.w.accept(m.chain, "orders.a", "orders.b")
		}
	case "pause", "resume":
		s.w.setPaused(m.destination, m.kind == "pause")
	case "reload":
		s.version++
		s.w.apply(s.specs()...)
	case "restart":
		s.w.start(s.specs()...)
	case "wait":
		s.w.wait(m.pause)
	}
}

func (s *soak) check() error {
	if pending, waiting := s.w.store.count(event.Pending), s.w.store.count(event.Waiting); pending+waiting > 0 {
		return fmt.Errorf("%d deliveries are pending and %d waiting: %+v", pending, waiting, s.w.engine.Status())
	}
	for _, row := range s.w.store.rows {
		for i, a := range row.tries {
			if a.Outcome == event.OutcomeDelivered && i != len(row.tries)-1 {
				return fmt.Errorf("%v was attempted again after it was delivered", row.ID)
			}
		}
	}
	for _, d := range s.targets {
		if d.most > s.limit {
			return fmt.Errorf("%d attempts at once, want at most %d", d.most, s.limit)
		}
		if d.working > 0 {
			return fmt.Errorf("a target was closed with %d attempts under way", d.working)
		}
	}
	return nil
}

// specs makes both destinations anew.
func (s *soak) specs() []Spec {
	specs := make([]Spec, 2)
	for i, name := range []string{"orders.a", "orders.b"} {
		d := newTarget(s.behaviour(i))
		s.targets = append(s.targets, d)
		specs[i] = spec(name, d, func(spec *Spec) {
			spec.Fingerprint = fmt.Sprint(name, s.version)
			spec.Concurrency, spec.RateLimit, spec.Breaker.Failures = s.limit, s.rate, 3
		})
	}
	return specs
}

// behaviour answers each call after a while of its own, some not in time, and most of them badly while s is not healthy.
func (s *soak) behaviour(first int) func(context.Context, *event.Event) error {
	var calls atomic.Int64
	calls.Store(int64(first))
	return func(ctx context.Context, e *event.Event) error {
		n := calls.Add(1)
		if s.healthy.Load() {
			return takes(10*time.Millisecond)(ctx, e)
		}
		if err := takes(time.Duration(n%15)*time.Second)(ctx, e); err != nil {
			return err
		}
		return []error{
			nil, unavailable(), &fault.Error{Class: fault.RateLimited, RetryAfter: 7 * time.Second},
			fault.New(fault.ValidationError, "answered 422"), unavailable(),
		}[n%5]
	}
}
