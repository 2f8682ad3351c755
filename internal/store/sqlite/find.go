package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

const (
	defaultPage = 50
	largestPage = 1000
)

// FindEvents lists events, the newest first. A page by key or time reads an index; others read thin rows from the newest
// event on until the page is full.
func (s *Store) FindEvents(ctx context.Context, f store.EventFilter, p store.PageRequest) (store.Page[store.EventSummary], error) {
	limit, before, err := pageBounds(p)
	if err != nil {
		return store.Page[store.EventSummary]{}, err
	}
	var page pageOf[store.EventSummary]
	err = s.read(ctx, func(c *conn) error {
		q, err := c.eventQuery(f)
		if err != nil {
			return orNothing(err)
		}
		q.and("d.key < ?", before)
		q.sql = selectEvents + q.sql + " ORDER BY d.key DESC LIMIT ?"
		return page.fill(c, limit, q, eventSummary)
	})
	return page.Page, err
}

// FindDeliveries lists deliveries, those of the newest event first. A page of one event, of a short time, of dead
// letters, or of what is pending reads little more than it returns; others read from the newest delivery on until the
// page is full.
func (s *Store) FindDeliveries(ctx context.Context, f store.Filter, p store.PageRequest) (store.Page[event.Delivery], error) {
	limit, before, err := pageBounds(p)
	if err != nil {
		return store.Page[event.Delivery]{}, err
	}
	var page pageOf[event.Delivery]
	err = s.read(ctx, func(c *conn) error {
		q, err := c.deliveryQuery(f)
		if err != nil {
			return orNothing(err)
		}
		q.and("d.key < ?", before)
		q.sql = selectDeliveries + q.sql + " ORDER BY d.key DESC LIMIT ?"
		return page.fill(c, limit, q, func(row *stmt) (event.Delivery, error) { return s.delivery(row), nil })
	})
	return page.Page, err
}

// CountDeliveries counts what matches, up to limit. It reads every delivery that could match.
func (s *Store) CountDeliveries(ctx context.Context, f store.Filter, limit int) (n int, err error) {
	err = s.read(ctx, func(c *conn) error {
		q, err := c.deliveryQuery(f)
		if err != nil {
			return orNothing(err)
		}
		bound := int64(limit)
		if limit == 0 {
			bound = -1
		}
		q.sql = "SELECT count(*) FROM (SELECT 1 FROM deliveries d" + q.sql + " LIMIT ?)"
		q.args = append(q.args, bound)
		return q.each(c, func(row *stmt) bool {
			n = int(row.number(0))
			return true
		})
	})
	return n, err
}

// errNothing says that nothing can match, because what the filter names does not exist.
var errNothing = errors.New("nothing matches")

func orNothing(err error) error {
	if errors.Is(err, errNothing) {
		return nil
	}
	return err
}

// query is a statement with its arguments, integers and strings.
type query struct {
	sql  string
	args []any
}

// and adds a condition.
func (q *query) and(condition string, args ...any) {
	if q.sql == "" {
		q.sql = " WHERE "
	} else {
		q.sql += " AND "
	}
	q.sql += condition
	q.args = append(q.args, args...)
}

func (q *query) each(c *conn, read func(row *stmt) bool) error {
	s, err := c.prepared(q.sql)
	if err != nil {
		return err
	}
	for _, arg := range q.args {
		switch v := arg.(type) {
		case int64:
			s.int(v)
		case string:
			s.text(v)
		}
	}
	return s.each(read)
}

// eventQuery is the query of a page of events: each is found by its first delivery, because those rows are thin.
func (c *conn) eventQuery(f store.EventFilter) (*query, error) {
	q, err := c.deliveryQuery(store.Filter{Webhook: f.Webhook, After: f.After, Before: f.Before})
	if err != nil {
		return nil, err
	}
	q.and("d.key & 31 = 0")
	if f.DedupeKey != "" {
		q.and("d.key IN (SELECT seq * 32 FROM dedupe WHERE key = ? AND gone = 0)", f.DedupeKey)
	}
	return q, nil
}

// selectEvents begins the query whose rows eventSummary reads.
const selectEvents = `SELECT d.key, e.id, n.name, e.received_at, e.dedupe_key, e.header, length(e.body),
	(SELECT group_concat(state) FROM (SELECT state FROM deliveries WHERE key BETWEEN d.key AND d.key + 31 ORDER BY key))
	FROM deliveries d CROSS JOIN events e ON e.seq = d.key >> 5 CROSS JOIN names n ON n.id = e.webhook`

func eventSummary(row *stmt) (store.EventSummary, error) {
	header, err := decodeHeader(row.view(5))
	e := store.EventSummary{
		ID: decodeID(row.view(1)), Webhook: row.string(2), ReceivedAt: at(row.number(3)), DedupeKey: row.string(4),
		ContentType: header.Get("Content-Type"), Size: int(row.number(6)),
	}
	for state := range strings.SplitSeq(row.string(7), ",") {
		n, convErr := strconv.Atoi(state)
		err = errors.Join(err, convErr)
		e.States = append(e.States, event.State(n))
	}
	return e, err
}

