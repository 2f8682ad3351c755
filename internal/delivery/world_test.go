package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/grapnel-dev/grapnel/internal/breaker"
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/retry"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a gateway without its outside: a store that survives engines, and the engine that runs now. It lives in a
// bubble of fake time, so that every moment in these tests is exact.
type world struct {
	t       *testing.T
	began   time.Time
	store   *memory
	log     *logbook
	metrics *telemetry.Metrics
	random  float64
	engine  *Engine
	stop    func()
	events  int
}

// inWorld runs a test in a world of its own and stops what still runs in the end.
func inWorld(t *testing.T, rule string, test func(w *world)) {
	t.Helper()
	t.Run(rule, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, began: time.Now(), store: newMemory(), log: &logbook{}, metrics: telemetry.New(), stop: func() {}}
			defer func() { w.stop() }()
			test(w)
		})
	})
}

// start runs an engine on the store, in place of the one before.
func (w *world) start(specs ...Spec) {
	w.t.Helper()
	w.stop()
	w.engine = New(w.store, Options{Logger: slog.New(w.log), Metrics: w.metrics, Random: func() float64 { return w.random }})
	w.apply(specs...)
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func(e *Engine) { ended <- e.Run(ctx) }(w.engine)
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
	synctest.Wait()
}

func (w *world) apply(specs ...Spec) {
	w.t.Helper()
	if err := w.engine.Apply(w.t.Context(), specs); err != nil {
		w.t.Fatal(err)
	}
}

// accept accepts an event for the destinations with a watch.
func (w *world) accept(chain event.Chain, destinations ...string) (string, <-chan bool) {
	w.t.Helper()
	accepted, done, err := w.engine.Accept(w.t.Context(), w.entry(chain, destinations...), true)
	if err != nil {
		w.t.Fatal(err)
	}
	synctest.Wait()
	return accepted.EventID, done
}

func (w *world) entry(chain event.Chain, destinations ...string) store.Entry {
	w.events++
	entry := store.Entry{
		Event: &event.Event{ID: "event-" + strconv.Itoa(w.events), Webhook: "orders", ReceivedAt: time.Now()},
		Chain: chain,
	}
	for _, name := range destinations {
		entry.Steps = append(entry.Steps, store.Step{Destination: name})
	}
	return entry
}

// wait lets time pass.
func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) since() time.Duration { return time.Since(w.began) }

// stands fails the test unless the steps of an event are in the states.
func (w *world) stands(id string, want ...event.State) {
	w.t.Helper()
	if got := w.store.stand(id); !slices.Equal(got, want) {
		w.t.Errorf("%s stands at %v, want %v", id, got, want)
	}
}

// hears fails the test unless the sender hears the answer, and at this time.
func (w *world) hears(done <-chan bool, want bool, at time.Duration) {
	w.t.Helper()
	got, when := <-done, w.since()
	if got != want || when != at {
		w.t.Errorf("the sender heard %v after %v, want %v after %v", got, when, want, at)
	}
}

// target is a destination that does what a test says and keeps a record.
type target struct {
	deliver func(ctx context.Context, e *event.Event) error

	mu      sync.Mutex
	began   time.Time
	at      []time.Duration // when the attempts began
	ids     []string
	now     int // attempts under way
	most    int
	closed  int
	working int // attempts under way when it was closed
}

func newTarget(deliver func(context.Context, *event.Event) error) *target {
	return &target{deliver: deliver, began: time.Now()}
}

func (d *target) Deliver(ctx context.Context, e *event.Event) (destination.Receipt, error) {
	d.mu.Lock()
	d.at, d.ids = append(d.at, time.Since(d.began)), append(d.ids, e.ID)
	d.now++
	d.most = max(d.most, d.now)
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		d.now--
		d.mu.Unlock()
	}()
	return destination.Receipt{ID: "receipt"}, d.deliver(ctx, e)
}

func (d *target) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed++
	d.working = d.now
	return nil
}

func (d *target) attempts() []time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.at)
}

// The behaviours of targets.

func confirms(context.Context, *event.Event) error { return nil }

func takes(d time.Duration) func(context.Context, *event.Event) error {
	return func(ctx context.Context, _ *event.Event) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return fmt.Errorf("post the event: %w", ctx.Err())
		}
	}
}

// failsWith fails with the fault so many times, then it confirms; a negative number is for ever.
func failsWith(f *fault.Error, times int) func(context.Context, *event.Event) error {
	var mu sync.Mutex
	return func(context.Context, *event.Event) error {
		mu.Lock()
		defer mu.Unlock()
		if times == 0 {
			return nil
		}
		times--
		return f
	}
}

func unavailable() *fault.Error {
	return &fault.Error{Class: fault.ServiceUnavailable, Code: "http_503", Err: fmt.Errorf("answered 503")}
}

// spec is a destination with retries without jitter, and the changes.
func spec(name string, d *target, changes ...func(*Spec)) Spec {
	s := Spec{
		Name: name, Webhook: "orders", Module: "fake", Target: d, Fingerprint: name,
		Retry: retry.Default(), Timeout: 10 * time.Second, Concurrency: 16, Breaker: breaker.Default(),
	}
	s.Retry.Enabled, s.Retry.Jitter = true, 0
	for _, change := range changes {
		change(&s)
	}
	return s
}

// logbook keeps the level and the message of each record, and the text of all.
type logbook struct {
	mu    sync.Mutex
	lines []string
}

func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }
func (l *logbook) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logbook) WithGroup(string) slog.Handler            { return l }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, r.Level.String()+" "+r.Message)
	return nil
}

// count is how many lines begin so.
func (l *logbook) count(start string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, line := range l.lines {
		if strings.HasPrefix(line, start) {
			n++
		}
	}
	return n
}
