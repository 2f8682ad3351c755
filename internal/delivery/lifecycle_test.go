package delivery

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grapnel-dev/grapnel/internal/breaker"
	"github.com/grapnel-dev/grapnel/internal/event"
)

func TestShutdown(t *testing.T) {
	inWorld(t, "attempts may end", func(w *world) {
		d := newTarget(takes(5 * time.Second))
		w.start(spec("orders.a", d))
		id, done := w.accept(event.Parallel, "orders.a")
		w.stop()
		w.hears(done, true, 5*time.Second)
		w.stands(id, event.Delivered)
		if d.closed != 1 || d.working != 0 {
			t.Errorf("closed %d times with %d attempts under way", d.closed, d.working)
		}
	})
	inWorld(t, "an attempt that does not end is cut, is not spent, and is made again at once", func(w *world) {
		d := newTarget(takes(time.Minute))
		w.start(spec("orders.a", d, func(s *Spec) { s.Timeout, s.Retry.MaxAttempts = time.Hour, 1 }))
		id, _ := w.accept(event.Parallel, "orders.a")
		w.wait(time.Second)
		w.stop()
		if got := w.since(); got != 16*time.Second {
			t.Errorf("stopped after %v", got)
		}
		delivery, attempts := w.store.delivery(id)
		if delivery.State != event.Pending || delivery.Spent != 0 || attempts[0].Outcome != event.OutcomeInterrupted {
			t.Errorf("it stands at %+v after %+v", delivery, attempts)
		}
		d = newTarget(confirms)
		w.start(spec("orders.a", d))
		w.stands(id, event.Delivered)
	})
	inWorld(t, "nothing begins any more, and what is accepted waits for the next start", func(w *world) {
		d := newTarget(takes(5 * time.Second))
		w.start(spec("orders.a", d))
		w.accept(event.Parallel, "orders.a")
		go w.stop()
		w.wait(time.Second)
		id, _ := w.accept(event.Parallel, "orders.a")
		w.wait(time.Minute)
		w.stands(id, event.Pending)
		if err := w.engine.Apply(t.Context(), nil); !errors.Is(err, ErrStopped) {
			t.Errorf("apply: %v", err)
		}
	})
	inWorld(t, "an event that is becoming durable while the engine stops is still delivered", func(w *world) {
		d := newTarget(confirms)
		w.start(spec("orders.a", d))
		w.store.acceptTime = 2 * time.Second
		accepted := make(chan string)
		go func() {
			got, _, err := w.engine.Accept(t.Context(), w.entry(event.Parallel, "orders.a"), false)
			if err != nil {
				t.Error(err)
			}
			accepted <- got.EventID
		}()
		w.wait(time.Second)
		w.stop()
		w.stands(<-accepted, event.Delivered)
	})
}

func TestReload(t *testing.T) {
	inWorld(t, "an unchanged destination goes on, and the surplus target is closed", func(w *world) {
		kept, surplus := newTarget(confirms), newTarget(confirms)
		w.start(spec("orders.a", kept))
		w.apply(spec("orders.a", surplus))
		_, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, true, 0)
		if kept.closed != 0 || surplus.closed != 1 || len(kept.attempts()) != 1 {
			t.Errorf("closed %d and %d times", kept.closed, surplus.closed)
		}
	})
	inWorld(t, "a changed destination gets new events at once, while the old one ends what it began", func(w *world) {
		before, after := newTarget(takes(5*time.Second)), newTarget(confirms)
		w.start(spec("orders.a", before))
		old, _ := w.accept(event.Parallel, "orders.a")
		w.apply(changed(spec("orders.a", after)))
		_, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, true, 0)
		w.stands(old, event.Pending)
		w.wait(5 * time.Second)
		w.stands(old, event.Delivered)
		if before.closed != 1 || before.working != 0 || after.closed != 0 {
			t.Errorf("closed %d and %d times", before.closed, after.closed)
		}
	})
	inWorld(t, "an attempt that a reload cuts is not spent and goes to the new destination", func(w *world) {
		before, after := newTarget(takes(time.Hour)), newTarget(confirms)
		w.start(spec("orders.a", before, func(s *Spec) { s.Timeout = time.Hour }))
		id, done := w.accept(event.Parallel, "orders.a")
		w.apply(changed(spec("orders.a", after)))
		w.hears(done, true, 15*time.Second)
		if delivery, _ := w.store.delivery(id); delivery.Spent != 1 || delivery.Attempts != 2 {
			t.Errorf("it stands at %+v", delivery)
		}
	})
	inWorld(t, "an open circuit stays open", func(w *world) {
		w.start(spec("orders.a", newTarget(failsWith(unavailable(), -1)), noRetry))
		w.acceptMany(10, "orders.a")
		after := newTarget(confirms)
		w.apply(changed(spec("orders.a", after)))
		_, done := w.accept(event.Parallel, "orders.a")
		if s := w.engine.Status()[0]; s.Breaker != breaker.Open || s.LastFailure.Code != "http_503" {
			t.Errorf("the status is %+v", s)
		}
		w.hears(done, true, 30*time.Second)
	})
	inWorld(t, "deliveries of a destination that is gone wait for it to come back", func(w *world) {
		d := newTarget(failsWith(unavailable(), 1))
		w.start(spec("orders.a", d))
		id, _ := w.accept(event.Parallel, "orders.a")
		w.apply()
		w.wait(time.Hour)
		w.stands(id, event.Pending)
		if d.closed != 1 || len(w.engine.Status()) != 0 {
			t.Errorf("closed %d times", d.closed)
		}
		w.apply(spec("orders.a", newTarget(confirms)))
		synctest.Wait()
		w.stands(id, event.Delivered)
	})
	inWorld(t, "two destinations of one name change nothing", func(w *world) {
		d := newTarget(confirms)
		w.start(spec("orders.a", d))
		if err := w.engine.Apply(t.Context(), []Spec{spec("orders.b", d), spec("orders.b", d)}); err == nil {
			t.Error("it was applied")
		}
		_, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, true, 0)
	})
}

// changed is a destination with another configuration.
func changed(s Spec) Spec {
	s.Fingerprint += "'"
	return s
}
