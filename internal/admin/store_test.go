package admin

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/store/sqlite"
)

// The events of the tests: ids sort by the time they were received, a second apart.
const (
	deadEvents     = 7 // received by orders, dead at orders.kafka with a 404
	deliveredEvent = deadEvents
	pendingEvent   = deadEvents + 1
	chainEvent     = deadEvents + 2 // received by shop/items: pending at one destination, waiting for the next
	orphanEvent    = deadEvents + 3 // received by a webhook that is configured no more
	allEvents      = deadEvents + 4
)

func eventID(n int) string { return fmt.Sprintf("0198c7a2-0000-7000-8000-%012d", n) }

func deliveryID(n, step int) string { return event.DeliveryID{Event: eventID(n), Step: step}.String() }

func receivedAt(n int) time.Time {
	return time.Date(2026, 5, 1, 12, 0, n, 123_456_000, time.UTC)
}

// seeded is a store with the events of the tests.
func seeded(t *testing.T) store.Store {
	t.Helper()
	s := openStore(t)
	for n := range deadEvents {
		accept(t, s, n, "orders", event.Parallel, "orders.kafka")
		settle(t, s, "orders.kafka", event.Dead)
	}
	accept(t, s, deliveredEvent, "orders", event.Parallel, "orders.kafka")
	settle(t, s, "orders.kafka", event.Delivered)
	accept(t, s, pendingEvent, "orders", event.Parallel, "orders.kafka")
	accept(t, s, chainEvent, "shop/items", event.Sequential, "shop/items.log", "shop/items.kafka")
	accept(t, s, orphanEvent, "old", event.Parallel, "old.kafka")
	return s
}

func openStore(t *testing.T) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func accept(t *testing.T, s store.Store, n int, webhook string, chain event.Chain, destinations ...string) {
	t.Helper()
	entry := store.Entry{Chain: chain, DedupeWindow: time.Hour, Event: &event.Event{
		ID: eventID(n), Webhook: webhook, ReceivedAt: receivedAt(n), Method: http.MethodPost, URL: "/webhook/" + webhook + "?page=<1>",
		Header: http.Header{"Content-Type": {"text/html"}}, Body: fmt.Appendf(nil, "<script>alert(%d)</script>\x00\xff", n),
		DedupeKey: fmt.Sprint("key-", n),
	}}
	for _, destination := range destinations {
		entry.Steps = append(entry.Steps, store.Step{Destination: destination})
	}
	if _, err := s.Accept(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
}

// settle attempts what is due at a destination, and that comes to the given state.
func settle(t *testing.T, s store.Store, destination string, state event.State) {
	t.Helper()
	now := receivedAt(allEvents)
	jobs, _, err := s.Claim(t.Context(), store.Claim{Destination: destination, Limit: 1, Now: now, Until: now.Add(time.Minute)})
	if err != nil || len(jobs) != 1 {
		t.Fatalf("claimed %d: %v", len(jobs), err)
	}
	attempt := event.Attempt{StartedAt: now, Took: 1500 * time.Millisecond, Outcome: event.OutcomeDelivered, Receipt: "offset 7"}
	if state == event.Dead {
		attempt = event.Attempt{
			StartedAt: now, Took: 1500 * time.Millisecond, Outcome: event.OutcomeDead,
			Class: string(fault.NotFound), Code: "http_404", Error: "no such topic", Response: "<b>gone</b>",
		}
	}
	if _, err := s.Settle(t.Context(), store.Settlement{Lease: jobs[0].Lease, State: state, Spent: true, Attempt: attempt}); err != nil {
		t.Fatal(err)
	}
}

// lanes stands for the delivery engine: it decides nothing here, so it hands on to the store.
type lanes struct {
	store  store.Store
	status []Status
}

func (l *lanes) Status() []Status {
	paused, _ := l.store.Paused(context.Background())
	for i, s := range l.status {
		_, l.status[i].Paused = paused[s.Name]
	}
	return l.status
}

func (l *lanes) SetPaused(ctx context.Context, destination string, paused bool) error {
	return l.store.SetPaused(ctx, destination, paused, receivedAt(allEvents))
}

func (l *lanes) Replay(ctx context.Context, f store.Filter, limit int) ([]store.Moved, error) {
	return l.store.Replay(ctx, f, receivedAt(allEvents), limit)
}

func (l *lanes) Discard(ctx context.Context, f store.Filter, limit int) ([]store.Moved, error) {
	return l.store.Discard(ctx, f, receivedAt(allEvents), limit)
}
