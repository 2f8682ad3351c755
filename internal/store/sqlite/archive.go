package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// The methods of the archive read a snapshot beside the writer: they block for a free connection and for their own reads,
// never for a commit, and change nothing.

// Event gives an event with its body. It reads one row.
func (s *Store) Event(ctx context.Context, id string) (*event.Event, error) {
	var e *event.Event
	err := s.read(ctx, func(c *conn) error {
		q, err := c.prepared(`SELECT n.name, e.received_at, e.method, e.url, e.dedupe_key, e.header, e.body
			FROM events e JOIN names n ON n.id = e.webhook WHERE e.id = ?`)
		if err != nil {
			return err
		}
		var headerErr error
		_, err = q.blob(encodeID(id)).first(func(row *stmt) {
			e = &event.Event{
				ID: id, Webhook: row.string(0), ReceivedAt: at(row.number(1)), Method: row.string(2), URL: row.string(3),
				DedupeKey: row.string(4), Body: row.bytes(6),
			}
			e.Header, headerErr = decodeHeader(row.view(5))
		})
		if err == nil && e == nil {
			return noEvent(id)
		}
		return firstOf(err, headerErr)
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func noEvent(id string) error { return fmt.Errorf("event %q: %w", id, store.ErrNotFound) }

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Deliveries gives those of one event. It reads a row for each.
func (s *Store) Deliveries(ctx context.Context, eventID string) ([]event.Delivery, error) {
	var found []event.Delivery
	err := s.read(ctx, func(c *conn) error {
		seq, err := c.seqOf(eventID)
		if err != nil {
			return err
		}
		first, last := keysOf(seq)
		q, err := c.prepared(selectDeliveries + " WHERE d.key BETWEEN ? AND ? ORDER BY d.key")
		if err != nil {
			return err
		}
		return q.int(first).int(last).each(func(row *stmt) bool {
			found = append(found, s.delivery(row))
			return true
		})
	})
	return found, err
}

// seqOf finds the number of an event.
func (c *conn) seqOf(eventID string) (seq int64, err error) {
	q, err := c.prepared("SELECT seq FROM events WHERE id = ?")
	if err != nil {
		return 0, err
	}
	found, err := q.blob(encodeID(eventID)).first(func(row *stmt) { seq = row.number(0) })
	if err == nil && !found {
		err = noEvent(eventID)
	}
	return seq, err
}

// selectDeliveries begins every query whose rows the method delivery reads.
const selectDeliveries = `SELECT d.key, e.id, w.name, n.name, d.state, d.attempts, d.spent, d.received_at, d.due, d.replayed_at,
	d.ended_at, d.class, d.code, d.error
	FROM deliveries d CROSS JOIN events e ON e.seq = d.key >> 5
	CROSS JOIN names n ON n.id = d.destination CROSS JOIN names w ON w.id = d.webhook`

func (s *Store) delivery(row *stmt) event.Delivery {
	key, received, due, replayed := row.number(0), row.number(7), row.number(8), row.number(9)
	d := event.Delivery{
		ID: event.DeliveryID{Event: decodeID(row.view(1)), Step: stepOf(key)}, Webhook: row.string(2), Destination: row.string(3),
		State: event.State(row.number(4)), Attempts: int(row.number(5)), Spent: int(row.number(6)),
		ReceivedAt: at(received), Since: at(received), EndedAt: at(row.number(10)),
		LastClass: row.string(11), LastCode: row.string(12), LastError: row.string(13),
	}
	if replayed != 0 {
		d.Since = at(replayed)
	}
	if d.State != event.Pending {
		return d
	}
	d.NextAttemptAt = at(received)
	if due != 0 {
		d.NextAttemptAt = at(due)
	}
	if held := s.leases.get(key); held != nil {
		d.Leased, d.NextAttemptAt = true, at(held.until)
	}
	return d
}

// Attempts gives those of one delivery, oldest first. It reads a row for each.
func (s *Store) Attempts(ctx context.Context, id event.DeliveryID) ([]event.Attempt, error) {
	var found []event.Attempt
	err := s.read(ctx, func(c *conn) error {
		key, err := c.deliveryKey(id)
		if err != nil {
			return err
		}
		q, err := c.prepared(`SELECT number, started_at, took, outcome, class, code, error, receipt, response, next_attempt_at
			FROM attempts WHERE delivery = ? ORDER BY number`)
		if err != nil {
			return err
		}
		return q.int(key).each(func(row *stmt) bool {
			found = append(found, attempt(row))
			return true
		})
	})
	return found, err
}

func (c *conn) deliveryKey(id event.DeliveryID) (int64, error) {
	seq, err := c.seqOf(id.Event)
	if err != nil {
		return 0, err
	}
	q, err := c.prepared("SELECT 1 FROM deliveries WHERE key = ?")
	if err != nil {
		return 0, err
	}
	if id.Step < 0 || id.Step >= event.MaxSteps {
		return 0, fmt.Errorf("delivery %v: %w", id, store.ErrNotFound)
	}
	key := keyOf(seq, id.Step)
	found, err := q.int(key).first(func(*stmt) {})
	if err == nil && !found {
		err = fmt.Errorf("delivery %v: %w", id, store.ErrNotFound)
	}
	return key, err
}

func attempt(row *stmt) event.Attempt {
	return event.Attempt{
		Number: int(row.number(0)), StartedAt: at(row.number(1)), Took: time.Duration(row.number(2)),
		Outcome: event.Outcome(row.string(3)), Class: row.string(4), Code: row.string(5), Error: row.string(6),
		Receipt: row.string(7), Response: row.string(8), NextAttemptAt: at(row.number(9)),
	}
}
