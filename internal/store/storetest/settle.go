package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func testSettle(t *testing.T, open opener) {
	t.Run("a delivered delivery has ended, with its attempt as history", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		moved := r.finish("orders.log", event.Delivered)
		delivery := event.DeliveryID{Event: id}
		if want := []store.Moved{{Delivery: delivery, Destination: "orders.log", State: event.Delivered}}; !cmp.Equal(moved, want) {
			t.Errorf("moved %+v, want %+v", moved, want)
		}
		r.crash()
		want := event.Delivery{
			ID: delivery, Webhook: "orders", Destination: "orders.log", State: event.Delivered, Attempts: 1, Spent: 1,
			ReceivedAt: r.now, Since: r.now, EndedAt: r.now.Add(time.Second),
		}
		if diff := cmp.Diff([]event.Delivery{want}, r.deliveries(id)); diff != "" {
			t.Error(diff)
		}
		r.wantAttempts(delivery, event.Attempt{
			Number: 1, StartedAt: r.now, Took: time.Second, Outcome: event.OutcomeDelivered, Receipt: "confirmed",
		})
		r.wantBalance()
	})
	t.Run("a delivery that shall be tried again is pending until then", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		next := r.now.Add(time.Minute)
		moved := r.finish("orders.log", event.Pending)
		if len(moved) != 1 || !moved[0].DueAt.Equal(next) {
			t.Errorf("moved %+v", moved)
		}
		r.crash()
		want := event.Delivery{
			ID: event.DeliveryID{Event: id}, Webhook: "orders", Destination: "orders.log", State: event.Pending, Attempts: 1, Spent: 1,
			ReceivedAt: r.now, Since: r.now, NextAttemptAt: next, LastClass: "ServiceUnavailable", LastCode: "http_503", LastError: "busy",
		}
		if diff := cmp.Diff([]event.Delivery{want}, r.deliveries(id)); diff != "" {
			t.Error(diff)
		}
		r.wantBalance()
	})
	t.Run("attempts are numbered over the whole life; one that was interrupted is not spent", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		cut := r.settlement(r.claimOne("orders.log").Lease, event.Pending)
		cut.Spent, cut.NextAttemptAt, cut.Attempt = false, r.now, event.Attempt{StartedAt: r.now, Outcome: event.OutcomeInterrupted}
		_, err := r.Settle(t.Context(), cut)
		r.must(err)
		job := r.claimOne("orders.log")
		if job.Attempts != 1 || job.Spent != 0 {
			t.Errorf("after an interruption: %d attempts, %d spent", job.Attempts, job.Spent)
		}
		r.settle(job.Lease, event.Dead)
		got := r.deliveries(id)[0]
		if got.Attempts != 2 || got.Spent != 1 || got.LastClass != "ValidationError" {
			t.Errorf("got %+v", got)
		}
		r.wantAttempts(event.DeliveryID{Event: id},
			event.Attempt{Number: 1, StartedAt: r.now, Outcome: event.OutcomeInterrupted},
			event.Attempt{
				Number: 2, StartedAt: r.now, Took: time.Second, Outcome: event.OutcomeDead,
				Class: "ValidationError", Code: "http_422", Error: "refused",
			})
	})
	t.Run("a delivery settles once", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		job := r.claimOne("orders.log")
		r.settle(job.Lease, event.Delivered)
		_, err := r.Settle(t.Context(), r.settlement(job.Lease, event.Dead))
		r.wantError(err, store.ErrLeaseLost)
		r.wantStates(id, event.Delivered)
		r.wantBalance()
	})
	t.Run("no lease settles nothing", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		_, err := r.Settle(t.Context(), r.settlement(store.Lease{Delivery: event.DeliveryID{Event: id}}, event.Delivered))
		r.wantError(err, store.ErrLeaseLost)
	})
	t.Run("an attempt cannot come to what only others decide", func(t *testing.T) {
		r := newRig(t, open)
		r.acceptOne("orders.log")
		job := r.claimOne("orders.log")
		for _, state := range []event.State{event.Waiting, event.Discarded, event.Skipped, 0} {
			s := r.settlement(job.Lease, event.Delivered)
			s.State = state
			_, err := r.Settle(t.Context(), s)
			r.wantError(err, store.ErrState)
		}
		r.settle(job.Lease, event.Delivered)
	})
}

func (r *rig) wantAttempts(id event.DeliveryID, want ...event.Attempt) {
	r.t.Helper()
	got, err := r.Attempts(r.t.Context(), id)
	r.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Error(diff)
	}
}
