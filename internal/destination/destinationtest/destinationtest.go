// Package destinationtest holds the rules that every module obeys, as tests against a real server or file system.
//
// It knows no module: each one brings a Harness, and says what it cannot do and why.
package destinationtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/destination/destinationtest/faultproxy"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

// Harness is a module with a real server or file system behind it.
type Harness struct {
	// Open opens the module, configured to reach the server through Proxy when there is one.
	Open func(t *testing.T) destination.Destination
	// Received gives the bodies that have arrived so far by the ids of their events: one for each time it arrived.
	Received func(t *testing.T) map[string][][]byte
	// Proxy stands before the server. It is nil when nothing travels through a network; the tests of its faults are then
	// left out.
	Proxy *faultproxy.Proxy
	// Secrets are the values in the module's configuration that nobody may get to see.
	Secrets []string
	// Lacks tells what the module cannot do, and why.
	Lacks map[Capability]string
}

// Capability is something that most modules can do.
type Capability string

// The capabilities.
const (
	Binary Capability = "bodies that are not text"
	Large  Capability = "bodies of 1 MiB"
	Empty  Capability = "empty bodies"
)

// Run tests the module by all rules.
func Run(t *testing.T, h Harness) {
	t.Helper()
	t.Run("a body arrives as it is", h.bodies)
	t.Run("a thousand concurrent deliveries all arrive, none twice", h.concurrent)
	t.Run("a context that has ended delivers nothing", h.ended)
	t.Run("an unused destination closes", func(t *testing.T) { h.open(t) })
	if h.Proxy == nil {
		t.Log("no network: the tests of its faults are left out")
		return
	}
	t.Run("a server that is down at first is reached once it is up", h.down)
	t.Run("a reset before the confirmation is not delivered", h.reset)
	t.Run("a hanging server costs the time of the attempt and no more", h.hanging)
	t.Run("an attempt that is cut short returns", h.cut)
	t.Run("a slow server is waited for", h.slow)
}

func (h Harness) bodies(t *testing.T) {
	d := h.open(t)
	for _, example := range []struct {
		name  string
		needs Capability
		body  []byte
	}{
		{name: "JSON", body: []byte(`{"order":17,"total":"9.90"}`)},
		{name: "text", body: []byte("hello, world")},
		{name: "UTF-8", body: []byte("žluťoučký kůň 🐎 日本語")},
		{name: "binary", needs: Binary, body: []byte{0x00, 0xff, 0x61, 0x0d, 0x0a, 0x80}},
		{name: "empty", needs: Empty, body: []byte{}},
		{name: "1 MiB", needs: Large, body: bytes.Repeat([]byte("0123456789abcdef"), 1<<16)},
	} {
		t.Run(example.name, func(t *testing.T) {
			if why, lacks := h.Lacks[example.needs]; lacks {
				t.Skipf("the module lacks %s: %s", example.needs, why)
			}
			e := newEvent(example.body)
			if _, err := h.deliver(t.Context(), t, d, e); err != nil {
				t.Fatalf("deliver: %v", err)
			}
			got := h.arrived(t, e)
			if len(got) != 1 || !bytes.Equal(got[0], example.body) {
				t.Fatalf("%d bodies arrived, want one as sent: %.60q", len(got), got)
			}
		})
	}
}

func (h Harness) concurrent(t *testing.T) {
	d := h.open(t)
	events := make([]*event.Event, 1000)
	errs := make([]error, len(events))
	var all sync.WaitGroup
	for i := range events {
		events[i] = newEvent(nil)
		all.Go(func() { _, errs[i] = h.deliver(t.Context(), t, d, events[i]) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatalf("deliver: %v", err)
	}
	eventually(t, "all events arrive", func() bool {
		received := h.Received(t)
		for _, e := range events {
			if len(received[e.ID]) == 0 {
				return false
			}
		}
		return true
	})
	received := h.Received(t)
	for _, e := range events {
		if got := received[e.ID]; len(got) != 1 || !bytes.Equal(got[0], e.Body) {
			t.Fatalf("event %s arrived %d times: %.80q", e.ID, len(got), got)
		}
	}
}

func (h Harness) ended(t *testing.T) {
	d := h.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := newEvent(nil)
	if _, err := h.deliver(ctx, t, d, e); !errors.Is(err, context.Canceled) {
		t.Fatalf("deliver: %v, want %v", err, context.Canceled)
	}
	if got := h.Received(t)[e.ID]; len(got) != 0 {
		t.Fatalf("the event arrived %d times", len(got))
	}
}

func (h Harness) down(t *testing.T) {
	h.Proxy.Refuse()
	d := h.open(t)
	e := newEvent(nil)
	h.fails(t, d, e, fault.ConnectionRefused, fault.ConnectionError, fault.NetworkError, fault.ServiceUnavailable, fault.TimeoutError)
	probe, probes := d.(destination.Prober)
	if probes {
		h.checkError(t, e, probe.Probe(shortly(t)))
	}
	h.Proxy.Pass(t)
	h.recovers(t, d, e)
	if !probes {
		t.Log("the module cannot be probed")
	} else if err := probe.Probe(t.Context()); err != nil {
		t.Fatalf("deliveries work, but probe says: %v", err)
	}
}

func (h Harness) reset(t *testing.T) {
	d := h.open(t)
	h.recovers(t, d, newEvent(nil)) // opens a connection
	e := newEvent(nil)
	h.Proxy.CutAnswers(0)
	h.fails(t, d, e, fault.ConnectionError, fault.NetworkError, fault.ServiceUnavailable, fault.TimeoutError)
	h.Proxy.Pass(t)
	h.recovers(t, d, e)
}

func (h Harness) hanging(t *testing.T) {
	d := h.open(t)
	h.recovers(t, d, newEvent(nil))
	e := newEvent(nil)
	h.Proxy.Hang()
	began := time.Now()
	h.fails(t, d, e, fault.TimeoutError)
	if took := time.Since(began); took < attempt/2 || took > attempt+grace {
		t.Errorf("an attempt of %s took %s", attempt, took)
	}
	h.Proxy.Pass(t)
	h.recovers(t, d, e)
}

func (h Harness) cut(t *testing.T) {
	d := h.open(t)
	h.recovers(t, d, newEvent(nil))
	h.Proxy.Hang()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(attempt/4, cancel)
	if _, err := h.deliver(ctx, t, d, newEvent(nil)); !errors.Is(err, context.Canceled) {
		t.Fatalf("deliver: %v, want %v", err, context.Canceled)
	}
}

func (h Harness) slow(t *testing.T) {
	d := h.open(t)
	h.Proxy.Delay(20 * time.Millisecond)
	e := newEvent(nil)
	if _, err := h.deliver(t.Context(), t, d, e); err != nil {
		t.Fatalf("deliver: %v", err)
	}
	if got := h.arrived(t, e); len(got) != 1 {
		t.Fatalf("the event arrived %d times", len(got))
	}
}

// newEvent makes an event with a body that can be told from all others, unless one is given.
func newEvent(body []byte) *event.Event {
	id := "0199b0de-0000-7000-8000-" + strings.ToLower(rand.Text()[:12])
	if body == nil {
		body = []byte(`{"payload":"` + rand.Text() + `"}`)
	}
	return &event.Event{
		ID:         id,
		Webhook:    "shop/orders",
		ReceivedAt: time.Date(2026, 11, 24, 6, 30, 0, 123456789, time.UTC),
		Method:     "POST",
		URL:        "/webhook/shop/orders?from=test",
		Header:     map[string][]string{"Content-Type": {"application/json"}, "X-Order": {"17", "18"}},
		Body:       body,
	}
}
