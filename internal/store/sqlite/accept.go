package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	lib "modernc.org/sqlite/lib"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// Accept makes an event and its deliveries durable. It blocks for one group commit, behind at most one other that is
// under way; when queueLength writes are waiting it fails at once. What it returned without an error survives any crash;
// of leases the delivery survives, not the lease.
func (s *Store) Accept(ctx context.Context, entry store.Entry) (store.Accepted, error) {
	if err := checkEntry(entry); err != nil {
		return store.Accepted{}, err
	}
	a := acceptance{Entry: entry, id: encodeID(entry.Event.ID), header: encodeHeader(entry.Event.Header)}
	if err := s.writeUnlessFull(ctx, a.apply); err != nil {
		return store.Accepted{}, err
	}
	return a.result, nil
}

// checkEntry refuses what no caller may ask for.
func checkEntry(e store.Entry) error {
	id := e.Event.ID
	switch {
	case id == "" || len(id) != 36 && len(encodeID(id)) == 16:
		return fmt.Errorf("accept: %q is no id of an event", id)
	case len(e.Steps) == 0 || len(e.Steps) > event.MaxSteps:
		return fmt.Errorf("accept event %s: %d steps, want 1 to %d", id, len(e.Steps), event.MaxSteps)
	case !e.Chain.Valid():
		return fmt.Errorf("accept event %s: %v is no rule of a chain", id, e.Chain)
	}
	for _, step := range e.Steps {
		if step.Destination == "" {
			return fmt.Errorf("accept event %s: a step without a destination", id)
		}
	}
	return nil
}

// acceptance is an entry on its way into the store.
type acceptance struct {
	store.Entry
	id, header []byte
	result     store.Accepted
}

func (a *acceptance) apply(w *writer) error {
	webhook, err := w.intern(a.Event.Webhook)
	if err != nil {
		return err
	}
	a.result = store.Accepted{EventID: a.Event.ID}
	if duplicate, err := a.findFirst(w, webhook); err != nil || duplicate {
		return err
	}
	seq := w.seq + 1
	if err := a.insertEvent(w, seq, webhook); err != nil {
		return err
	}
	w.seq = seq
	w.undo = append(w.undo, func() { w.seq = seq - 1 })
	a.result.Steps = make([]event.State, len(a.Steps))
	a.result.Leases = make([]store.Lease, len(a.Steps))
	for i := range a.Steps {
		if err := a.insertStep(w, seq, webhook, i); err != nil {
			return err
		}
	}
	return a.insertKey(w, seq, webhook)
}

// findFirst looks for an event of which this one is a duplicate, and says how that one stands.
func (a *acceptance) findFirst(w *writer, webhook int64) (duplicate bool, err error) {
	if a.Event.DedupeKey == "" {
		return false, nil
	}
	var seq, expires int64
	var id string
	found, err := w.sql.findKey.text(a.Event.DedupeKey).int(webhook).first(func(row *stmt) {
		seq, id, expires = row.number(0), decodeID(row.view(1)), row.number(2)
	})
	if err != nil || !found || nanos(a.Event.ReceivedAt) >= expires {
		return false, err
	}
	a.result = store.Accepted{EventID: id, Duplicate: true}
	first, last := keysOf(seq)
	return true, w.sql.statesOf.int(first).int(last).each(func(row *stmt) bool {
		a.result.Steps = append(a.result.Steps, event.State(row.number(0)))
		return true
	})
}

func (a *acceptance) insertEvent(w *writer, seq, webhook int64) error {
	e := a.Event
	err := w.sql.insertEvent.int(seq).blob(a.id).int(webhook).orNull(nanos(e.ReceivedAt)).int(int64(a.Chain)).int(int64(len(a.Steps))).
		text(e.Method).text(e.URL).text(e.DedupeKey).blob(a.header).blob(e.Body).run()
	if fault, ok := errors.AsType[*dbError](err); ok && fault.code == lib.SQLITE_CONSTRAINT_UNIQUE {
		return fmt.Errorf("accept event %s: there is one of that id already: %w", e.ID, store.ErrState)
	}
	return err
}

func (a *acceptance) insertStep(w *writer, seq, webhook int64, step int) error {
	destination, err := w.intern(a.Steps[step].Destination)
	if err != nil {
		return err
	}
	key, state := keyOf(seq, step), a.Chain.First(step)
	received := nanos(a.Event.ReceivedAt)
	if err := w.sql.insertDelivery.int(key).int(destination).int(webhook).int(int64(state)).orNull(received).run(); err != nil {
		return err
	}
	w.counts[counter{destination, accepted}]++
	w.counts[counter{destination, int64(state)}]++
	a.result.Steps[step] = state
	if until := a.Steps[step].LeaseUntil; !until.IsZero() && state == event.Pending {
		a.result.Leases[step] = w.lease(key, until, &lease{
			destination: destination, id: event.DeliveryID{Event: a.Event.ID, Step: step}, name: a.Steps[step].Destination,
			chain: a.Chain, steps: len(a.Steps),
		})
	}
	return nil
}

func (a *acceptance) insertKey(w *writer, seq, webhook int64) error {
	if a.Event.DedupeKey == "" {
		return nil
	}
	expires := nanos(a.Event.ReceivedAt.Add(a.DedupeWindow))
	return w.sql.insertKey.text(a.Event.DedupeKey).int(webhook).int(seq).blob(a.id).int(expires).run()
}

// lease gives a lease of a delivery; the transaction takes it back if it fails.
func (w *writer) lease(key int64, until time.Time, given *lease) store.Lease {
	w.fence++
	given.fence, given.until = w.fence, nanos(until)
	before := w.leases.get(key)
	w.leases.put(key, given)
	w.undo = append(w.undo, func() {
		w.leases.drop(key)
		if before != nil {
			w.leases.put(key, before)
		}
	})
	return store.Lease{Delivery: given.id, Key: key, Fence: given.fence, Until: until}
}

// unlease takes a lease away; the transaction gives it back if it fails.
func (w *writer) unlease(key int64) {
	held := w.leases.get(key)
	if held == nil {
		return
	}
	w.leases.drop(key)
	w.undo = append(w.undo, func() { w.leases.put(key, held) })
}
