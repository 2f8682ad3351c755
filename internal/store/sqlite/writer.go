package sqlite

import (
	"errors"
	"fmt"
	"slices"

	"github.com/grapnel-dev/grapnel/internal/event"
)

// writer is what the writing goroutine works with: its connection, its statements, and the part of the state that it
// keeps in memory. Everything here belongs to that goroutine alone, but for the leases, which guard themselves.
type writer struct {
	conn   *conn
	sql    statements
	leases *leases
	// seq is that of the newest event.
	seq int64
	// names are the interned names; fence is the last fence that was given.
	names map[string]int64
	texts map[int64]string
	fence int64

	// What the open transaction did: changes of counters that are written at its end, and how to take back what it did in
	// memory.
	counts map[counter]int64
	undo   []func()
}

// counter is one number of the conservation equation. kind is accepted, a state, or retired + a state.
type counter struct {
	destination int64
	kind        int64
}

const (
	accepted = 0
	retired  = 16
)

func newWriter(c *conn, l *leases) (*writer, error) {
	if err := migrate(c); err != nil {
		return nil, err
	}
	w := &writer{conn: c, leases: l, counts: map[counter]int64{}}
	if err := w.sql.prepare(c); err != nil {
		return nil, err
	}
	return w, errors.Join(w.loadNames(), w.loadSequence(), w.nextEpoch())
}

// loadSequence continues after the newest event, also after one that only the dedupe keys remember: seq is never reused
// while anything points to it.
func (w *writer) loadSequence() (err error) {
	w.seq, err = w.conn.number("SELECT max(coalesce((SELECT max(seq) FROM events), 0), (SELECT value FROM meta WHERE name = 'seq'))")
	return err
}

// nextEpoch makes the leases of all earlier openings void: their fences are lower than any that are given from now on.
func (w *writer) nextEpoch() error {
	if err := w.conn.exec("UPDATE meta SET value = value + 1 WHERE name = 'epoch'"); err != nil {
		return err
	}
	epoch, err := w.conn.number("SELECT value FROM meta WHERE name = 'epoch'")
	w.fence = epoch << 32
	return err
}

func (w *writer) close() error { return w.conn.close() }

func (w *writer) begin() error { return w.sql.begin.run() }

// apply applies one call, unless its caller has given up by now.
func (w *writer) apply(c *call) error {
	if c.ctx.Err() != nil {
		return notJoined(c.ctx)
	}
	return c.do(w)
}

// commit writes the counters and makes the transaction durable.
func (w *writer) commit() error {
	for c, n := range w.counts {
		if err := w.sql.count.int(c.destination).int(c.kind).int(n).run(); err != nil {
			return err
		}
	}
	if err := w.sql.commit.run(); err != nil {
		return err
	}
	clear(w.counts)
	clear(w.undo)
	w.undo = w.undo[:0]
	return nil
}

// rollback takes back all that the transaction did, on disk and in memory. The database may have rolled back by itself
// already, as it does when the disk is full.
func (w *writer) rollback() error {
	clear(w.counts)
	for _, undo := range slices.Backward(w.undo) {
		undo()
	}
	w.undo = w.undo[:0]
	if w.conn.autocommit() {
		return nil
	}
	return w.sql.rollback.run()
}

// intern gives the number of a name, a new one if need be.
func (w *writer) intern(name string) (int64, error) {
	if id, ok := w.names[name]; ok {
		return id, nil
	}
	id := int64(len(w.names) + 1)
	if err := w.sql.insertName.int(id).text(name).run(); err != nil {
		return 0, err
	}
	w.names[name], w.texts[id] = id, name
	w.undo = append(w.undo, func() {
		delete(w.names, name)
		delete(w.texts, id)
	})
	return id, nil
}

// nameOf gives the name that was interned.
func (w *writer) nameOf(id int64) string { return w.texts[id] }

func (w *writer) loadNames() error {
	w.names, w.texts = map[string]int64{}, map[int64]string{}
	s, err := w.conn.prepared("SELECT id, name FROM names")
	if err != nil {
		return err
	}
	return s.each(func(row *stmt) bool {
		w.names[row.string(1)], w.texts[row.number(0)] = row.number(0), row.string(1)
		return true
	})
}

// moved counts a delivery that goes from one state to another.
func (w *writer) moved(destination int64, from, to event.State) {
	w.counts[counter{destination, int64(from)}]--
	w.counts[counter{destination, int64(to)}]++
}

// statements are those of the writer, prepared once.
type statements struct {
	begin, commit, rollback *stmt
	insertName, count       *stmt

	insertEvent, insertDelivery, findKey, insertKey, statesOf *stmt
	fresh, due, nextDue, payload                              *stmt
	settle, settleFailed, insertAttempt, chainOf, siblings    *stmt
	release, end, revive, delivery                            *stmt
	pause, resume                                             *stmt
	deleteEvent, deleteDeliveries, deleteAttempts             *stmt
	endings, retireSeq                                        *stmt
	gist, orphanKey, deleteKey, deleteExpired                 *stmt
}

