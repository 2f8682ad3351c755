package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// Settle writes what an attempt came to, and what follows from that for its chain, in one transaction. It blocks for one
// group commit, behind at most one other that is under way, and for a place in the queue of writes. If a crash takes it,
// the delivery is still pending and due.
func (s *Store) Settle(ctx context.Context, settlement store.Settlement) ([]store.Moved, error) {
	switch settlement.State {
	case event.Delivered, event.Dead, event.Pending:
	default:
		return nil, fmt.Errorf("settle %v as %v: %w", settlement.Lease.Delivery, settlement.State, store.ErrState)
	}
	settling := settling{Settlement: settlement}
	if err := s.write(ctx, settling.apply); err != nil {
		return nil, err
	}
	return settling.moved, nil
}

// settling is a settlement on its way.
type settling struct {
	store.Settlement
	moved []store.Moved
}

func (t *settling) apply(w *writer) error {
	key := t.Lease.Key
	held := w.leases.get(key)
	if held == nil || held.fence != t.Lease.Fence {
		return fmt.Errorf("settle %v: %w", t.Lease.Delivery, store.ErrLeaseLost)
	}
	chain := &chain{rule: held.chain, event: held.id.Event, seq: seqOf(key)}
	if held.steps > 1 {
		if err := chain.load(w); err != nil {
			return err
		}
	}
	to := t.State
	if to == event.Pending && chain.rule.Cut(chain.states, held.id.Step) {
		to = event.Skipped
	}
	if err := t.write(w, held, to); err != nil {
		return err
	}
	w.unlease(key)
	w.moved(held.destination, event.Pending, to)
	t.moved = append(t.moved, moved(held.id, held.name, to, t.NextAttemptAt))
	if held.steps == 1 || !to.Ended() {
		return nil
	}
	chain.states[held.id.Step] = to
	followers, err := chain.follow(w, chain.rule.Ended(chain.states, held.id.Step), t.endedAt())
	t.moved = append(t.moved, followers...)
	return err
}

// endedAt is when the attempt ended: the store has no clock of its own.
func (t *settling) endedAt() time.Time { return t.Attempt.StartedAt.Add(t.Attempt.Took) }

// write writes the delivery and the attempt.
func (t *settling) write(w *writer, held *lease, to event.State) error {
	attempts, spent := held.attempts+1, held.spent
	if t.Spent {
		spent++
	}
	due, ended := int64(0), nanos(t.endedAt())
	if to == event.Pending {
		due, ended = nanos(t.NextAttemptAt), 0
	}
	firstAttemptAt := held.firstAttemptAt
	if firstAttemptAt == 0 {
		firstAttemptAt = nanos(t.Attempt.StartedAt)
	}
	a, update := t.Attempt, w.sql.settle
	if a.Class != "" {
		update = w.sql.settleFailed
	}
	update.int(int64(to)).orNull(due).int(attempts).int(spent).orNull(firstAttemptAt).orNull(ended)
	if a.Class != "" {
		update.text(a.Class).text(a.Code).text(a.Error)
	}
	if err := update.int(t.Lease.Key).run(); err != nil {
		return err
	}
	return w.sql.insertAttempt.int(t.Lease.Key).int(attempts).orNull(nanos(a.StartedAt)).int(int64(a.Took)).text(string(a.Outcome)).
		text(a.Class).text(a.Code).text(a.Error).text(a.Receipt).text(a.Response).orNull(nanos(a.NextAttemptAt)).run()
}

func moved(id event.DeliveryID, destination string, to event.State, due time.Time) store.Moved {
	m := store.Moved{Delivery: id, Destination: destination, State: to}
	if to == event.Pending {
		m.DueAt = due
	}
	return m
}
