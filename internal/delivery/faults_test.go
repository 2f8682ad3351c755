package delivery

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func TestFaultyModules(t *testing.T) {
	inWorld(t, "a panic is a failed attempt and never shows what it panicked with", func(w *world) {
		panics := true
		d := newTarget(func(context.Context, *event.Event) error {
			if panics {
				panics = false
				panic("the payload")
			}
			return nil
		})
		w.start(spec("orders.a", d))
		id, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, true, time.Second)
		_, attempts := w.store.delivery(id)
		if a := attempts[0]; a.Class != string(fault.UnknownError) || a.Code != "panic" || strings.Contains(a.Error, "payload") {
			t.Errorf("the attempt is kept as %+v", a)
		}
		if w.log.count("ERROR module panicked") != 1 {
			t.Errorf("the log has %v", w.log.lines)
		}
	})
	inWorld(t, "an attempt is cut at its timeout and counts", func(w *world) {
		w.start(spec("orders.a", newTarget(takes(time.Hour)), noRetry))
		id, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, false, 10*time.Second)
		_, attempts := w.store.delivery(id)
		if a := attempts[0]; a.Class != string(fault.TimeoutError) || a.Took != 10*time.Second || a.Outcome != event.OutcomeDead {
			t.Errorf("the attempt is kept as %+v", a)
		}
	})
	inWorld(t, "a module that hides that it was cut does not hide the timeout", func(w *world) {
		d := newTarget(func(ctx context.Context, _ *event.Event) error {
			<-ctx.Done()
			return errors.New("something went wrong")
		})
		w.start(spec("orders.a", d, noRetry))
		id, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, false, 10*time.Second)
		if _, attempts := w.store.delivery(id); attempts[0].Class != string(fault.TimeoutError) {
			t.Errorf("the attempt is kept as %+v", attempts[0])
		}
	})
	inWorld(t, "what a destination answers is kept, and not without end", func(w *world) {
		f := &fault.Error{Class: fault.ValidationError, Err: errors.New("answered 422"), Response: strings.Repeat("é", 10_000)}
		w.start(spec("orders.a", newTarget(failsWith(f, -1))))
		id, _ := w.accept(event.Parallel, "orders.a")
		if _, attempts := w.store.delivery(id); attempts[0].Error != "answered 422" || len(attempts[0].Response) != 4096 {
			t.Errorf("kept %q and %d bytes of the answer", attempts[0].Error, len(attempts[0].Response))
		}
		if last := w.engine.Status()[0].LastFailure; last.Class != fault.ValidationError || last.Error != "answered 422" {
			t.Errorf("the status tells of %+v", last)
		}
	})
}

func TestFaultyStore(t *testing.T) {
	broken := errors.Join(store.ErrUnavailable, errors.New("disk full"))
	inWorld(t, "an outcome is settled as soon as the store works again", func(w *world) {
		d := newTarget(confirms)
		w.start(spec("orders.a", d))
		w.store.fail(nil, nil, broken)
		id, done := w.accept(event.Parallel, "orders.a")
		w.wait(5 * time.Second)
		w.stands(id, event.Pending)
		w.store.fail(nil, nil, nil)
		if !<-done || w.since() > 10*time.Second {
			t.Errorf("settled after %v", w.since())
		}
		if got := len(d.attempts()); got != 1 {
			t.Errorf("%d attempts", got)
		}
	})
	inWorld(t, "an outcome that cannot be settled within its lease makes a duplicate, never a loss", func(w *world) {
		d := newTarget(confirms)
		w.start(spec("orders.a", d))
		w.store.fail(nil, nil, broken)
		id, _ := w.accept(event.Parallel, "orders.a")
		w.wait(time.Minute)
		w.store.fail(nil, nil, nil)
		w.wait(2 * time.Minute)
		w.stands(id, event.Delivered)
		if w.log.count("ERROR outcome not stored") == 0 || len(d.attempts()) < 2 {
			t.Errorf("%d attempts; the log has %v", len(d.attempts()), w.log.lines)
		}
	})
	inWorld(t, "a lane that lost its lease cannot settle and tries nothing more", func(w *world) {
		d := newTarget(takes(time.Second))
		w.start(spec("orders.a", d))
		w.accept(event.Parallel, "orders.a")
		w.store.crash()
		w.wait(1500 * time.Millisecond)
		if w.log.count("WARN outcome not stored, somebody else has the delivery") != 1 {
			t.Errorf("the log has %v", w.log.lines)
		}
	})
	inWorld(t, "a store that refuses claims is told of once and left alone for a while", func(w *world) {
		w.start(spec("orders.a", newTarget(confirms)))
		w.store.fail(nil, broken, nil)
		w.setPaused("orders.a", true)
		w.accept(event.Parallel, "orders.a")
		w.setPaused("orders.a", false)
		before := w.store.asked()
		w.wait(time.Minute)
		if got := w.store.asked() - before; got > 20 || w.log.count("ERROR cannot claim deliveries") != 1 {
			t.Errorf("%d claims in a minute; the log has %v", got, w.log.lines)
		}
		w.store.fail(nil, nil, nil)
		w.wait(10 * time.Second)
		if w.store.count(event.Delivered) != 1 || w.log.count("INFO deliveries can be claimed again") != 1 {
			t.Errorf("not recovered; the log has %v", w.log.lines)
		}
	})
	inWorld(t, "a store that ignores the hand-over loses nothing", func(w *world) {
		w.store.ignore = true
		w.start(spec("orders.a", newTarget(confirms)))
		_, done := w.accept(event.Parallel, "orders.a")
		w.hears(done, true, 0)
	})
}
