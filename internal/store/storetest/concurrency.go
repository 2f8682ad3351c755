package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func testConcurrency(t *testing.T, open opener) {
	t.Run("many concurrent accepts are all durable", func(t *testing.T) {
		r := newRig(t, open)
		var entries []store.Entry
		for i := range 1000 {
			entries = append(entries, r.entry(event.Parallel, fmt.Sprintf("orders.%d", i%7)))
		}
		inParallel(64, len(entries), func(i int) {
			if _, err := r.Accept(t.Context(), entries[i]); err != nil {
				t.Error(err)
			}
		})
		r.crash()
		for _, e := range entries {
			if _, err := r.Event(t.Context(), e.Event.ID); err != nil {
				t.Error(err)
			}
		}
		r.wantBalance()
	})
	t.Run("the same event sent many times at once is one event", func(t *testing.T) {
		r := newRig(t, open)
		var entries []store.Entry
		for range 100 {
			e := r.entry(event.Parallel, "orders.log")
			e.Event.DedupeKey, e.DedupeWindow = "k", time.Hour
			entries = append(entries, e)
		}
		var fresh atomic.Int64
		inParallel(32, len(entries), func(i int) {
			accepted, err := r.Accept(t.Context(), entries[i])
			if err != nil {
				t.Error(err)
			}
			if !accepted.Duplicate {
				fresh.Add(1)
			}
		})
		if fresh.Load() != 1 {
			t.Errorf("%d events, want 1", fresh.Load())
		}
		r.wantBalance()
	})
	t.Run("two claimers never share a delivery, and every delivery is settled once", func(t *testing.T) {
		r := newRig(t, open)
		const deliveries = 500
		var entries []store.Entry
		for range deliveries {
			entries = append(entries, r.entry(event.Parallel, "orders.log"))
		}
		inParallel(64, deliveries, func(i int) {
			if _, err := r.Accept(t.Context(), entries[i]); err != nil {
				t.Error(err)
			}
		})
		var seen sync.Map
		var settled atomic.Int64
		inParallel(8, 8, func(int) {
			for {
				jobs, _, err := r.Claim(t.Context(), store.Claim{Destination: "orders.log", Limit: 7, Now: r.now, Until: r.now.Add(time.Minute)})
				if err != nil || len(jobs) == 0 {
					if err != nil {
						t.Error(err)
					}
					return
				}
				for _, job := range jobs {
					if _, twice := seen.LoadOrStore(job.Event.ID, true); twice {
						t.Errorf("event %s was claimed twice", job.Event.ID)
					}
					if _, err := r.Settle(t.Context(), r.settlement(job.Lease, event.Delivered)); err != nil {
						t.Error(err)
					}
					settled.Add(1)
				}
			}
		})
		if settled.Load() != deliveries {
			t.Errorf("%d were settled, want %d", settled.Load(), deliveries)
		}
		if n := r.wantBalance()["orders.log"].States[event.Delivered]; n != deliveries {
			t.Errorf("%d are delivered, want %d", n, deliveries)
		}
	})
	t.Run("of many that settle with the same lease one succeeds", func(t *testing.T) {
		r := newRig(t, open)
		r.acceptOne("orders.log")
		job := r.claimOne("orders.log")
		var won atomic.Int64
		inParallel(32, 100, func(int) {
			_, err := r.Settle(t.Context(), r.settlement(job.Lease, event.Delivered))
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, store.ErrLeaseLost):
				t.Error(err)
			}
		})
		if won.Load() != 1 {
			t.Errorf("%d succeeded", won.Load())
		}
		r.wantBalance()
	})
	t.Run("calls that are cancelled in the crowd are either kept or refused, never half", func(t *testing.T) {
		r := newRig(t, open)
		var entries []store.Entry
		for range 500 {
			entries = append(entries, r.entry(event.Parallel, "orders.a", "orders.b"))
		}
		kept := make([]bool, len(entries))
		inParallel(64, len(entries), func(i int) {
			ctx, cancel := context.WithCancel(t.Context())
			if i%2 == 0 {
				go cancel()
			}
			_, err := r.Accept(ctx, entries[i])
			kept[i] = err == nil
			cancel()
			if err != nil && !errors.Is(err, store.ErrUnavailable) {
				t.Error(err)
			}
		})
		for i, e := range entries {
			if _, err := r.Event(t.Context(), e.Event.ID); kept[i] != (err == nil) {
				t.Errorf("reported as kept: %v, found: %v", kept[i], err)
			}
		}
		r.wantBalance()
	})
	t.Run("closing while calls arrive answers every one of them, and keeps what was confirmed", func(t *testing.T) {
		r := newRig(t, open)
		var entries []store.Entry
		for range 500 {
			entries = append(entries, r.entry(event.Parallel, "orders.log"))
		}
		kept := make([]bool, len(entries))
		inParallel(64, len(entries), func(i int) {
			if i == 200 {
				r.must(r.Close())
			}
			_, err := r.Accept(t.Context(), entries[i])
			kept[i] = err == nil
			if err != nil && !errors.Is(err, store.ErrUnavailable) {
				t.Error(err)
			}
		})
		r.restart()
		for i, e := range entries {
			if _, err := r.Event(t.Context(), e.Event.ID); kept[i] != (err == nil) {
				t.Errorf("reported as kept: %v, found: %v", kept[i], err)
			}
		}
		r.wantBalance()
	})
}

// inParallel calls do for 0 to n-1 from that many goroutines.
func inParallel(goroutines, n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	all.Wait()
}
