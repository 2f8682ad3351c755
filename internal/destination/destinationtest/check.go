package destinationtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

const (
	attempt  = 400 * time.Millisecond // the time of an attempt that is meant to fail
	grace    = 3 * time.Second        // how late an attempt may return on a busy machine
	patience = 15 * time.Second       // for what must happen in the end
)

// open opens the module. When the test ends it is closed, and must leave no goroutine behind.
func (h Harness) open(t *testing.T) destination.Destination {
	t.Helper()
	before := goleak.IgnoreCurrent()
	d := h.Open(t)
	t.Cleanup(func() {
		returns(t, "close", grace, func() {
			if err := d.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
		if h.Proxy != nil {
			h.Proxy.Pass(t)
		}
		const proxy = "github.com/grapnel-dev/grapnel/internal/destination/destinationtest/faultproxy.(*Proxy).listen"
		if err := goleak.Find(before, goleak.IgnoreAnyFunction(proxy)); err != nil {
			t.Errorf("after close: %v", err)
		}
	})
	return d
}

// deliver delivers and checks what holds for every delivery: it returns when its context ends, changes nothing of the
// event, and tells no secret.
func (h Harness) deliver(ctx context.Context, t *testing.T, d destination.Destination, e *event.Event) (receipt destination.Receipt, err error) {
	t.Helper()
	before := *e
	before.Header, before.Body = e.Header.Clone(), bytes.Clone(e.Body)
	returns(t, "deliver", untilEnd(ctx)+grace, func() { receipt, err = d.Deliver(ctx, e) })
	if !reflect.DeepEqual(&before, e) {
		t.Errorf("the event was changed")
	}
	h.checkSecrets(t, receipt.ID, receipt.Response)
	if len(receipt.Response) > destination.ResponseLimit {
		t.Errorf("the receipt keeps %d bytes of the answer", len(receipt.Response))
	}
	if err != nil {
		h.checkError(t, e, err)
	}
	return receipt, err
}

func untilEnd(ctx context.Context) time.Duration {
	if end, ok := ctx.Deadline(); ok {
		return time.Until(end)
	}
	return patience
}

// returns fails the test when what it calls does not return in time.
func returns(t *testing.T, what string, within time.Duration, call func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	select {
	case <-done:
	case <-time.After(within):
		panic(fmt.Sprintf("%s: %s does not return within %s", t.Name(), what, within)) // shows where all goroutines are
	}
}

// fails delivers with little time, and wants a failure of one of the classes.
func (h Harness) fails(t *testing.T, d destination.Destination, e *event.Event, want ...fault.Class) {
	t.Helper()
	if _, err := h.deliver(shortly(t), t, d, e); err == nil {
		t.Fatal("the event counts as delivered")
	} else if got := fault.From(err).Class; !slices.Contains(want, got) {
		t.Fatalf("deliver: %v, of class %s, want one of %v", err, got, want)
	}
}

func shortly(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), attempt)
	t.Cleanup(cancel)
	return ctx
}

// recovers delivers until it works, as the retries of the gateway would.
func (h Harness) recovers(t *testing.T, d destination.Destination, e *event.Event) {
	t.Helper()
	eventually(t, "a delivery works", func() bool {
		_, err := h.deliver(t.Context(), t, d, e)
		return err == nil
	})
	h.arrived(t, e)
}

// arrived waits until the event is there, and gives its body for each time it arrived.
func (h Harness) arrived(t *testing.T, e *event.Event) (bodies [][]byte) {
	t.Helper()
	eventually(t, "the event arrives", func() bool {
		bodies = h.Received(t)[e.ID]
		return len(bodies) > 0
	})
	return bodies
}

// checkError wants an error that has a class, and tells neither secrets nor payload.
func (h Harness) checkError(t *testing.T, e *event.Event, err error) {
	t.Helper()
	if err == nil {
		t.Error("there is no error")
		return
	}
	f := fault.From(err)
	if f.Class == fault.UnknownError && !errors.Is(err, context.Canceled) {
		t.Errorf("not classified: %v", err)
	}
	if len(e.Body) > 16 && strings.Contains(err.Error(), string(e.Body)) {
		t.Errorf("the error tells the payload: %v", err)
	}
	h.checkSecrets(t, err.Error(), fmt.Sprintf("%+v", *f), f.Response)
}

func (h Harness) checkSecrets(t *testing.T, texts ...string) {
	t.Helper()
	for _, secret := range h.Secrets {
		if strings.Contains(strings.Join(texts, "\n"), secret) {
			t.Errorf("a secret shows: %q", texts)
		}
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !holds(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}
