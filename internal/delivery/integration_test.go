package delivery_test

import (
	"context"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/grapnel-dev/grapnel/internal/breaker"
	"github.com/grapnel-dev/grapnel/internal/delivery"
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/retry"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/store/sqlite"
	"github.com/grapnel-dev/grapnel/internal/units"
)

// gateway is an engine on the real embedded store.
type gateway struct {
	store  *sqlite.Store
	engine *delivery.Engine
	cancel context.CancelFunc
	ended  chan error
}

func open(tb testing.TB, dir string, specs ...delivery.Spec) *gateway {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), dir, sqlite.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	g := &gateway{store: s, engine: delivery.New(s, delivery.Options{}), ended: make(chan error, 1)}
	if err := g.engine.Apply(tb.Context(), specs); err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	g.cancel = cancel
	go func() { g.ended <- g.engine.Run(ctx) }()
	return g
}

func (g *gateway) close(tb testing.TB) {
	tb.Helper()
	g.cancel()
	if err := <-g.ended; err != nil {
		tb.Error(err)
	}
	if err := g.store.Close(); err != nil {
		tb.Error(err)
	}
}

// target is a destination that is a function.
type target func(context.Context, *event.Event) error

func (t target) Deliver(ctx context.Context, e *event.Event) (destination.Receipt, error) {
	return destination.Receipt{}, t(ctx, e)
}

func (target) Close() error { return nil }

func spec(name string, t target) delivery.Spec {
	policy := retry.Default()
	policy.Enabled, policy.MaxAttempts, policy.InitialDelay = true, 10, units.Duration(20*time.Millisecond)
	return delivery.Spec{
		Name: name, Webhook: "orders", Module: "fake", Target: t, Fingerprint: name, Retry: policy,
		Timeout: 10 * time.Second, Concurrency: 16, Breaker: breaker.Config{},
	}
}

func entry(chain event.Chain, destinations ...string) store.Entry {
	e := store.Entry{
		Event: &event.Event{
			ID: uuid.Must(uuid.NewV7()).String(), Webhook: "orders", ReceivedAt: time.Now(), Method: "POST", URL: "/webhook/orders",
			Body: []byte(`{"id":1}`),
		},
		Chain: chain,
	}
	for _, name := range destinations {
		e.Steps = append(e.Steps, store.Step{Destination: name})
	}
	return e
}

func TestOnTheEmbeddedStore(t *testing.T) {
	t.Run("what was accepted before a restart is delivered after it, each step once", func(t *testing.T) {
		var mu sync.Mutex
		delivered := map[string]int{}
		calls := atomic.Int64{}
		flaky := func(name string) target {
			return func(_ context.Context, e *event.Event) error {
				if calls.Add(1)%3 == 0 {
					return fault.New(fault.ServiceUnavailable, "answered 503")
				}
				mu.Lock()
				defer mu.Unlock()
				delivered[e.ID+name]++
				return nil
			}
		}
		dir := filepath.Join(t.TempDir(), "data")
		specs := []delivery.Spec{spec("orders.a", flaky("a")), spec("orders.b", flaky("b"))}
		g := open(t, dir, specs...)
		acceptAll(t, g, 200)
		g.close(t)

		g = open(t, dir, specs...)
		defer g.close(t)
		acceptAll(t, g, 200)
		total := settled(t, g)
		if !total.Balanced() || total.States[event.Delivered] != 800 || len(delivered) != 800 {
			t.Errorf("%d arrived; the store counts %+v", len(delivered), total)
		}
		for step, times := range delivered {
			if times != 1 {
				t.Errorf("%s arrived %d times", step, times)
			}
		}
	})
	t.Run("a sender hears when all steps are delivered", func(t *testing.T) {
		works := target(func(context.Context, *event.Event) error { return nil })
		g := open(t, filepath.Join(t.TempDir(), "data"), spec("orders.a", works), spec("orders.b", works))
		defer g.close(t)
		_, done, err := g.engine.Accept(t.Context(), entry(event.Sequential, "orders.a", "orders.b"), true)
		if err != nil || !<-done {
			t.Errorf("not delivered: %v", err)
		}
	})
}

// acceptAll accepts events for both destinations, half of them one after the other, from several senders.
func acceptAll(t *testing.T, g *gateway, events int) {
	t.Helper()
	var senders sync.WaitGroup
	for sender := range 8 {
		senders.Go(func() {
			for range events / 8 {
				chain := []event.Chain{event.Parallel, event.Sequential}[sender%2]
				if _, _, err := g.engine.Accept(t.Context(), entry(chain, "orders.a", "orders.b"), false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	senders.Wait()
}

// settled waits until nothing is pending or waiting, and counts the rows.
func settled(t *testing.T, g *gateway) store.Count {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for range ticker.C {
		counts, err := g.store.Recount(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if total := counts.Total(); total.States[event.Pending]+total.States[event.Waiting] == 0 {
			return total
		}
	}
	panic("unreachable")
}

// BenchmarkLifeCycle is a delivery from Accept until it is settled, on the real store, with 256 senders that do not wait
// for the delivery: with few slots most deliveries are claimed, with many all are handed over.
func BenchmarkLifeCycle(b *testing.B) {
	for _, slots := range []int{16, 1000} {
		b.Run(strconv.Itoa(slots)+" slots", func(b *testing.B) {
			var left atomic.Int64
			left.Store(int64(b.N))
			all := make(chan struct{})
			confirms := target(func(context.Context, *event.Event) error {
				if left.Add(-1) == 0 {
					close(all)
				}
				return nil
			})
			wide := spec("orders.a", confirms)
			wide.Concurrency = slots
			g := open(b, filepath.Join(b.TempDir(), "data"), wide)
			b.SetParallelism(256 / runtime.GOMAXPROCS(0))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, _, err := g.engine.Accept(b.Context(), entry(event.Parallel, "orders.a"), false); err != nil {
						b.Error(err)
					}
				}
			})
			<-all
			g.close(b)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}
