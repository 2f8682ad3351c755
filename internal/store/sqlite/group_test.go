package sqlite

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func openForTest(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func testEntry(n int) store.Entry {
	return store.Entry{
		Event: &event.Event{
			ID: "event-" + strconv.Itoa(n), Webhook: "orders", ReceivedAt: time.Unix(1, 0), Header: http.Header{"A": {"b"}}, Body: []byte("x"),
		},
		Steps: []store.Step{{Destination: "orders.log", LeaseUntil: time.Unix(100, 0)}},
	}
}

// hold keeps the writer busy until release is called: what is written meanwhile gathers in one group.
func hold(s *Store) (release func()) {
	held, free := make(chan struct{}), make(chan struct{})
	go func() {
		_ = s.write(context.Background(), func(*writer) error {
			close(held)
			<-free
			return nil
		})
	}()
	<-held
	return func() { close(free) }
}

// together runs calls in one group.
func together(s *Store, calls ...func() error) []error {
	release := hold(s)
	errs := make([]error, len(calls))
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() { errs[i] = call() })
		for len(s.queue) <= i {
			runtime.Gosched() // until the call has joined the queue
		}
	}
	release()
	all.Wait()
	return errs
}

func TestGroup(t *testing.T) {
	accept := func(s *Store, n int) func() error {
		return func() error {
			_, err := s.Accept(t.Context(), testEntry(n))
			return err
		}
	}
	t.Run("a call that is refused does not fail its neighbours", func(t *testing.T) {
		s := openForTest(t)
		stale := func() error {
			_, err := s.Settle(t.Context(), store.Settlement{State: event.Delivered})
			return err
		}
		errs := together(s, accept(s, 1), accept(s, 1), stale, accept(s, 2))
		if errs[0] != nil || !errors.Is(errs[1], store.ErrState) || !errors.Is(errs[2], store.ErrLeaseLost) || errs[3] != nil {
			t.Errorf("got %v", errs)
		}
	})
	t.Run("when the database fails, nothing of the group is kept, on disk or in memory", func(t *testing.T) {
		s := openForTest(t)
		breaks := func() error {
			return s.write(t.Context(), func(*writer) error {
				return &dbError{code: lib.SQLITE_FULL, message: "database or disk is full"}
			})
		}
		errs := together(s, accept(s, 1), breaks, accept(s, 2))
		for _, err := range errs {
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
		}
		if counts, err := s.Counts(t.Context()); err != nil || len(counts) != 0 || len(s.leases.byKey) != 0 || len(s.writer.names) != 0 {
			t.Errorf("counts %v, %v; %d leases, %d names", counts, err, len(s.leases.byKey), len(s.writer.names))
		}
		if err := accept(s, 1)(); err != nil || s.Err() != nil {
			t.Errorf("afterwards: %v, %v", err, s.Err())
		}
	})
	t.Run("when the writer cannot keep up events are refused at once", func(t *testing.T) {
		s := openForTest(t)
		release := hold(s)
		var waiting sync.WaitGroup
		for range queueLength {
			waiting.Go(func() { _ = s.write(t.Context(), func(*writer) error { return nil }) })
		}
		for len(s.queue) < queueLength {
			runtime.Gosched() // until the queue is full
		}
		if err := accept(s, 1)(); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		release()
		waiting.Wait()
		if err := accept(s, 1)(); err != nil {
			t.Error(err)
		}
	})
}
