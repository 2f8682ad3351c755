package sqlite

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

const (
	// retainBatch is how many events are deleted in one call of the writer, retainScan how many deliveries are looked at
	// for them.
	retainBatch = 100
	retainScan  = 5000
	// rowOverhead is about what an event takes besides its header and body.
	rowOverhead = 300
)

// sweeps remember how far retention has looked: to look again from the beginning for every batch would read all that
// stays, again and again.
type sweeps struct {
	mu sync.Mutex
	// age and space are the keys after which the next batch begins.
	age, space int64
}

// Retain deletes one small batch. It looks for it beside the writer, at a bounded number of rows, and then blocks for one
// group commit. A crash leaves a batch deleted or not.
func (s *Store) Retain(ctx context.Context, r store.Retention, now time.Time) (deleted int, more bool, err error) {
	s.sweeps.mu.Lock()
	defer s.sweeps.mu.Unlock()
	rule := expiry{delivered: cutoff(r.Delivered, now), dead: cutoff(r.Dead, now)}
	deleted, more, err = s.sweep(ctx, &s.sweeps.age, rule, now)
	if err != nil || more || r.MaxBytes == 0 {
		return deleted, more, err
	}
	excess, err := s.excess(ctx, r.MaxBytes)
	if err != nil || excess <= 0 {
		s.sweeps.space = 0
		return deleted, false, err
	}
	forSpace, more, err := s.sweep(ctx, &s.sweeps.space, expiry{delivered: nanos(now), bytes: excess}, now)
	return deleted + forSpace, more, err
}

// expiry is the rule of one sweep: the times before which an event must have ended; 0 keeps all. bytes is how much it
// shall free; 0: all that it can.
type expiry struct{ delivered, dead, bytes int64 }

func cutoff(keep time.Duration, now time.Time) int64 {
	if keep == 0 {
		return 0
	}
	return nanos(now.Add(-keep))
}

// newest is the time after which nothing that was received can have expired.
func (e expiry) newest() int64 { return max(e.delivered, e.dead) }

// expired says whether an event whose deliveries are in these states, and of which the last ended then, may be deleted.
func (e expiry) expired(states []event.State, ended int64) bool {
	limit := e.delivered
	for _, state := range states {
		switch {
		case !state.Ended():
			return false
		case state != event.Delivered:
			limit = e.dead
		}
	}
	return limit != 0 && ended <= limit
}

// sweep deletes the next batch that a rule finds. more is false when it has come to the end; the next sweep begins anew.
func (s *Store) sweep(ctx context.Context, from *int64, rule expiry, now time.Time) (deleted int, more bool, err error) {
	found, next, err := s.expired(ctx, *from, rule)
	if err != nil {
		return 0, false, err
	}
	err = s.write(ctx, func(w *writer) (err error) {
		deleted, err = w.retire(found, rule, now)
		return err
	})
	if err != nil {
		return 0, false, err
	}
	*from = next
	return deleted, next != 0, nil
}

// expired looks for events to delete after a key. next is where to go on; 0 at the end.
func (s *Store) expired(ctx context.Context, from int64, rule expiry) (found []int64, next int64, err error) {
	newest := rule.newest()
	if newest == 0 {
		return nil, 0, nil
	}
	look := scan{rule: rule}
	err = s.read(ctx, func(c *conn) error {
		q := &query{sql: "SELECT key, state, ended_at, received_at FROM deliveries WHERE key > ? ORDER BY key", args: []any{from}}
		err := q.each(c, func(row *stmt) bool {
			return look.see(row.number(0), event.State(row.number(1)), row.number(2), row.number(3))
		})
		look.finish()
		return err
	})
	return look.found, look.next, err
}

// scan goes through deliveries in the order of acceptance, which is nearly that of reception.
type scan struct {
	rule  expiry
	found []int64 // numbers of events
	next  int64   // the key after which another scan goes on; 0: this one came to the end

	// The event that is being looked at, and how many deliveries were so far; young counts the latest in a row that were
	// received too lately.
	last        int64
	states      []event.State
	ended       int64
	seen, young int
}

