package delivery

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grapnel-dev/grapnel/internal/breaker"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func TestBreaker(t *testing.T) {
	inWorld(t, "an open circuit keeps deliveries in the store and spends none of their attempts", func(w *world) {
		d := newTarget(failsWith(unavailable(), -1))
		w.start(spec("orders.a", d, noRetry))
		w.acceptMany(10, "orders.a")
		w.wait(time.Second)
		id, _ := w.accept(event.Parallel, "orders.a")
		w.wait(28 * time.Second)
		w.stands(id, event.Pending)
		if got := len(d.attempts()); got != 10 {
			t.Errorf("%d attempts, want the 10 that opened it", got)
		}
		if s := w.engine.Status()[0]; s.Breaker != breaker.Open || !s.RetryAt.Equal(w.began.Add(30*time.Second)) {
			t.Errorf("the circuit is %v until %v", s.Breaker, s.RetryAt)
		}
	})
	inWorld(t, "after the cooldown one delivery is let through, and each failure of it waits for another", func(w *world) {
		d := newTarget(failsWith(unavailable(), -1))
		w.start(spec("orders.a", d, noRetry))
		w.acceptMany(30, "orders.a")
		w.wait(65 * time.Second)
		probes := d.attempts()[len(d.attempts())-2:]
		if probes[0] != 30*time.Second || probes[1] != 60*time.Second {
			t.Errorf("tried at %v", probes)
		}
	})
	inWorld(t, "a destination that came back gets its backlog at a rising rate", func(w *world) {
		failing := failsWith(unavailable(), 10)
		d := newTarget(func(ctx context.Context, e *event.Event) error {
			if err := failing(ctx, e); err != nil {
				return err
			}
			return takes(time.Second)(ctx, e)
		})
		w.start(spec("orders.a", d, noRetry))
		w.acceptMany(10, "orders.a")
		w.acceptMany(100, "orders.a")
		for second, want := range map[time.Duration]int{30: 1, 31: 2, 32: 4, 33: 8, 34: 16, 35: 32} {
			go func() {
				time.Sleep(second*time.Second + 500*time.Millisecond)
				if got := len(d.attempts()) - 10; got != want {
					t.Errorf("%d attempts began by second %d, want %d", got, second, want)
				}
			}()
		}
		w.wait(5 * time.Minute)
		if got := w.store.count(event.Delivered); got != 100 {
			t.Errorf("%d delivered", got)
		}
	})
	inWorld(t, "events that are refused for what they are do not open it", func(w *world) {
		d := newTarget(failsWith(fault.New(fault.ValidationError, "answered 422"), -1))
		w.start(spec("orders.a", d))
		w.acceptMany(100, "orders.a")
		if got := w.store.count(event.Dead); got != 100 {
			t.Errorf("%d dead letters", got)
		}
	})
}

