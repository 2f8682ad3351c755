// Package ingress receives webhooks over HTTP: it bounds and reads a request, has it verified, checks that the body is
// what the webhook takes, hands the event over to be made durable, and answers the sender.
//
// It knows nothing of how events are stored, of who delivers them, and of what a provider signs: those are an Intake
// and the verifiers of a webhook.
package ingress

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
)

// Intake makes events durable and has them delivered.
type Intake interface {
	// Accept returns once the entry is durable. The channel is nil unless watch is set and the entry is no duplicate; it
	// receives true when every step has been delivered and false when one has ended otherwise, and may never receive
	// anything while the sender waits.
	Accept(ctx context.Context, entry store.Entry, watch bool) (store.Accepted, <-chan bool, error)
	// Forget drops the watch of an event whose sender stopped waiting before the channel received.
	Forget(eventID string)
}

// acceptTimeout bounds how long an event may wait for the store. It does not depend on the sender, who may hang up.
const acceptTimeout = 10 * time.Second

// Handler is the public HTTP handler. All methods may be called concurrently.
type Handler struct {
	intake   Intake
	metrics  *telemetry.Metrics
	log      *slog.Logger
	lines    pace
	table    atomic.Pointer[Table]
	limiters limiters
	bodies   budget

	draining  chan struct{}
	drainOnce sync.Once
}

// NewHandler makes a handler that serves the webhooks of a table.
func NewHandler(intake Intake, table *Table, metrics *telemetry.Metrics, log *slog.Logger) *Handler {
	h := &Handler{intake: intake, metrics: metrics, log: log, draining: make(chan struct{})}
	h.Swap(table)
	return h
}

// Swap puts another table in place of the one before. Requests that are under way end with the one they began with.
func (h *Handler) Swap(t *Table) {
	h.limiters.swap(t)
	h.table.Store(t)
}

// Drain answers every further request with 503, and the senders that wait for deliveries at once with 202. It cannot
// be undone.
func (h *Handler) Drain() { h.drainOnce.Do(func() { close(h.draining) }) }

func (h *Handler) isDraining() bool {
	select {
	case <-h.draining:
		return true
	default:
		return false
	}
}

// ServeHTTP takes one request.
//
//nolint:contextcheck // the context travels in the request
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{Handler: h, table: h.table.Load(), w: w, r: r, id: newID()}
	w.Header()["X-Request-Id"] = []string{x.id}
	defer x.contain()
	if err := x.serve(); err != nil {
		x.reject(err)
	}
}

// newID makes the name of a request, which is also that of its event: a UUIDv7, so that ids sort by time.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// exchange is one request under way.
type exchange struct {
	*Handler
	table *Table
	w     http.ResponseWriter
	r     *http.Request
	id    string

	hook       *Webhook // nil until the path is known
	body       []byte
	receivedAt time.Time // when the body had been read
}

// serve is the path of a request: everything that is cheap to refuse is refused before the body is read, and nothing
// is parsed before it is known who sent it.
func (x *exchange) serve() error {
	if x.isDraining() {
		return errDraining()
	}
	if x.hook = x.table.find(x.r.URL.EscapedPath()); x.hook == nil {
		return errNotFound()
	}
	if x.r.Method != http.MethodPost {
		return x.serveOther()
	}
	if err := x.read(); err != nil {
		return err
	}
	defer x.bodies.release(int64(cap(x.body)))
	return x.receive()
}

// serveOther answers the methods that bring no event: only a handshake may use them.
func (x *exchange) serveOther() error {
	x.receivedAt = time.Now()
	if answered, err := x.handshake(x.verifiable()); answered || err != nil {
		return err
	}
	return errMethod()
}

// receive judges a request whose body has been read, and takes its event.
func (x *exchange) receive() error {
	request := x.verifiable()
	if answered, err := x.handshake(request); answered || err != nil {
		return err
	}
	if err := x.verify(request); err != nil {
		return err
	}
	if err := x.limiters.take(x.hook, x.receivedAt); err != nil {
		return err
	}
	if err := x.hook.check(x.r.Header.Get("Content-Type"), x.body); err != nil {
		return err
	}
	return x.accept()
}

// accept has the event made durable and answers. The sender may hang up now without changing anything.
func (x *exchange) accept() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), acceptTimeout)
	defer cancel()
	accepted, done, err := x.intake.Accept(ctx, x.entry(), x.hook.Retries && x.hook.Within > 0)
	if err != nil {
		return errUnavailable(err)
	}
	if accepted.Duplicate {
		x.metrics.Duplicate(x.hook.ID)
		x.answer(accepted, delivered(accepted.Steps))
		return nil
	}
	x.metrics.Accepted(x.hook.ID, time.Since(x.receivedAt))
	x.answer(accepted, done != nil && x.await(done))
	return nil
}

// entry makes the event and its deliveries out of the request. The steps are the request's own: the intake may change
// them.
func (x *exchange) entry() store.Entry {
	steps := make([]store.Step, len(x.hook.Steps))
	for i, name := range x.hook.Steps {
		steps[i].Destination = name
	}
	headers, parameters := x.hook.credentials()
	return store.Entry{
		Event: &event.Event{
			ID:         x.id,
			Webhook:    x.hook.ID,
			ReceivedAt: x.receivedAt,
			Method:     x.r.Method,
			URL:        withoutParameters(x.requestURI(), parameters),
			Header:     without(x.r.Header, headers),
			Body:       x.body,
			DedupeKey:  x.hook.dedupeKey(x.r.Header, x.body),
		},
		Steps:        steps,
		Chain:        x.hook.Chain,
		DedupeWindow: x.hook.Dedupe.Window,
	}
}

// await waits until every step is delivered (true), one has failed for good, or the wait must end. The time it took to
// verify and to store counts: the sender has its own deadline.
func (x *exchange) await(done <-chan bool) bool {
	timer := time.NewTimer(x.hook.Within - time.Since(x.receivedAt))
	defer timer.Stop()
	// The wait may be longer than the time a sender has for its request, which would look as if it had hung up.
	_ = http.NewResponseController(x.w).SetReadDeadline(time.Time{})
	select {
	case all := <-done:
		return all
	case <-timer.C:
	case <-x.draining:
	case <-x.r.Context().Done():
	}
	x.intake.Forget(x.id)
	return false
}

// delivered says that nothing is left to be delivered. Of an event that retention has deleted nothing is: it has no
// steps any more.
func delivered(steps []event.State) bool {
	for _, s := range steps {
		if s != event.Delivered {
			return false
		}
	}
	return true
}
