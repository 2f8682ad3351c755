package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func testCounts(t *testing.T, open opener) {
	t.Run("an empty store counts nothing", func(t *testing.T) {
		r := newRig(t, open)
		if counts := r.wantBalance(); len(counts) != 0 {
			t.Errorf("got %v", counts)
		}
	})
	t.Run("every destination is counted for itself", func(t *testing.T) {
		r := library(t, open)
		counts := r.wantBalance()
		want := store.Count{Accepted: 1, States: map[event.State]int64{event.Dead: 1}, Retired: map[event.State]int64{}}
		if diff := cmp.Diff(want, counts["orders.dead"]); diff != "" {
			t.Error(diff)
		}
		if total := counts.Total(); total.Accepted != 7 || !total.Balanced() {
			t.Errorf("the total is %+v", total)
		}
	})
	t.Run("a backlog tells its age and when it is due, and is there only while something is pending", func(t *testing.T) {
		r := newRig(t, open)
		oldest := r.now
		r.acceptOne("orders.log")
		r.finish("orders.log", event.Pending)
		r.now = r.now.Add(time.Second)
		r.acceptOne("orders.log")
		r.acceptOne("orders.done")
		r.finish("orders.done", event.Delivered)
		r.wantBacklogs(map[string]store.Backlog{"orders.log": {Pending: 2, OldestReceivedAt: oldest, NextDueAt: r.now}})
		r.claimOne("orders.log")
		r.wantBacklogs(map[string]store.Backlog{"orders.log": {Pending: 2, OldestReceivedAt: oldest, NextDueAt: oldest.Add(time.Minute)}})
		r.now = oldest.Add(time.Minute)
		r.finish("orders.log", event.Delivered)
		r.wantBacklogs(map[string]store.Backlog{
			"orders.log": {Pending: 1, OldestReceivedAt: oldest.Add(time.Second), NextDueAt: oldest.Add(61 * time.Second)},
		})
	})
	t.Run("waiting steps are no backlog", func(t *testing.T) {
		r := newRig(t, open)
		r.accept(r.entry(event.Sequential, "orders.a", "orders.b"))
		r.wantBacklogs(map[string]store.Backlog{"orders.a": {Pending: 1, OldestReceivedAt: r.now, NextDueAt: r.now}})
	})
}

func (r *rig) wantBacklogs(want map[string]store.Backlog) {
	r.t.Helper()
	got, err := r.Backlogs(r.t.Context())
	r.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Error(diff)
	}
}