func TestPause(t *testing.T) {
	inWorld(t, "a paused destination gets nothing until it is resumed", func(w *world) {
		d := newTarget(confirms)
		w.start(spec("orders.a", d))
		w.setPaused("orders.a", true)
		id, done := w.accept(event.Parallel, "orders.a")
		w.wait(time.Hour)
		w.stands(id, event.Pending)
		w.setPaused("orders.a", false)
		w.hears(done, true, time.Hour)
	})
	inWorld(t, "a pause survives a restart", func(w *world) {
		d := newTarget(confirms)
		w.start(spec("orders.a", d))
		w.setPaused("orders.a", true)
		w.start(spec("orders.a", d))
		id, _ := w.accept(event.Parallel, "orders.a")
		w.wait(time.Hour)
		w.stands(id, event.Pending)
		if s := w.engine.Status()[0]; !s.Paused || !s.PausedSince.Equal(w.began) {
			t.Errorf("paused is %v since %v", s.Paused, s.PausedSince)
		}
	})
	inWorld(t, "a destination that does not exist cannot be paused", func(w *world) {
		w.start()
		if err := w.engine.SetPaused(t.Context(), "orders.x", true); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestLimits(t *testing.T) {
	inWorld(t, "no more attempts are under way than the concurrency allows", func(w *world) {
		d := newTarget(takes(time.Second))
		w.start(spec("orders.a", d, func(s *Spec) { s.Concurrency = 4 }))
		w.acceptMany(20, "orders.a")
		w.wait(4*time.Second + 500*time.Millisecond)
		if got := w.store.count(event.Delivered); got != 16 || d.most != 4 {
			t.Errorf("%d delivered, %d at once", got, d.most)
		}
		w.wait(time.Second)
	})
	inWorld(t, "attempts begin at the configured rate", func(w *world) {
		d := newTarget(confirms)
		w.start(spec("orders.a", d, func(s *Spec) { s.RateLimit = 2 }))
		w.acceptMany(9, "orders.a")
		w.wait(4*time.Second + time.Millisecond)
		if got := w.store.count(event.Delivered); got != 9 {
			t.Errorf("%d delivered", got)
		}
		for i, at := range d.attempts() {
			if want := time.Duration(i) * 500 * time.Millisecond; at < want || at > want+time.Millisecond {
				t.Errorf("attempt %d began at %v, want %v", i, at, want)
			}
		}
	})
	inWorld(t, "an event that was not stored uses no slot and no token", func(w *world) {
		d := newTarget(confirms)
		w.start(spec("orders.a", d, func(s *Spec) { s.Concurrency, s.RateLimit = 1, 0.001 }))
		w.store.fail(store.ErrUnavailable, nil, nil)
		for range 3 {
			if _, _, err := w.engine.Accept(t.Context(), w.entry(event.Parallel, "orders.a"), true); !errors.Is(err, store.ErrUnavailable) {
				t.Fatalf("got %v", err)
			}
		}
		w.store.fail(nil, nil, nil)
		_, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, true, 0)
	})
	inWorld(t, "a duplicate is not delivered again", func(w *world) {
		d := newTarget(confirms)
		w.start(spec("orders.a", d))
		for _, want := range []bool{false, true} {
			entry := w.entry(event.Parallel, "orders.a")
			entry.Event.DedupeKey = "key"
			accepted, done, err := w.engine.Accept(t.Context(), entry, true)
			if err != nil || accepted.Duplicate != want || want && done != nil {
				t.Errorf("got %+v, %v, %v", accepted, done, err)
			}
		}
		synctest.Wait()
		if got := len(d.attempts()); got != 1 || len(w.engine.watches.byEvent) != 0 {
			t.Errorf("%d attempts, %d watches", got, len(w.engine.watches.byEvent))
		}
	})
}

func TestIsolation(t *testing.T) {
	inWorld(t, "a destination that hangs delays nobody else", func(w *world) {
		hangs, works := newTarget(takes(time.Hour)), newTarget(confirms)
		w.start(spec("orders.dead", hangs), spec("orders.alive", works))
		for range 100 {
			w.accept(event.Parallel, "orders.dead")
			_, done := w.accept(event.Parallel, "orders.alive")
			w.hears(done, true, 0)
		}
		if hangs.most != 16 {
			t.Errorf("%d attempts hang", hangs.most)
		}
	})
	inWorld(t, "a backlog does not starve new events", func(w *world) {
		arrived, old := w.crowd(4)
		if arrived < 20 || old < 90 {
			t.Errorf("in ten seconds %d of 40 new events began, and %d of the backlog", arrived, old)
		}
	})
	inWorld(t, "new events do not starve a backlog", func(w *world) {
		arrived, old := w.crowd(100)
		if arrived < 30 || old < 90 {
			t.Errorf("in ten seconds %d of 1000 new events began, and %d of the backlog", arrived, old)
		}
	})
	inWorld(t, "events that are handed over cost no claims", func(w *world) {
		w.start(spec("orders.a", newTarget(confirms)))
		before := w.store.asked()
		for range 100 {
			w.accept(event.Parallel, "orders.a")
		}
		if got := w.store.asked() - before; got != 0 {
			t.Errorf("%d claims", got)
		}
	})
	inWorld(t, "what nobody told of is found within half a minute", func(w *world) {
		d := newTarget(confirms)
		w.start(spec("orders.a", d))
		if _, err := w.store.Accept(t.Context(), w.entry(event.Parallel, "orders.a")); err != nil {
			t.Fatal(err)
		}
		w.wait(30 * time.Second)
		if got := w.store.count(event.Delivered); got != 1 {
			t.Errorf("%d delivered", got)
		}
	})
	inWorld(t, "an idle lane does nothing but look twice a minute", func(w *world) {
		w.start(spec("orders.a", newTarget(confirms)))
		w.wait(time.Hour + time.Second)
		if got := w.store.asked(); got != 121 {
			t.Errorf("%d claims in an hour", got)
		}
	})
}

// crowd has new events arrive for ten seconds, so many per second, beside a backlog of 400, at a destination that takes
// 16 per second. It tells how many of each began.
func (w *world) crowd(perSecond int) (arrived, old int) {
	d := newTarget(takes(time.Second))
	w.start(spec("orders.a", d))
	w.setPaused("orders.a", true)
	w.acceptMany(400, "orders.a")
	w.setPaused("orders.a", false)
	w.store.claimTime = 100 * time.Millisecond // in which slots become free that arrivals could take
	for range 10 * perSecond {
		w.wait(time.Second / time.Duration(perSecond))
		w.accept(event.Parallel, "orders.a")
	}
	for _, id := range d.ids {
		if w.received(id).After(w.began) {
			arrived++
		} else {
			old++
		}
	}
	return arrived, old
}

func noRetry(s *Spec) { s.Retry.Enabled = false }

func (w *world) acceptMany(n int, name string) {
	w.t.Helper()
	for range n {
		w.accept(event.Parallel, name)
	}
}

func (w *world) setPaused(name string, paused bool) {
	w.t.Helper()
	if err := w.engine.SetPaused(w.t.Context(), name, paused); err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
}

func (w *world) received(id string) time.Time {
	delivery, _ := w.store.delivery(id)
	return delivery.ReceivedAt
}
