package storetest

import (
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// retain runs retention to its end.
func (r *rig) retain(rule store.Retention) (deleted int) {
	r.t.Helper()
	for range 1000 {
		n, more, err := r.Retain(r.t.Context(), rule, r.now)
		r.must(err)
		deleted += n
		if !more {
			return deleted
		}
	}
	r.t.Fatal("retention does not come to an end")
	return 0
}

func (r *rig) wantGone(id string, gone bool) {
	r.t.Helper()
	_, err := r.Event(r.t.Context(), id)
	if gone {
		r.wantError(err, store.ErrNotFound)
	} else {
		r.must(err)
	}
}

func testRetention(t *testing.T, open opener) {
	rule := store.Retention{Delivered: time.Hour, Dead: 24 * time.Hour}
	t.Run("an event goes when its last delivery ended long enough ago, with all that belongs to it", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		r.finish("orders.log", event.Delivered)
		r.now = r.now.Add(time.Hour)
		if n := r.retain(rule); n != 0 {
			t.Error("it went a second before its time")
		}
		r.now = r.now.Add(time.Second)
		if n := r.retain(rule); n != 1 {
			t.Errorf("%d went, want 1", n)
		}
		r.crash()
		r.wantGone(id, true)
		_, err := r.Attempts(t.Context(), event.DeliveryID{Event: id})
		r.wantError(err, store.ErrNotFound)
		counts := r.wantBalance()["orders.log"]
		if counts.Accepted != 1 || counts.States[event.Delivered] != 1 || counts.Retired[event.Delivered] != 1 {
			t.Errorf("it is not counted any more: %+v", counts)
		}
	})
	t.Run("events with another end are kept by their own rule", func(t *testing.T) {
		r := newRig(t, open)
		id := r.accept(r.entry(event.Parallel, "orders.a", "orders.b")).EventID
		r.finish("orders.a", event.Delivered)
		r.finish("orders.b", event.Dead)
		r.now = r.now.Add(2 * time.Hour)
		r.retain(rule)
		r.wantGone(id, false)
		r.now = r.now.Add(24 * time.Hour)
		r.retain(store.Retention{Delivered: time.Hour})
		r.wantGone(id, false)
		r.retain(rule)
		r.wantGone(id, true)
		r.wantBalance()
	})
	t.Run("what is pending or waiting stays, with its whole event", func(t *testing.T) {
		r := newRig(t, open)
		chain := r.accept(r.entry(event.Sequential, "orders.a", "orders.b")).EventID
		r.finish("orders.a", event.Delivered)
		retried := r.acceptOne("orders.log")
		r.finish("orders.log", event.Pending)
		r.now = r.now.Add(1000 * time.Hour)
		if n := r.retain(store.Retention{Delivered: 1, Dead: 1, MaxBytes: 1}); n != 0 {
			t.Errorf("%d went", n)
		}
		r.wantGone(chain, false)
		r.wantGone(retried, false)
		r.wantBalance()
	})
	t.Run("without a rule everything stays", func(t *testing.T) {
		r := newRig(t, open)
		r.acceptOne("orders.log")
		r.finish("orders.log", event.Delivered)
		r.now = r.now.Add(100000 * time.Hour)
		if n := r.retain(store.Retention{}); n != 0 {
			t.Errorf("%d went", n)
		}
	})
	t.Run("a store that is too large loses delivered events, the oldest first, and no dead ones", func(t *testing.T) {
		r := newRig(t, open)
		var ids []string
		for i := range 60 {
			e := r.entry(event.Parallel, "orders.log")
			e.Event.Body = make([]byte, 100<<10)
			ids = append(ids, r.accept(e).EventID)
			state := event.Delivered
			if i == 0 {
				state = event.Dead
			}
			r.finish("orders.log", state)
		}
		r.now = r.now.Add(time.Minute)
		for range 100 {
			if _, more, err := r.Retain(t.Context(), store.Retention{MaxBytes: 3 << 20}, r.now); err != nil || !more {
				r.must(err)
			}
		}
		r.wantGone(ids[0], false)
		r.wantGone(ids[1], true)
		r.wantGone(ids[59], false)
		r.wantBalance()
	})
	t.Run("batches are small, and more says that there are others", func(t *testing.T) {
		r := newRig(t, open)
		const events = 300
		for range events {
			r.acceptOne("orders.log")
		}
		for _, job := range r.claim("orders.log", events) {
			r.settle(job.Lease, event.Delivered)
		}
		r.now = r.now.Add(2 * time.Hour)
		n, more, err := r.Retain(t.Context(), rule, r.now)
		r.must(err)
		if n == 0 || n > 200 || !more {
			t.Errorf("the first batch: %d, more: %v", n, more)
		}
		if n += r.retain(rule); n != events {
			t.Errorf("%d went, want %d", n, events)
		}
		r.wantBalance()
	})
	t.Run("a dedupe key is known until its window has passed, whether its event is there or not", func(t *testing.T) {
		r := newRig(t, open)
		e := r.entry(event.Parallel, "orders.log")
		e.Event.DedupeKey, e.DedupeWindow = "k", 7*24*time.Hour
		id := r.accept(e).EventID
		r.finish("orders.log", event.Delivered)
		r.now = r.now.Add(7*24*time.Hour - 1)
		r.retain(rule)
		r.wantGone(id, true)
		again := r.entry(event.Parallel, "orders.log")
		again.Event.DedupeKey, again.DedupeWindow = "k", time.Hour
		if got := r.accept(again); !got.Duplicate || got.EventID != id {
			t.Errorf("got %+v", got)
		}
		r.now = r.now.Add(1)
		r.retain(rule)
		again.Event.ReceivedAt = r.now
		if got := r.accept(again); got.Duplicate {
			t.Error("it is known after its window")
		}
		r.wantBalance()
	})
	t.Run("a replayed event is not deleted", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		r.finish("orders.log", event.Delivered)
		r.now = r.now.Add(2 * time.Hour)
		r.replay(store.Filter{EventID: id}, 0)
		r.retain(rule)
		r.wantGone(id, false)
		r.wantBalance()
	})
}
