package storetest

import (
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func testOperator(t *testing.T, open opener) {
	testReplay(t, open)
	testDiscard(t, open)
	t.Run("a paused destination stays paused, since when it was", func(t *testing.T) {
		r := newRig(t, open)
		r.must(r.SetPaused(t.Context(), "orders.a", true, r.now))
		r.must(r.SetPaused(t.Context(), "orders.a", true, r.now.Add(time.Hour)))
		r.must(r.SetPaused(t.Context(), "orders.b", true, r.now))
		r.must(r.SetPaused(t.Context(), "orders.b", false, r.now))
		r.must(r.SetPaused(t.Context(), "orders.c", false, r.now))
		r.crash()
		paused, err := r.Paused(t.Context())
		r.must(err)
		if len(paused) != 1 || !paused["orders.a"].Equal(r.now) {
			t.Errorf("got %v", paused)
		}
	})
}

func (r *rig) replay(f store.Filter, limit int) []store.Moved {
	r.t.Helper()
	moved, err := r.Replay(r.t.Context(), f, r.now, limit)
	r.must(err)
	return moved
}

func (r *rig) discard(f store.Filter, limit int) []store.Moved {
	r.t.Helper()
	moved, err := r.Discard(r.t.Context(), f, r.now, limit)
	r.must(err)
	return moved
}

func testReplay(t *testing.T, open opener) {
	t.Run("a replayed delivery begins a new life: due now, nothing spent, its history kept", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		r.finish("orders.log", event.Dead)
		r.now = r.now.Add(time.Hour)
		moved := r.replay(store.Filter{States: []event.State{event.Dead}}, 0)
		if len(moved) != 1 || moved[0].State != event.Pending || !moved[0].DueAt.Equal(r.now) {
			t.Errorf("moved %+v", moved)
		}
		r.crash()
		d := r.deliveries(id)[0]
		if d.Attempts != 1 || d.Spent != 0 || !d.Since.Equal(r.now) || !d.ReceivedAt.Equal(epoch()) || !d.EndedAt.IsZero() {
			t.Errorf("got %+v", d)
		}
		job := r.claimOne("orders.log")
		if !job.Since.Equal(r.now) || job.Attempts != 1 || job.Spent != 0 || !job.FirstAttemptAt.IsZero() {
			t.Errorf("got %+v", job)
		}
		r.settle(job.Lease, event.Delivered)
		r.wantStates(id, event.Delivered)
		r.wantBalance()
	})
	t.Run("what ended can be replayed, what is under way is left alone", func(t *testing.T) {
		r := newRig(t, open)
		for _, state := range []event.State{event.Delivered, event.Dead, event.Pending} {
			r.acceptOne("orders.log")
			r.finish("orders.log", state)
		}
		id := r.acceptOne("orders.other")
		r.discard(store.Filter{EventID: id}, 0)
		if moved := r.replay(store.Filter{}, 0); len(moved) != 3 {
			t.Errorf("moved %+v", moved)
		}
		r.wantBalance()
	})
	t.Run("what the failure had skipped comes back and waits its turn", func(t *testing.T) {
		r := newRig(t, open)
		id := r.accept(r.entry(event.SequentialStop, abc()...)).EventID
		r.finish("orders.a", event.Dead)
		r.replay(store.Filter{EventID: id}, 0)
		r.wantStates(id, event.Pending, event.Waiting, event.Waiting)
		r.finish("orders.a", event.Delivered)
		r.wantStates(id, event.Delivered, event.Pending, event.Waiting)
		r.wantBalance()
	})
	t.Run("a limit bounds how many, the oldest first", func(t *testing.T) {
		r := newRig(t, open)
		var ids []string
		for range 250 {
			ids = append(ids, r.acceptOne("orders.log"))
		}
		for _, job := range r.claim("orders.log", 250) {
			r.settle(job.Lease, event.Dead)
		}
		if moved := r.replay(store.Filter{}, 120); len(moved) != 120 || moved[0].Delivery.Event != ids[0] {
			t.Errorf("moved %d", len(moved))
		}
		if moved := r.replay(store.Filter{}, 0); len(moved) != 130 {
			t.Errorf("moved %d, want the rest", len(moved))
		}
		r.wantBalance()
	})
	t.Run("only what matches is replayed", func(t *testing.T) {
		r := newRig(t, open)
		for _, destination := range []string{"orders.a", "orders.b"} {
			r.acceptOne(destination)
			r.finish(destination, event.Dead)
		}
		for name, f := range map[string]store.Filter{
			"another destination": {Destination: "orders.c"}, "another webhook": {Webhook: "shop"}, "another class": {Class: fault.NotFound},
			"another code": {Code: "http_404"}, "another state": {States: []event.State{event.Delivered}},
			"another time": {After: r.now.Add(time.Second)}, "a state that cannot be replayed": {States: []event.State{event.Skipped}},
		} {
			if moved := r.replay(f, 0); len(moved) != 0 {
				t.Errorf("%s: moved %+v", name, moved)
			}
		}
		if moved := r.replay(store.Filter{Destination: "orders.a", Class: fault.ValidationError, Code: "http_422"}, 0); len(moved) != 1 {
			t.Errorf("moved %+v", moved)
		}
	})
	t.Run("an event that is named is found, and in a state for it", func(t *testing.T) {
		r := newRig(t, open)
		_, err := r.Replay(t.Context(), store.Filter{EventID: "0198c7a2-0000-7000-8000-ffffffffffff"}, r.now, 0)
		r.wantError(err, store.ErrNotFound)
		id := r.acceptOne("orders.log")
		_, err = r.Replay(t.Context(), store.Filter{EventID: id}, r.now, 0)
		r.wantError(err, store.ErrState)
	})
}

