package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func testClaim(t *testing.T, open opener) {
	t.Run("a job carries its event, its destination's delivery and its history", func(t *testing.T) {
		r := newRig(t, open)
		e := r.entry(event.Parallel, "orders.log")
		r.accept(e)
		job := r.claimOne("orders.log")
		if diff := cmp.Diff(e.Event, job.Event); diff != "" {
			t.Error(diff)
		}
		if job.Attempts != 0 || job.Spent != 0 || !job.Since.Equal(r.now) || !job.FirstAttemptAt.IsZero() {
			t.Errorf("a fresh job has a history: %+v", job)
		}
		first := r.now
		r.settle(job.Lease, event.Pending)
		r.crash()
		r.now = r.now.Add(time.Minute)
		job = r.claimOne("orders.log")
		if job.Attempts != 1 || job.Spent != 1 || !job.Since.Equal(first) || !job.FirstAttemptAt.Equal(first) {
			t.Errorf("the second attempt's job is %+v", job)
		}
	})
	t.Run("only the destination's own deliveries are claimed, and no more than the limit", func(t *testing.T) {
		r := newRig(t, open)
		for range 3 {
			r.acceptOne("orders.a")
			r.acceptOne("orders.b")
		}
		if n := len(r.claim("orders.a", 2)); n != 2 {
			t.Errorf("claimed %d, want 2", n)
		}
		if n := len(r.claim("orders.a", 10)); n != 1 {
			t.Errorf("claimed %d, want the one that is left", n)
		}
		if n := len(r.claim("orders.nobody", 10)); n != 0 {
			t.Errorf("claimed %d of a destination that has none", n)
		}
	})
	t.Run("the longest due comes first, whether fresh or tried before", func(t *testing.T) {
		r := newRig(t, open)
		var want []string
		retried := r.acceptOne("orders.log")
		r.finish("orders.log", event.Pending) // due a minute later
		want = append(want, r.acceptOne("orders.log"))
		r.now = r.now.Add(2 * time.Minute)
		want = append(want, retried, r.acceptOne("orders.log"))
		var got []string
		for _, job := range r.claim("orders.log", 10) {
			got = append(got, job.Event.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("what is not due yet stays, and its time is told", func(t *testing.T) {
		r := newRig(t, open)
		r.acceptOne("orders.log")
		r.finish("orders.log", event.Pending)
		jobs, next := r.claimNext("orders.log", 10)
		if len(jobs) != 0 || !next.Equal(r.now.Add(time.Minute)) {
			t.Errorf("claimed %d, next is %v", len(jobs), next)
		}
	})
	t.Run("when nothing waits no time is told", func(t *testing.T) {
		r := newRig(t, open)
		r.acceptOne("orders.log")
		r.finish("orders.log", event.Delivered)
		if _, next := r.claimNext("orders.log", 10); !next.IsZero() {
			t.Errorf("next is %v", next)
		}
	})
	t.Run("a leased delivery is due again when the lease ends", func(t *testing.T) {
		r := newRig(t, open)
		r.acceptOne("orders.log")
		first := r.claimOne("orders.log")
		if jobs, next := r.claimNext("orders.log", 10); len(jobs) != 0 || !next.Equal(first.Lease.Until) {
			t.Errorf("claimed %d, next is %v, want %v", len(jobs), next, first.Lease.Until)
		}
		r.now = first.Lease.Until
		second := r.claimOne("orders.log")
		_, err := r.Settle(t.Context(), r.settlement(first.Lease, event.Delivered))
		r.wantError(err, store.ErrLeaseLost)
		r.settle(second.Lease, event.Delivered)
		r.wantBalance()
	})
	t.Run("a lease that has ended still settles while nobody else has the delivery", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		job := r.claimOne("orders.log")
		r.now = r.now.Add(time.Hour)
		r.settle(job.Lease, event.Delivered)
		r.wantStates(id, event.Delivered)
	})
	t.Run("after a crash leases are void and nothing waits for them", func(t *testing.T) {
		r := newRig(t, open)
		r.acceptOne("orders.log")
		old := r.claimOne("orders.log")
		r.crash()
		fresh := r.claimOne("orders.log")
		_, err := r.Settle(t.Context(), r.settlement(old.Lease, event.Delivered))
		r.wantError(err, store.ErrLeaseLost)
		r.settle(fresh.Lease, event.Delivered)
		r.wantBalance()
	})
}
