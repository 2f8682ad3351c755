package delivery

import (
	"slices"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/retry"
	"github.com/grapnel-dev/grapnel/internal/units"
)

func TestRetries(t *testing.T) {
	inWorld(t, "a transient failure is retried until it is delivered", func(w *world) {
		d := newTarget(failsWith(unavailable(), 2))
		w.start(spec("orders.a", d))
		id, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, true, 3*time.Second)
		w.stands(id, event.Delivered)
		for line, want := range map[string]int{
			"INFO retry attempt started": 2, "WARN attempt failed, will retry": 2, "INFO delivery succeeded after retries": 1, "ERROR": 0,
		} {
			if got := w.log.count(line); got != want {
				t.Errorf("%d lines %q, want %d", got, line, want)
			}
		}
	})
	inWorld(t, "when all attempts fail it is a dead letter", func(w *world) {
		d := newTarget(failsWith(unavailable(), -1))
		w.start(spec("orders.a", d))
		id, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, false, 3*time.Second)
		w.stands(id, event.Dead)
		w.wait(time.Hour)
		if got := len(d.attempts()); got != 3 {
			t.Errorf("%d attempts", got)
		}
		if w.log.count("ERROR delivery failed, retries exhausted") != 1 {
			t.Errorf("the log has %v", w.log.lines)
		}
	})
	inWorld(t, "what cannot be cured by trying again is tried once", func(w *world) {
		d := newTarget(failsWith(fault.New(fault.ValidationError, "answered 422"), -1))
		w.start(spec("orders.a", d))
		id, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, false, 0)
		w.stands(id, event.Dead)
		if w.log.count("ERROR delivery failed, not retryable") != 1 {
			t.Errorf("the log has %v", w.log.lines)
		}
	})
	inWorld(t, "with retries off there is one attempt", func(w *world) {
		d := newTarget(failsWith(unavailable(), 1))
		w.start(spec("orders.a", d, func(s *Spec) { s.Retry.Enabled = false }))
		id, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, false, 0)
		w.stands(id, event.Dead)
	})
	inWorld(t, "a delivery that would be too old is given up", func(w *world) {
		d := newTarget(failsWith(unavailable(), -1))
		w.start(spec("orders.a", d, func(s *Spec) { s.Retry.MaxAttempts, s.Retry.MaxAge = 100, units.Duration(10*time.Second) }))
		_, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, false, 7*time.Second)
	})
}

func TestDelays(t *testing.T) {
	delays := map[retry.Backoff][]time.Duration{
		retry.Exponential: {0, 1, 3, 7, 15, 25, 35},
		retry.Linear:      {0, 1, 3, 6, 10, 15, 21},
		retry.Fixed:       {0, 1, 2, 3, 4, 5, 6},
	}
	for backoff, want := range delays {
		inWorld(t, "the attempts of a backoff begin exactly by the formula: "+string(backoff), func(w *world) {
			d := newTarget(failsWith(unavailable(), -1))
			w.start(spec("orders.a", d, func(s *Spec) {
				s.Retry.MaxAttempts, s.Retry.Backoff, s.Retry.MaxDelay = 7, backoff, units.Duration(10*time.Second)
				s.Breaker.Enabled = false
			}))
			w.accept(event.Parallel, "orders.a")
			w.wait(time.Minute)
			if got := d.attempts(); !slices.Equal(got, seconds(want...)) {
				t.Errorf("attempts at %v, want %v", got, seconds(want...))
			}
		})
	}
	inWorld(t, "jitter only lengthens", func(w *world) {
		w.random = 0.5
		d := newTarget(failsWith(unavailable(), 1))
		w.start(spec("orders.a", d, func(s *Spec) { s.Retry.Jitter = 0.1 }))
		_, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, true, 1050*time.Millisecond)
	})
	inWorld(t, "a restart in the middle of a backoff keeps the timetable", func(w *world) {
		d := newTarget(failsWith(unavailable(), 2))
		w.start(spec("orders.a", d))
		id, _ := w.accept(event.Parallel, "orders.a")
		w.wait(1500 * time.Millisecond)
		w.start(spec("orders.a", d))
		w.wait(10 * time.Second)
		w.stands(id, event.Delivered)
		if got, want := d.attempts(), seconds(0, 1, 3); !slices.Equal(got, want) {
			t.Errorf("attempts at %v, want %v", got, want)
		}
	})
}

func TestThrottling(t *testing.T) {
	inWorld(t, "a 429 without Retry-After waits four times as long", func(w *world) {
		d := newTarget(failsWith(fault.New(fault.RateLimited, "answered 429"), 2))
		w.start(spec("orders.a", d))
		_, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, true, 12*time.Second)
	})
	inWorld(t, "Retry-After holds all deliveries of the destination, and spends none of their attempts", func(w *world) {
		d := newTarget(failsWith(&fault.Error{Class: fault.RateLimited, RetryAfter: 20 * time.Second}, 1))
		w.start(spec("orders.a", d))
		_, first := w.accept(event.Parallel, "orders.a")
		w.wait(time.Second)
		id, second := w.accept(event.Parallel, "orders.a")
		if s := w.engine.Status()[0]; !s.HeldUntil.Equal(w.began.Add(20 * time.Second)) {
			t.Errorf("held until %v", s.HeldUntil)
		}
		w.hears(second, true, 20*time.Second)
		w.hears(first, true, 20*time.Second)
		if delivery, _ := w.store.delivery(id); delivery.Attempts != 1 {
			t.Errorf("%d attempts", delivery.Attempts)
		}
	})
}

func seconds(n ...time.Duration) []time.Duration {
	for i := range n {
		n[i] *= time.Second
	}
	return n
}