func (q *statements) prepare(c *conn) error {
	for target, sql := range q.texts() {
		s, err := c.prepare(sql)
		if err != nil {
			return fmt.Errorf("the database's schema does not fit: %w", err)
		}
		*target = s
		c.stmts[sql] = s
	}
	return nil
}

func (q *statements) texts() map[**stmt]string {
	return map[**stmt]string{
		&q.begin: "BEGIN", &q.commit: "COMMIT", &q.rollback: "ROLLBACK",
		&q.insertName: "INSERT INTO names (id, name) VALUES (?, ?)",
		&q.count:      "INSERT INTO counters (destination, kind, n) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",

		&q.insertEvent: `INSERT INTO events (seq, id, webhook, received_at, chain, steps, method, url, dedupe_key, header, body)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		&q.insertDelivery: `INSERT INTO deliveries (key, destination, webhook, state, attempts, spent, received_at)
			VALUES (?, ?, ?, ?, 0, 0, ?)`,
		&q.findKey:   "SELECT seq, id, expires_at FROM dedupe WHERE key = ? AND webhook = ? ORDER BY seq DESC LIMIT 1",
		&q.insertKey: "INSERT INTO dedupe (key, webhook, seq, id, expires_at, gone) VALUES (?, ?, ?, ?, ?, 0)",
		&q.statesOf:  "SELECT state FROM deliveries WHERE key BETWEEN ? AND ? ORDER BY key",

		&q.fresh: `SELECT key, received_at, attempts, spent, replayed_at, first_attempt_at, received_at FROM deliveries
			WHERE destination = ? AND due IS NULL AND state = 1 ORDER BY key LIMIT ?`,
		&q.due: `SELECT key, due, attempts, spent, replayed_at, first_attempt_at, received_at FROM deliveries
			WHERE destination = ? AND due <= ? AND state = 1 ORDER BY due LIMIT ?`,
		&q.nextDue: "SELECT due FROM deliveries WHERE destination = ? AND due > ? AND state = 1 ORDER BY due LIMIT 1",
		&q.payload: "SELECT id, webhook, received_at, method, url, dedupe_key, header, body, chain, steps FROM events WHERE seq = ?",

		&q.settle: `UPDATE deliveries SET state = ?, due = ?, attempts = ?, spent = ?, first_attempt_at = ?, ended_at = ?
			WHERE key = ?`,
		&q.settleFailed: `UPDATE deliveries SET state = ?, due = ?, attempts = ?, spent = ?, first_attempt_at = ?, ended_at = ?,
			class = ?, code = ?, error = ? WHERE key = ?`,
		&q.insertAttempt: `INSERT INTO attempts (delivery, number, started_at, took, outcome, class, code, error, receipt, response,
			next_attempt_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		&q.chainOf:  "SELECT id, chain FROM events WHERE seq = ?",
		&q.siblings: "SELECT key, state, destination FROM deliveries WHERE key BETWEEN ? AND ? ORDER BY key",
		&q.release:  "UPDATE deliveries SET state = ?, due = ?, ended_at = NULL WHERE key = ?",
		&q.end:      "UPDATE deliveries SET state = ?, due = NULL, ended_at = ? WHERE key = ?",
		&q.revive: `UPDATE deliveries SET state = 1, due = ?, spent = 0, replayed_at = ?, first_attempt_at = NULL, ended_at = NULL
			WHERE key = ?`,
		&q.delivery: "SELECT state, destination FROM deliveries WHERE key = ?",

		&q.pause:  "INSERT INTO paused (destination, since) VALUES (?, ?) ON CONFLICT DO NOTHING",
		&q.resume: "DELETE FROM paused WHERE destination = ?",

		&q.deleteEvent:      "DELETE FROM events WHERE seq = ?",
		&q.deleteDeliveries: "DELETE FROM deliveries WHERE key BETWEEN ? AND ?",
		&q.deleteAttempts:   "DELETE FROM attempts WHERE delivery BETWEEN ? AND ?",
		&q.endings:          "SELECT key, state, ended_at, destination FROM deliveries WHERE key BETWEEN ? AND ? ORDER BY key",
		&q.retireSeq:        "UPDATE meta SET value = max(value, ?) WHERE name = 'seq'",
		&q.gist:             "SELECT webhook, dedupe_key, length(header) + length(body) FROM events WHERE seq = ?",
		&q.orphanKey:        "UPDATE dedupe SET gone = 1 WHERE key = ? AND webhook = ? AND seq = ? AND expires_at > ?",
		&q.deleteKey:        "DELETE FROM dedupe WHERE key = ? AND webhook = ? AND seq = ? AND gone = 0",
		&q.deleteExpired: `DELETE FROM dedupe WHERE (key, webhook, seq) IN
			(SELECT key, webhook, seq FROM dedupe WHERE gone = 1 AND expires_at <= ? ORDER BY expires_at LIMIT ?)`,
	}
}
