package storetest

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func testAccept(t *testing.T, open opener) {
	t.Run("an event comes back byte for byte, also after a crash", func(t *testing.T) {
		r := newRig(t, open)
		e := r.entry(event.Parallel, "orders.log")
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		e.Event.Body = bytes.Repeat(every, 1000)
		e.Event.Header = http.Header{"X-Latin": {"caf\xe9", "second"}, "x-lower": {""}, "X-None": {}}
		e.Event.URL, e.Event.DedupeKey = "/webhook/orders?q=\xff%00", "key"
		r.accept(e)
		r.crash()
		got, err := r.Event(t.Context(), e.Event.ID)
		r.must(err)
		delete(e.Event.Header, "X-None")
		if diff := cmp.Diff(e.Event, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("an empty body and no header are kept", func(t *testing.T) {
		r := newRig(t, open)
		e := r.entry(event.Parallel, "orders.log")
		e.Event.Body, e.Event.Header = nil, nil
		r.accept(e)
		got, err := r.Event(t.Context(), e.Event.ID)
		r.must(err)
		if len(got.Body) != 0 || len(got.Header) != 0 {
			t.Errorf("got body %q, header %v", got.Body, got.Header)
		}
	})
	t.Run("secret headers are not stored", func(t *testing.T) {
		r := newRig(t, open)
		e := r.entry(event.Parallel, "orders.log")
		for _, name := range append(event.SecretHeaders(), "aUTHORIZATION") {
			e.Event.Header[name] = []string{"secret"}
		}
		r.accept(e)
		got, err := r.Event(t.Context(), e.Event.ID)
		r.must(err)
		if want := (http.Header{"Content-Type": {"application/json"}}); !cmp.Equal(got.Header, want) {
			t.Errorf("got %v, want %v", got.Header, want)
		}
	})
	t.Run("a step starts as its chain says", func(t *testing.T) {
		r := newRig(t, open)
		got := r.accept(r.entry(event.Sequential, "orders.a", "orders.b"))
		if want := []event.State{event.Pending, event.Waiting}; !slices.Equal(got.Steps, want) {
			t.Errorf("got %v, want %v", got.Steps, want)
		}
		r.wantBalance()
	})
	t.Run("what cannot be an entry is refused", func(t *testing.T) {
		r := newRig(t, open)
		for name, spoil := range map[string]func(e *store.Entry){
			"no id":              func(e *store.Entry) { e.Event.ID = "" },
			"no steps":           func(e *store.Entry) { e.Steps = nil },
			"too many steps":     func(e *store.Entry) { e.Steps = make([]store.Step, event.MaxSteps+1) },
			"a nameless step":    func(e *store.Entry) { e.Steps[0].Destination = "" },
			"an unknown chain":   func(e *store.Entry) { e.Chain = 99 },
			"an id that is used": func(e *store.Entry) { e.Event.ID = r.acceptOne("orders.log") },
		} {
			e := r.entry(event.Parallel, "orders.log")
			spoil(&e)
			if _, err := r.Accept(t.Context(), e); err == nil {
				t.Errorf("%s was accepted", name)
			}
		}
		r.wantBalance()
	})
	t.Run("a cancelled call leaves nothing", func(t *testing.T) {
		r := newRig(t, open)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		e := r.entry(event.Parallel, "orders.log")
		_, err := r.Accept(ctx, e)
		r.wantError(err, store.ErrUnavailable)
		_, err = r.Event(t.Context(), e.Event.ID)
		r.wantError(err, store.ErrNotFound)
	})
	t.Run("after Close nothing is accepted", func(t *testing.T) {
		r := newRig(t, open)
		r.must(r.Close())
		_, err := r.Accept(t.Context(), r.entry(event.Parallel, "orders.log"))
		r.wantError(err, store.ErrUnavailable)
	})
	t.Run("twenty steps are one event", func(t *testing.T) {
		r := newRig(t, open)
		e := r.entry(event.Sequential)
		for range event.MaxSteps {
			e.Steps = append(e.Steps, store.Step{Destination: "orders.log"})
		}
		id := r.accept(e).EventID
		for range event.MaxSteps {
			r.now = r.now.Add(time.Second)
			r.finish("orders.log", event.Delivered)
		}
		if got := r.states(id); slices.ContainsFunc(got, func(s event.State) bool { return s != event.Delivered }) {
			t.Errorf("got %v", got)
		}
		r.wantBalance()
	})
	testDedupe(t, open)
	testHandOver(t, open)
}

func testDedupe(t *testing.T, open opener) {
	keyed := func(r *rig, key string, window time.Duration) store.Entry {
		e := r.entry(event.Parallel, "orders.log")
		e.Event.DedupeKey, e.DedupeWindow = key, window
		return e
	}
	t.Run("the same key within the window is the first event, as it stands now", func(t *testing.T) {
		r := newRig(t, open)
		first := r.accept(keyed(r, "k", time.Hour))
		r.finish("orders.log", event.Delivered)
		r.crash()
		r.now = r.now.Add(time.Hour - 1)
		again := r.accept(keyed(r, "k", time.Hour))
		want := store.Accepted{EventID: first.EventID, Duplicate: true, Steps: []event.State{event.Delivered}}
		if !cmp.Equal(again, want) {
			t.Errorf("got %+v, want %+v", again, want)
		}
		if total := r.wantBalance().Total().Accepted; total != 1 {
			t.Errorf("%d deliveries were accepted, want 1", total)
		}
	})
	t.Run("the same key after the window is another event", func(t *testing.T) {
		r := newRig(t, open)
		first := r.accept(keyed(r, "k", time.Hour))
		r.now = r.now.Add(time.Hour)
		second := r.accept(keyed(r, "k", time.Hour))
		if second.Duplicate || second.EventID == first.EventID {
			t.Errorf("got %+v", second)
		}
		r.now = r.now.Add(time.Minute)
		if third := r.accept(keyed(r, "k", time.Hour)); third.EventID != second.EventID {
			t.Errorf("the third is a duplicate of %s, want %s", third.EventID, second.EventID)
		}
	})
	t.Run("the same key of another webhook is another event", func(t *testing.T) {
		r := newRig(t, open)
		r.accept(keyed(r, "k", time.Hour))
		other := keyed(r, "k", time.Hour)
		other.Event.Webhook = "shop/orders"
		if got := r.accept(other); got.Duplicate {
			t.Error("it counts as a duplicate")
		}
	})
	t.Run("without a key nothing is a duplicate", func(t *testing.T) {
		r := newRig(t, open)
		r.accept(keyed(r, "", time.Hour))
		if got := r.accept(keyed(r, "", time.Hour)); got.Duplicate {
			t.Error("it counts as a duplicate")
		}
	})
	t.Run("a duplicate is not handed over", func(t *testing.T) {
		r := newRig(t, open)
		r.accept(keyed(r, "k", time.Hour))
		again := keyed(r, "k", time.Hour)
		again.Steps[0].LeaseUntil = r.now.Add(time.Minute)
		if got := r.accept(again); got.Leases != nil {
			t.Errorf("got leases %v", got.Leases)
		}
	})
}

func testHandOver(t *testing.T, open opener) {
	t.Run("a step that is handed over is leased from the start", func(t *testing.T) {
		r := newRig(t, open)
		e := r.entry(event.Parallel, "orders.a", "orders.b")
		e.Steps[1].LeaseUntil = r.now.Add(time.Minute)
		got := r.accept(e)
		if len(got.Leases) != 2 || got.Leases[0] != (store.Lease{}) {
			t.Fatalf("got leases %+v", got.Leases)
		}
		lease := got.Leases[1]
		if lease.Delivery != (event.DeliveryID{Event: got.EventID, Step: 1}) || !lease.Until.Equal(r.now.Add(time.Minute)) {
			t.Errorf("got lease %+v", lease)
		}
		if jobs := r.claim("orders.b", 10); len(jobs) != 0 {
			t.Error("somebody else could claim it")
		}
		r.settle(lease, event.Delivered)
		r.wantStates(got.EventID, event.Pending, event.Delivered)
		r.wantBalance()
	})
	t.Run("a step that waits is not handed over", func(t *testing.T) {
		r := newRig(t, open)
		e := r.entry(event.Sequential, "orders.a", "orders.b")
		e.Steps[1].LeaseUntil = r.now.Add(time.Minute)
		if got := r.accept(e); got.Leases[1] != (store.Lease{}) {
			t.Errorf("got lease %+v", got.Leases[1])
		}
	})
	t.Run("after a crash nothing waits for a lease that was handed over", func(t *testing.T) {
		r := newRig(t, open)
		e := r.entry(event.Parallel, "orders.log")
		e.Steps[0].LeaseUntil = r.now.Add(24 * time.Hour)
		lease := r.accept(e).Leases[0]
		r.crash()
		job := r.claimOne("orders.log")
		_, err := r.Settle(t.Context(), r.settlement(lease, event.Delivered))
		r.wantError(err, store.ErrLeaseLost)
		r.settle(job.Lease, event.Delivered)
		r.wantBalance()
	})
}
