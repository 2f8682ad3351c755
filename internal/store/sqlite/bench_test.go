package sqlite_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/store/sqlite"
)

// The benchmarks measure calls per second with many callers, because group commit lives from them: run them with
// -benchtime=200000x or more, and beside the disk's own fdatasync time.

func BenchmarkAccept(b *testing.B) {
	forCallers(b, func(b *testing.B, callers int) {
		s := openStore(b, b.TempDir())
		defer closeStore(b, s)
		eachCaller(b, callers, func() error {
			_, err := s.Accept(b.Context(), benchEntry())
			return err
		})
	})
}

func BenchmarkHandOver(b *testing.B) {
	forCallers(b, func(b *testing.B, callers int) {
		s := openStore(b, b.TempDir())
		defer closeStore(b, s)
		eachCaller(b, callers, func() error {
			e := benchEntry()
			e.Steps[0].LeaseUntil = time.Now().Add(time.Minute)
			accepted, err := s.Accept(b.Context(), e)
			if err != nil {
				return err
			}
			_, err = s.Settle(b.Context(), delivered(accepted.Leases[0]))
			return err
		})
	})
}

// BenchmarkClaim is a life cycle in which deliveries are claimed, 16 at a time, by a lane of 16 workers.
func BenchmarkClaim(b *testing.B) {
	forCallers(b, func(b *testing.B, callers int) {
		s := openStore(b, b.TempDir())
		defer closeStore(b, s)
		eachCaller(b, callers, func() error {
			_, err := s.Accept(b.Context(), benchEntry())
			return err
		})
		b.ResetTimer()
		b.StartTimer()
		before := cpuTime(b)
		drain(b, s, callers)
		b.StopTimer()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
	})
}

// drain claims and settles all that is due with a lane's worth of workers.
func drain(b *testing.B, s *sqlite.Store, callers int) {
	jobs := make(chan store.Lease, callers)
	var workers sync.WaitGroup
	for range callers {
		workers.Go(func() {
			for lease := range jobs {
				if _, err := s.Settle(b.Context(), delivered(lease)); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for done := 0; done < b.N; {
		now := time.Now()
		claimed, _, err := s.Claim(b.Context(), store.Claim{Destination: "orders.log", Limit: max(16, callers/2), Now: now, Until: now.Add(time.Minute)})
		if err != nil || len(claimed) == 0 {
			b.Fatal(len(claimed), err)
		}
		for _, job := range claimed {
			jobs <- job.Lease
		}
		done += len(claimed)
	}
	close(jobs)
	workers.Wait()
}

// BenchmarkMillion measures what a backlog of a million costs: claims of 100, backlogs, counts, reopening, memory.
func BenchmarkMillion(b *testing.B) {
	const waiting = 1_000_000
	dir := b.TempDir()
	s := openStore(b, dir)
	fill(b, s, waiting)
	b.Run("claim 100", func(b *testing.B) {
		var took []time.Duration
		for b.Loop() {
			now := time.Now()
			jobs, _, err := s.Claim(b.Context(), store.Claim{Destination: "orders.log", Limit: 100, Now: now, Until: now.Add(time.Minute)})
			if err != nil || len(jobs) != 100 {
				b.Fatal(len(jobs), err)
			}
			took = append(took, time.Since(now))
			b.StopTimer()
			for _, job := range jobs {
				again := delivered(job.Lease)
				again.State, again.NextAttemptAt = event.Pending, now.Add(time.Second)
				if _, err := s.Settle(b.Context(), again); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
	})
	for name, read := range map[string]func() error{
		"backlogs": func() error { _, err := s.Backlogs(b.Context()); return err },
		"counts":   func() error { _, err := s.Counts(b.Context()); return err },
		"recount":  func() error { _, err := s.Recount(b.Context()); return err },
		"page":     func() error { _, err := s.FindDeliveries(b.Context(), store.Filter{}, store.PageRequest{}); return err },
		"dead": func() error {
			_, err := s.FindDeliveries(b.Context(), store.Filter{States: []event.State{event.Dead}}, store.PageRequest{})
			return err
		},
		"scan": func() error {
			_, err := s.FindDeliveries(b.Context(), store.Filter{Class: "none"}, store.PageRequest{})
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("reopen", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			image := crashImage(b, dir)
			b.StartTimer()
			reopened := openStore(b, image)
			b.StopTimer()
			closeStore(b, reopened)
			if err := os.RemoveAll(image); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	b.Logf("at most %d MiB of memory", used.Maxrss>>10)
	closeStore(b, s)
}

func fill(b *testing.B, s *sqlite.Store, n int) {
	var left atomic.Int64
	left.Store(int64(n))
	var callers sync.WaitGroup
	for range 256 {
		callers.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := s.Accept(b.Context(), benchEntry()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
}

func forCallers(b *testing.B, run func(b *testing.B, callers int)) {
	for _, callers := range []int{64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) { run(b, callers) })
	}
}

func eachCaller(b *testing.B, callers int, call func() error) {
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	before := cpuTime(b)
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if err := call(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// cpuTime is what the process has used: unlike the clock it says the same on a busy machine.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func benchEntry() store.Entry {
	return store.Entry{
		Event: &event.Event{
			ID: uuid.Must(uuid.NewV7()).String(), Webhook: "orders", ReceivedAt: time.Now(), Method: "POST", URL: "/webhook/orders",
			Header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"bench"}}, Body: benchBody(),
		},
		Steps: []store.Step{{Destination: "orders.log"}},
	}
}

func benchBody() []byte { return make([]byte, 1024) }

func delivered(lease store.Lease) store.Settlement {
	return store.Settlement{
		Lease: lease, State: event.Delivered, Spent: true,
		Attempt: event.Attempt{StartedAt: time.Now(), Took: time.Millisecond, Outcome: event.OutcomeDelivered, Receipt: "200"},
	}
}

func closeStore(b *testing.B, s *sqlite.Store) {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Error(err)
	}
}
