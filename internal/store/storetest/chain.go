package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// a, b and c are the steps of the chains of this file.
func abc() []string { return []string{"orders.a", "orders.b", "orders.c"} }

func testChain(t *testing.T, open opener) {
	t.Run("parallel steps are independent", func(t *testing.T) {
		r := newRig(t, open)
		id := r.accept(r.entry(event.Parallel, abc()...)).EventID
		r.finish("orders.b", event.Dead)
		r.finish("orders.a", event.Delivered)
		r.wantStates(id, event.Delivered, event.Dead, event.Pending)
		r.wantBalance()
	})
	t.Run("a sequential chain goes on where it stood after a crash between any two steps", func(t *testing.T) {
		r := newRig(t, open)
		id := r.accept(r.entry(event.Sequential, abc()...)).EventID
		for i, destination := range abc() {
			r.crash()
			if later := len(r.claim("orders.c", 10)); i < 2 && later != 0 {
				t.Fatal("the last step could be claimed before its turn")
			} else if i == 2 {
				r.crash()
			}
			moved := r.finish(destination, event.Delivered)
			if i < 2 && (len(moved) != 2 || moved[1].State != event.Pending || moved[1].Destination != abc()[i+1]) {
				t.Fatalf("after step %d moved %+v", i, moved)
			}
			r.now = r.now.Add(time.Minute)
		}
		r.wantStates(id, event.Delivered, event.Delivered, event.Delivered)
		r.wantBalance()
	})
	t.Run("a released step is due when the one before it ended", func(t *testing.T) {
		r := newRig(t, open)
		r.accept(r.entry(event.Sequential, abc()...))
		r.now = r.now.Add(time.Hour)
		moved := r.finish("orders.a", event.Delivered)
		if want := r.now.Add(time.Second); !moved[1].DueAt.Equal(want) {
			t.Errorf("due at %v, want %v", moved[1].DueAt, want)
		}
		r.now = r.now.Add(time.Second)
		r.claimOne("orders.b")
	})
	t.Run("a failure does not stop a chain that continues", func(t *testing.T) {
		r := newRig(t, open)
		id := r.accept(r.entry(event.Sequential, abc()...)).EventID
		r.finish("orders.a", event.Dead)
		r.wantStates(id, event.Dead, event.Pending, event.Waiting)
		r.wantBalance()
	})
	t.Run("a retry holds the chain where it is", func(t *testing.T) {
		r := newRig(t, open)
		id := r.accept(r.entry(event.SequentialStop, abc()...)).EventID
		r.finish("orders.a", event.Pending)
		r.wantStates(id, event.Pending, event.Waiting, event.Waiting)
	})
	t.Run("a failure skips what comes later in a sequential chain that stops", func(t *testing.T) {
		r := newRig(t, open)
		id := r.accept(r.entry(event.SequentialStop, abc()...)).EventID
		r.finish("orders.a", event.Delivered)
		r.now = r.now.Add(time.Second)
		r.finish("orders.b", event.Dead)
		r.crash()
		r.wantStates(id, event.Delivered, event.Dead, event.Skipped)
		if d := r.deliveries(id)[2]; d.EndedAt.IsZero() || !d.NextAttemptAt.IsZero() {
			t.Errorf("the skipped step is %+v", d)
		}
		r.wantBalance()
	})
	t.Run("a failure skips the pending others in a parallel chain that stops", func(t *testing.T) {
		r := newRig(t, open)
		id := r.accept(r.entry(event.ParallelStop, abc()...)).EventID
		r.finish("orders.c", event.Delivered)
		moved := r.finish("orders.a", event.Dead)
		want := []store.Moved{
			{Delivery: event.DeliveryID{Event: id, Step: 0}, Destination: "orders.a", State: event.Dead},
			{Delivery: event.DeliveryID{Event: id, Step: 1}, Destination: "orders.b", State: event.Skipped},
		}
		if diff := cmp.Diff(want, moved); diff != "" {
			t.Error(diff)
		}
		r.wantStates(id, event.Dead, event.Skipped, event.Delivered)
		if n := len(r.claim("orders.b", 10)); n != 0 {
			t.Error("a skipped step could be claimed")
		}
		r.wantBalance()
	})
	testCut(t, open)
}

// testCut has the rules for a step that a worker holds while its parallel chain stops.
func testCut(t *testing.T, open opener) {
	held := func(r *rig) (id string, lease store.Lease) {
		id = r.accept(r.entry(event.ParallelStop, "orders.a", "orders.b")).EventID
		lease = r.claimOne("orders.b").Lease
		r.finish("orders.a", event.Dead)
		r.wantStates(id, event.Dead, event.Pending)
		return id, lease
	}
	t.Run("a worker that holds a step when its chain stops may deliver it", func(t *testing.T) {
		r := newRig(t, open)
		id, lease := held(r)
		r.settle(lease, event.Delivered)
		r.wantStates(id, event.Dead, event.Delivered)
		r.wantBalance()
	})
	t.Run("a step that a worker held is skipped instead of tried again", func(t *testing.T) {
		r := newRig(t, open)
		id, lease := held(r)
		moved := r.settle(lease, event.Pending)
		if len(moved) != 1 || moved[0].State != event.Skipped || !moved[0].DueAt.IsZero() {
			t.Errorf("moved %+v", moved)
		}
		r.wantStates(id, event.Dead, event.Skipped)
		r.wantBalance()
	})
}