func testDiscard(t *testing.T, open opener) {
	t.Run("pending, waiting and dead deliveries can be given up, others not", func(t *testing.T) {
		r := newRig(t, open)
		done := r.acceptOne("orders.log")
		r.finish("orders.log", event.Delivered)
		dead := r.acceptOne("orders.log")
		r.finish("orders.log", event.Dead)
		chain := r.accept(r.entry(event.Sequential, "orders.a", "orders.b")).EventID
		r.discard(store.Filter{}, 0)
		r.crash()
		r.wantStates(done, event.Delivered)
		r.wantStates(dead, event.Discarded)
		r.wantStates(chain, event.Discarded, event.Discarded)
		if n := len(r.claim("orders.b", 10)); n != 0 {
			t.Error("a discarded delivery could be claimed")
		}
		r.wantBalance()
	})
	t.Run("a leased delivery is left to its worker", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		job := r.claimOne("orders.log")
		_, err := r.Discard(t.Context(), store.Filter{EventID: id}, r.now, 0)
		r.wantError(err, store.ErrState)
		r.settle(job.Lease, event.Delivered)
		r.wantStates(id, event.Delivered)
	})
	t.Run("when the lease has ended it can be given up, and its worker can no more settle", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		job := r.claimOne("orders.log")
		r.now = job.Lease.Until
		r.discard(store.Filter{EventID: id}, 0)
		_, err := r.Settle(t.Context(), r.settlement(job.Lease, event.Delivered))
		r.wantError(err, store.ErrLeaseLost)
		r.wantStates(id, event.Discarded)
		r.wantBalance()
	})
	t.Run("a discarded step releases or skips others as a failure would", func(t *testing.T) {
		r := newRig(t, open)
		goesOn := r.accept(r.entry(event.Sequential, abc()...)).EventID
		stops := r.accept(r.entry(event.SequentialStop, abc()...)).EventID
		r.discard(store.Filter{Destination: "orders.a"}, 0)
		r.wantStates(goesOn, event.Discarded, event.Pending, event.Waiting)
		r.wantStates(stops, event.Discarded, event.Skipped, event.Skipped)
		r.wantBalance()
	})
	t.Run("a limit bounds how many", func(t *testing.T) {
		r := newRig(t, open)
		for range 5 {
			r.acceptOne("orders.log")
		}
		if moved := r.discard(store.Filter{}, 2); len(moved) != 2 {
			t.Errorf("moved %d", len(moved))
		}
		r.wantBalance()
	})
}
