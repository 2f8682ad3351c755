package sqlite

import (
	"context"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// Counts gives the counters. It reads a few rows for each destination.
func (s *Store) Counts(ctx context.Context) (store.Counts, error) {
	t := tally{}
	err := s.read(ctx, func(c *conn) error {
		return c.counters(func(destination string, kind, n int64) {
			one := t.of(destination)
			switch {
			case kind == accepted:
				one.Accepted = n
			case kind > retired:
				one.Retired[event.State(kind-retired)] = n
			default:
				one.States[event.State(kind)] = n
			}
		})
	})
	return t.counts(), err
}

// Recount counts the deliveries that there are, and adds those that retention has deleted. It reads all of them: a second
// or more for a million, beside the writer.
func (s *Store) Recount(ctx context.Context) (store.Counts, error) {
	t := tally{}
	err := s.read(ctx, func(c *conn) error {
		err := c.counters(func(destination string, kind, n int64) {
			if kind > retired {
				t.of(destination).Retired[event.State(kind-retired)] = n
				t.add(destination, event.State(kind-retired), n)
			}
		})
		if err != nil {
			return err
		}
		q := &query{sql: `SELECT n.name, c.state, c.n FROM (SELECT destination, state, count(*) AS n FROM deliveries GROUP BY 1, 2) c
			JOIN names n ON n.id = c.destination`}
		return q.each(c, func(row *stmt) bool {
			t.add(row.string(0), event.State(row.number(1)), row.number(2))
			return true
		})
	})
	return t.counts(), err
}

// counters reads the table of counters.
func (c *conn) counters(read func(destination string, kind, n int64)) error {
	q := &query{sql: "SELECT n.name, c.kind, c.n FROM counters c JOIN names n ON n.id = c.destination WHERE c.n <> 0"}
	return q.each(c, func(row *stmt) bool {
		read(row.string(0), row.number(1), row.number(2))
		return true
	})
}

// tally gathers counts.
type tally map[string]*store.Count

func (t tally) of(destination string) *store.Count {
	one := t[destination]
	if one == nil {
		one = &store.Count{States: map[event.State]int64{}, Retired: map[event.State]int64{}}
		t[destination] = one
	}
	return one
}

func (t tally) add(destination string, state event.State, n int64) {
	one := t.of(destination)
	one.Accepted += n
	one.States[state] += n
}

func (t tally) counts() store.Counts {
	counts := make(store.Counts, len(t))
	for destination, one := range t {
		counts[destination] = *one
	}
	return counts
}

// Backlogs says how much is pending. It reads a few index entries for each destination, and one for each lease.
func (s *Store) Backlogs(ctx context.Context) (map[string]store.Backlog, error) {
	backlogs := map[string]store.Backlog{}
	err := s.read(ctx, func(c *conn) error {
		q := &query{sql: `SELECT n.name, c.n, n.id FROM counters c JOIN names n ON n.id = c.destination WHERE c.kind = 1 AND c.n > 0`}
		var failure error
		err := q.each(c, func(row *stmt) bool {
			name, pending := row.string(0), row.number(1)
			var b store.Backlog
			if b, failure = s.backlog(c, row.number(2)); failure != nil {
				return false
			}
			b.Pending = pending
			backlogs[name] = b
			return true
		})
		return firstOf(err, failure)
	})
	return backlogs, err
}

func (s *Store) backlog(c *conn, destination int64) (b store.Backlog, err error) {
	const fresh = `SELECT key, received_at, received_at FROM deliveries WHERE destination = ? AND due IS NULL AND state = 1 ORDER BY key`
	const scheduled = `SELECT key, due, received_at FROM deliveries WHERE destination = ? AND due > 0 AND state = 1 ORDER BY due`
	const oldest = `SELECT key, due, received_at FROM deliveries WHERE destination = ? AND due IS NOT NULL ORDER BY key LIMIT 1`
	held := s.leases.all(destination)
	for _, l := range held {
		b.NextDueAt = earlier(b.NextDueAt, at(l.until))
	}
	see := func(sql string, seen func(key int64, due, received time.Time) (more bool)) {
		if err != nil {
			return
		}
		q := &query{sql: sql, args: []any{destination}}
		err = q.each(c, func(row *stmt) bool { return seen(row.number(0), at(row.number(1)), at(row.number(2))) })
	}
	firstDue := func(key int64, due, _ time.Time) bool {
		if held[key] != nil {
			return true
		}
		b.NextDueAt = earlier(b.NextDueAt, due)
		return false
	}
	see(fresh, func(key int64, due, received time.Time) bool {
		b.OldestReceivedAt = earlier(b.OldestReceivedAt, received)
		return firstDue(key, due, received)
	})
	see(scheduled, firstDue)
	see(oldest, func(_ int64, _, received time.Time) bool {
		b.OldestReceivedAt = earlier(b.OldestReceivedAt, received)
		return false
	})
	return b, err
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
