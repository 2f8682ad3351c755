package sqlite

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// Claim leases deliveries that are due. It reads a few index entries more than it returns, however many are waiting, and
// writes nothing: it blocks for those reads, and for the commit of the writes that it was grouped with. Nothing of it
// survives a crash, after which all that was leased is due again.
func (s *Store) Claim(ctx context.Context, c store.Claim) (jobs []store.Job, next time.Time, err error) {
	claim := claim{Claim: c, now: nanos(c.Now)}
	if err := s.write(ctx, claim.apply); err != nil {
		return nil, time.Time{}, err
	}
	for i := range claim.jobs {
		// Headers are decoded here rather than by the writer, whose time is everybody's.
		if claim.jobs[i].Event.Header, err = decodeHeader(claim.headers[i]); err != nil {
			claim.jobs[i].Event.Header = http.Header{}
			s.log.Error("a stored header cannot be read; the event is delivered without it", "event", claim.jobs[i].Event.ID, "error", err)
		}
	}
	return claim.jobs, at(claim.next), nil
}

// claim is a claim on its way.
type claim struct {
	store.Claim
	now     int64
	jobs    []store.Job
	headers [][]byte
	next    int64
}

// candidate is a delivery that is due.
type candidate struct {
	key, due, attempts, spent, replayedAt, firstAttemptAt, receivedAt int64
}

func (c *claim) apply(w *writer) error {
	destination, known := w.names[c.Destination]
	if !known {
		return nil
	}
	live := w.leases.live(destination, c.now)
	due, err := c.candidates(w, destination, live)
	if err != nil {
		return err
	}
	for _, d := range due {
		if err := c.take(w, destination, d); err != nil {
			return err
		}
	}
	if len(due) < c.Limit {
		return c.findNext(w, destination, live)
	}
	return nil
}

// candidates lists what can be leased, the longest due first: a merge of the fresh ones, in the order of acceptance, with
// those that were scheduled. Leased ones stand among them and are passed over.
func (c *claim) candidates(w *writer, destination int64, live map[int64]*lease) ([]candidate, error) {
	var due []candidate
	limit := int64(c.Limit + len(live))
	collect := func(row *stmt) bool {
		if key := row.number(0); live[key] == nil {
			due = append(due, candidate{key, row.number(1), row.number(2), row.number(3), row.number(4), row.number(5), row.number(6)})
		}
		return true
	}
	if err := w.sql.fresh.int(destination).int(limit).each(collect); err != nil {
		return nil, err
	}
	if err := w.sql.due.int(destination).int(c.now).int(limit).each(collect); err != nil {
		return nil, err
	}
	slices.SortStableFunc(due, func(a, b candidate) int { return cmp.Compare(a.due, b.due) })
	return due[:min(len(due), c.Limit)], nil
}

func (c *claim) take(w *writer, destination int64, d candidate) error {
	job := store.Job{
		Attempts: int(d.attempts), Spent: int(d.spent), Since: at(cmp.Or(d.replayedAt, d.receivedAt)), FirstAttemptAt: at(d.firstAttemptAt),
	}
	given := &lease{destination: destination, name: c.Destination, attempts: d.attempts, spent: d.spent, firstAttemptAt: d.firstAttemptAt}
	_, err := w.sql.payload.int(seqOf(d.key)).first(func(row *stmt) {
		job.Event = &event.Event{
			ID: decodeID(row.view(0)), Webhook: w.nameOf(row.number(1)), ReceivedAt: at(row.number(2)),
			Method: row.string(3), URL: row.string(4), DedupeKey: row.string(5), Body: row.bytes(7),
		}
		c.headers = append(c.headers, row.bytes(6))
		given.chain, given.steps = event.Chain(row.number(8)), int(row.number(9))
	})
	if err != nil {
		return err
	}
	given.id = event.DeliveryID{Event: job.Event.ID, Step: stepOf(d.key)}
	job.Lease = w.lease(d.key, c.Until, given)
	c.jobs = append(c.jobs, job)
	return nil
}

// findNext finds when the next delivery is due: one that is scheduled, or one whose lease ends.
func (c *claim) findNext(w *writer, destination int64, live map[int64]*lease) error {
	err := w.sql.nextDue.int(destination).int(c.now).each(func(row *stmt) bool {
		c.next = row.number(0)
		return false
	})
	for _, held := range live {
		if c.next == 0 || held.until < c.next {
			c.next = held.until
		}
	}
	return err
}
