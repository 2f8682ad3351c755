package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// operatorBatch is how many deliveries Replay and Discard change in one call of the writer.
const operatorBatch = 100

// Replay starts ended deliveries again, oldest event first. Each batch blocks for one group commit and is durable when
// the next one begins; between them reads find what matches. A crash leaves whole batches done. It returns
// store.ErrNotFound for an event that does not exist, and store.ErrState when a filter names an event of which nothing
// can be replayed.
func (s *Store) Replay(ctx context.Context, f store.Filter, now time.Time, limit int) ([]store.Moved, error) {
	return s.operate(ctx, f, limit, operation{
		name: "replay", from: []event.State{event.Delivered, event.Dead, event.Discarded},
		apply: func(w *writer, c *chain, step int) ([]store.Moved, error) { return c.replay(w, step, now) },
	})
}

// Discard gives up deliveries that are pending and not leased, waiting or dead; otherwise as Replay.
func (s *Store) Discard(ctx context.Context, f store.Filter, now time.Time, limit int) ([]store.Moved, error) {
	return s.operate(ctx, f, limit, operation{
		name: "discard", from: []event.State{event.Pending, event.Waiting, event.Dead},
		apply: func(w *writer, c *chain, step int) ([]store.Moved, error) { return c.discard(w, step, now) },
	})
}

// operation is what an operator does to deliveries that are in one of the from states.
type operation struct {
	name  string
	from  []event.State
	apply func(w *writer, c *chain, step int) ([]store.Moved, error)
}

func (s *Store) operate(ctx context.Context, f store.Filter, limit int, op operation) ([]store.Moved, error) {
	if len(f.States) > 0 {
		op.from = slices.DeleteFunc(op.from, func(state event.State) bool { return !slices.Contains(f.States, state) })
	}
	f.States = op.from
	var all []store.Moved
	for done, last := 0, int64(-1); len(op.from) > 0; {
		keys, err := s.keysOf(ctx, f, last)
		if limit > 0 && len(keys) > limit-done {
			keys = keys[:limit-done]
		}
		if err != nil || len(keys) == 0 {
			return all, firstOf(err, s.nothingMoved(ctx, f, all, op))
		}
		batch, changed, err := s.operateBatch(ctx, keys, op)
		all, done, last = append(all, batch...), done+changed, keys[len(keys)-1]
		if err != nil || limit > 0 && done >= limit {
			return all, err
		}
	}
	return all, s.nothingMoved(ctx, f, all, op)
}

// nothingMoved says why nothing moved when the filter named one event.
func (s *Store) nothingMoved(ctx context.Context, f store.Filter, all []store.Moved, op operation) error {
	if f.EventID == "" || len(all) > 0 {
		return nil
	}
	if _, err := s.Deliveries(ctx, f.EventID); err != nil {
		return err
	}
	return fmt.Errorf("%s event %s: none of its deliveries that match: %w", op.name, f.EventID, store.ErrState)
}

// keysOf finds the next batch after a key.
func (s *Store) keysOf(ctx context.Context, f store.Filter, after int64) (keys []int64, err error) {
	err = s.read(ctx, func(c *conn) error {
		q, err := c.deliveryQuery(f)
		if err != nil {
			return orNothing(err)
		}
		q.and("d.key > ?", after)
		q.sql = "SELECT d.key FROM deliveries d" + q.sql + " ORDER BY d.key LIMIT ?"
		q.args = append(q.args, int64(operatorBatch))
		return q.each(c, func(row *stmt) bool {
			keys = append(keys, row.number(0))
			return true
		})
	})
	return keys, err
}

// operateBatch changes those of a batch that are still in a state for it.
func (s *Store) operateBatch(ctx context.Context, keys []int64, op operation) (moved []store.Moved, changed int, err error) {
	err = s.write(ctx, func(w *writer) error {
		moved, changed = nil, 0
		for _, key := range keys {
			c, found, err := w.loadChain(seqOf(key))
			step := stepOf(key)
			if err != nil {
				return err
			}
			if !found || !slices.Contains(op.from, c.states[step]) {
				continue
			}
			m, err := op.apply(w, c, step)
			if err != nil {
				return err
			}
			if len(m) > 0 {
				moved, changed = append(moved, m...), changed+1
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	return moved, changed, nil
}

// replay starts an ended step again, and brings back what its failure had skipped.
func (c *chain) replay(w *writer, step int, now time.Time) ([]store.Moved, error) {
	first, err := c.move(w, step, event.Pending, now)
	if err != nil {
		return nil, err
	}
	followed, err := c.follow(w, c.rule.Replayed(c.states, step), now)
	return append([]store.Moved{first}, followed...), err
}

// discard gives a step up, unless a worker has it.
func (c *chain) discard(w *writer, step int, now time.Time) ([]store.Moved, error) {
	key, from := keyOf(c.seq, step), c.states[step]
	if held := w.leases.get(key); held != nil && held.until > nanos(now) {
		return nil, nil
	}
	w.unlease(key)
	first, err := c.move(w, step, event.Discarded, now)
	if err != nil || from.Ended() {
		return []store.Moved{first}, err
	}
	followed, err := c.follow(w, c.rule.Ended(c.states, step), now)
	return append([]store.Moved{first}, followed...), err
}

// SetPaused pauses or resumes a destination. It blocks for one group commit.
func (s *Store) SetPaused(ctx context.Context, destination string, paused bool, now time.Time) error {
	if destination == "" {
		return errors.New("pause: a destination without a name")
	}
	return s.write(ctx, func(w *writer) error {
		if paused {
			return w.sql.pause.text(destination).orNull(nanos(now)).run()
		}
		return w.sql.resume.text(destination).run()
	})
}

// Paused lists the paused destinations. It reads a row for each.
func (s *Store) Paused(ctx context.Context) (map[string]time.Time, error) {
	paused := map[string]time.Time{}
	err := s.read(ctx, func(c *conn) error {
		q := &query{sql: "SELECT destination, since FROM paused"}
		return q.each(c, func(row *stmt) bool {
			paused[row.string(0)] = at(row.number(1))
			return true
		})
	})
	return paused, err
}
