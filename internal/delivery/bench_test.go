package delivery

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// instant is a store that keeps nothing and costs nothing, so that a benchmark sees the engine alone.
type instant struct{ Store }

func (instant) Paused(context.Context) (map[string]time.Time, error) {
	return map[string]time.Time{}, nil
}

func (instant) Accept(_ context.Context, entry store.Entry) (store.Accepted, error) {
	lease := store.Lease{Delivery: event.DeliveryID{Event: entry.Event.ID}, Fence: 1, Until: entry.Steps[0].LeaseUntil}
	if lease.Until.IsZero() {
		lease = store.Lease{}
	}
	return store.Accepted{EventID: entry.Event.ID, Steps: []event.State{event.Pending}, Leases: []store.Lease{lease}}, nil
}

func (instant) Claim(context.Context, store.Claim) ([]store.Job, time.Time, error) {
	return nil, time.Time{}, nil
}

func (instant) Settle(_ context.Context, s store.Settlement) ([]store.Moved, error) {
	return []store.Moved{{Delivery: s.Lease.Delivery, Destination: "orders.a", State: s.State}}, nil
}

// BenchmarkHandOver is what the engine adds to a delivery, from Accept until the sender hears of it.
func BenchmarkHandOver(b *testing.B) {
	engine := New(instant{}, Options{})
	wide := spec("orders.a", nil, func(s *Spec) { s.Concurrency = 10_000 })
	wide.Target = nothing{}
	if err := engine.Apply(b.Context(), []Spec{wide}); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			e := &event.Event{ID: strconv.Itoa(i), Webhook: "orders", ReceivedAt: time.Now()}
			entry := store.Entry{Event: e, Steps: []store.Step{{Destination: "orders.a"}}}
			if _, _, err := engine.Accept(ctx, entry, false); err != nil {
				b.Error(err)
			}
		}
	})
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}

// nothing is a destination that confirms and keeps no record.
type nothing struct{}

func (nothing) Deliver(context.Context, *event.Event) (destination.Receipt, error) {
	return destination.Receipt{}, nil
}

func (nothing) Close() error { return nil }
