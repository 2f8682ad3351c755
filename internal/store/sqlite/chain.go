package sqlite

import (
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// chain is an event's steps as they stand in the open transaction.
type chain struct {
	rule         event.Chain
	event        string
	seq          int64
	states       []event.State
	destinations []int64
}

// loadChain reads the chain of an event; found is false when the event is gone.
func (w *writer) loadChain(seq int64) (c *chain, found bool, err error) {
	c = &chain{seq: seq}
	found, err = w.sql.chainOf.int(seq).first(func(row *stmt) {
		c.event, c.rule = decodeID(row.view(0)), event.Chain(row.number(1))
	})
	if err != nil || !found {
		return c, found, err
	}
	return c, true, c.load(w)
}

// load reads the steps.
func (c *chain) load(w *writer) error {
	first, last := keysOf(c.seq)
	return w.sql.siblings.int(first).int(last).each(func(row *stmt) bool {
		c.states = append(c.states, event.State(row.number(1)))
		c.destinations = append(c.destinations, row.number(2))
		return true
	})
}

func (c *chain) id(step int) event.DeliveryID { return event.DeliveryID{Event: c.event, Step: step} }

// follow writes what follows for other steps of the chain. A step that a worker holds is left to its worker: its
// settlement finds that the chain has stopped.
func (c *chain) follow(w *writer, changes []event.Change, now time.Time) ([]store.Moved, error) {
	var followed []store.Moved
	for _, change := range changes {
		if w.leases.get(keyOf(c.seq, change.Step)) != nil {
			continue
		}
		m, err := c.move(w, change.Step, change.To, now)
		if err != nil {
			return nil, err
		}
		followed = append(followed, m)
	}
	return followed, nil
}

// move writes another state of a step; one that becomes pending is due at now.
func (c *chain) move(w *writer, step int, to event.State, now time.Time) (store.Moved, error) {
	key, from := keyOf(c.seq, step), c.states[step]
	var err error
	switch {
	case to == event.Pending && from.Ended() && from != event.Skipped:
		err = w.sql.revive.orNull(nanos(now)).orNull(nanos(now)).int(key).run()
	case to.Ended():
		err = w.sql.end.int(int64(to)).orNull(nanos(now)).int(key).run()
	default:
		due := int64(0)
		if to == event.Pending {
			due = nanos(now)
		}
		err = w.sql.release.int(int64(to)).orNull(due).int(key).run()
	}
	c.states[step] = to
	w.moved(c.destinations[step], from, to)
	return moved(c.id(step), w.nameOf(c.destinations[step]), to, now), err
}