// see takes one delivery, and says whether to go on.
func (s *scan) see(key int64, state event.State, ended, received int64) (more bool) {
	if len(s.states) > 0 && seqOf(key) != seqOf(s.last) {
		s.finish()
		if len(s.found) == retainBatch || s.seen >= retainScan {
			s.next = s.last
			return false
		}
	}
	s.seen, s.young = s.seen+1, s.young+1
	if received <= s.rule.newest() {
		s.young = 0
	}
	s.last, s.states, s.ended = key, append(s.states, state), max(s.ended, ended)
	// Where only young ones follow the end is reached: an older one behind them is found when they are old themselves.
	return s.young < retainScan/2
}

// finish judges the event that was being looked at.
func (s *scan) finish() {
	if len(s.states) > 0 && s.rule.expired(s.states, s.ended) {
		s.found = append(s.found, seqOf(s.last))
	}
	s.states, s.ended = s.states[:0], 0
}

// retire deletes events that are still expired: a replay may have come in between.
func (w *writer) retire(events []int64, rule expiry, now time.Time) (deleted int, err error) {
	for freed := int64(0); len(events) > 0 && (rule.bytes == 0 || freed < rule.bytes); events = events[1:] {
		size, err := w.retireOne(events[0], rule, now)
		if err != nil {
			return 0, err
		}
		if size > 0 {
			deleted, freed = deleted+1, freed+size
		}
	}
	return deleted, w.sql.deleteExpired.int(nanos(now)).int(retainBatch).run()
}

// retireOne deletes an event if it is still expired, and says about how many bytes that freed.
func (w *writer) retireOne(seq int64, rule expiry, now time.Time) (size int64, err error) {
	var destinations []int64
	look := scan{rule: rule}
	first, last := keysOf(seq)
	err = w.sql.endings.int(first).int(last).each(func(row *stmt) bool {
		destinations = append(destinations, row.number(3))
		return look.see(row.number(0), event.State(row.number(1)), row.number(2), 0)
	})
	states := slices.Clone(look.states)
	look.finish()
	if err != nil || len(look.found) == 0 {
		return 0, err
	}
	for i, state := range states {
		w.counts[counter{destinations[i], retired + int64(state)}]++
	}
	return w.deleteEvent(seq, now)
}

func (w *writer) deleteEvent(seq int64, now time.Time) (size int64, err error) {
	var webhook int64
	var key string
	_, err = w.sql.gist.int(seq).first(func(row *stmt) {
		webhook, key, size = row.number(0), row.string(1), row.number(2)+rowOverhead
	})
	if err == nil && key != "" {
		err = w.forgetKey(key, webhook, seq, now)
	}
	first, last := keysOf(seq)
	for _, rows := range []*stmt{w.sql.deleteAttempts, w.sql.deleteDeliveries} {
		if err == nil {
			err = rows.int(first).int(last).run()
		}
	}
	for _, row := range []*stmt{w.sql.deleteEvent, w.sql.retireSeq} {
		if err == nil {
			err = row.int(seq).run()
		}
	}
	return size, err
}

// forgetKey deletes the dedupe key of an event, or leaves it behind until its window has passed.
func (w *writer) forgetKey(key string, webhook, seq int64, now time.Time) error {
	if err := w.sql.orphanKey.text(key).int(webhook).int(seq).int(nanos(now)).run(); err != nil {
		return err
	}
	return w.sql.deleteKey.text(key).int(webhook).int(seq).run()
}

// excess says by how many bytes the store is larger than it may be: its pages that are in use, not the file's free ones.
func (s *Store) excess(ctx context.Context, most int64) (bytes int64, err error) {
	err = s.read(ctx, func(c *conn) error {
		pages, err1 := c.number("PRAGMA page_count")
		free, err2 := c.number("PRAGMA freelist_count")
		size, err3 := c.number("PRAGMA page_size")
		bytes = (pages-free)*size - most
		return firstOf(err1, err2, err3)
	})
	return bytes, err
}