// deliveryQuery gives the conditions of a filter.
func (c *conn) deliveryQuery(f store.Filter) (*query, error) {
	q := &query{}
	if f.EventID != "" {
		seq, err := c.seqOf(f.EventID)
		if errors.Is(err, store.ErrNotFound) {
			return nil, errNothing
		} else if err != nil {
			return nil, err
		}
		first, last := keysOf(seq)
		q.and("d.key BETWEEN ? AND ?", first, last)
	}
	if err := errors.Join(c.named(q, "+d.webhook = ?", f.Webhook), c.named(q, "+d.destination = ?", f.Destination)); err != nil {
		return nil, err
	}
	if err := c.inStates(q, f.States); err != nil {
		return nil, err
	}
	if f.Class != "" {
		q.and("d.class = ?", string(f.Class))
	}
	if f.Code != "" {
		q.and("d.code = ?", f.Code)
	}
	return q, c.within(q, f.After, f.Before)
}

// named adds a condition on an interned name.
func (c *conn) named(q *query, condition, name string) error {
	if name == "" {
		return nil
	}
	id, err := c.nameID(name)
	q.and(condition, id)
	return err
}

// fewPending is up to how many pending deliveries they are looked up by their index, which is in another order than
// pages are; when there are more, a page of them is full soon.
const fewPending = 20_000

// inStates adds the condition of the states. They are written literally, because a partial index is used only by a query
// that repeats its condition. One of several states is not worth an index.
func (c *conn) inStates(q *query, states []event.State) error {
	switch {
	case len(states) == 0:
		return nil
	case len(states) == 1 && states[0] >= event.Dead:
		q.and(fmt.Sprintf("d.state = %d AND d.state >= 4", states[0]))
		return nil
	case len(states) == 1 && states[0] == event.Pending:
		pending, err := c.number("SELECT coalesce(sum(n), 0) FROM counters WHERE kind = 1")
		if err != nil || pending <= fewPending {
			q.and("d.key IN (SELECT key FROM deliveries INDEXED BY deliveries_pending WHERE state = 1)")
			return err
		}
	}
	numbers := make([]string, len(states))
	for i, state := range states {
		numbers[i] = strconv.Itoa(int(state))
	}
	slices.Sort(numbers)
	q.and("+d.state IN (" + strings.Join(numbers, ",") + ")")
	return nil
}

// within adds the condition of the time. The index of the events' times gives the range of keys, so that an old hour of
// many months is found without reading all that came later.
func (c *conn) within(q *query, after, before time.Time) error {
	if after.IsZero() && before.IsZero() {
		return nil
	}
	bounds := &query{}
	between(bounds, "received_at", after, before)
	bounds.sql = "SELECT min(seq), max(seq) FROM events" + bounds.sql
	err := bounds.each(c, func(row *stmt) bool {
		first, _ := keysOf(row.number(0))
		_, last := keysOf(row.number(1))
		q.and("d.key BETWEEN ? AND ?", first, last)
		return true
	})
	between(q, "d.received_at", after, before)
	return err
}

func between(q *query, column string, after, before time.Time) {
	if !after.IsZero() {
		q.and(column+" >= ?", nanos(after))
	}
	if !before.IsZero() {
		q.and(column+" < ?", nanos(before))
	}
}

// nameID finds an interned name; errNothing when nothing of that name was ever stored.
func (c *conn) nameID(name string) (id int64, err error) {
	q, err := c.prepared("SELECT id FROM names WHERE name = ?")
	if err != nil {
		return 0, err
	}
	found, err := q.text(name).first(func(row *stmt) { id = row.number(0) })
	if err == nil && !found {
		err = errNothing
	}
	return id, err
}

// pageOf gathers a page. Its query's first column is the number or key by which the rows are in descending order.
type pageOf[T any] struct{ store.Page[T] }

// fill reads one row more than the page holds, to know whether there is another page.
func (p *pageOf[T]) fill(c *conn, limit int, q *query, read func(row *stmt) (T, error)) error {
	q.args = append(q.args, int64(limit+1))
	last := int64(0)
	var failure error
	err := q.each(c, func(row *stmt) bool {
		if len(p.Items) == limit {
			p.Next = strconv.FormatInt(last, 36)
			return false
		}
		item, err := read(row)
		p.Items, last, failure = append(p.Items, item), row.number(0), errors.Join(failure, err)
		return true
	})
	return errors.Join(err, failure)
}

// pageBounds reads a request: how many items, and the key below which they are.
func pageBounds(p store.PageRequest) (limit int, before int64, err error) {
	limit, before = min(p.Limit, largestPage), 1<<63-1
	if limit <= 0 {
		limit = defaultPage
	}
	if p.Cursor == "" {
		return limit, before, nil
	}
	before, err = strconv.ParseInt(p.Cursor, 36, 64)
	if err != nil || before < 0 {
		return 0, 0, fmt.Errorf("cursor %q: %w", p.Cursor, store.ErrCursor)
	}
	return limit, before, nil
}
