package delivery

import (
	"context"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// Accept makes an event durable and begins to deliver it. Steps whose lane has a slot free are stored as already leased
// and handed over in memory; the others are stored pending, for their lanes to claim. entry.Steps is written to.
//
// With watch the channel receives once: true when every step is delivered, false as soon as one ended otherwise. Whoever
// stops waiting before must call Forget with the event's id. For a duplicate, and without watch, the channel is nil.
func (e *Engine) Accept(ctx context.Context, entry store.Entry, watch bool) (store.Accepted, <-chan bool, error) {
	var slots reservation
	slots.reserve(e.byName(), entry, time.Now())
	var done <-chan bool
	if watch {
		done = e.watches.add(entry.Event.ID, len(entry.Steps))
	}
	accepted, err := e.store.Accept(ctx, entry)
	if err != nil || accepted.Duplicate {
		slots.cancel()
		if watch {
			e.watches.forget(entry.Event.ID)
		}
		return accepted, nil, err
	}
	e.begin(entry, accepted, &slots) //nolint:contextcheck // attempts end with their lane, not with the request
	return accepted, done, nil
}

// Forget drops the watch of an event, if it is still there.
func (e *Engine) Forget(eventID string) { e.watches.forget(eventID) }

// begin starts what was handed over and tells the lanes of the rest.
func (e *Engine) begin(entry store.Entry, accepted store.Accepted, slots *reservation) {
	lanes := e.byName()
	for i, step := range entry.Steps {
		l := slots.of[i]
		if l != nil && accepted.Leases[i] != (store.Lease{}) {
			l.begin(store.Job{Lease: accepted.Leases[i], Event: entry.Event, Since: entry.Event.ReceivedAt}, handedOver)
			continue
		}
		if l != nil {
			l.gate.cancel()
		}
		if l = lanes[step.Destination]; l != nil && accepted.Steps[i] == event.Pending {
			l.gate.due(time.Now())
		}
	}
}

// reservation is the slots that are taken for the steps of an event until it is durable.
type reservation struct {
	of [event.MaxSteps]*lane // by step; nil where none was free
}

// reserve takes a slot for each step that starts at once and whose lane has one, and writes the lease into the step.
func (r *reservation) reserve(lanes map[string]*lane, entry store.Entry, now time.Time) {
	for i := range entry.Steps {
		if entry.Chain.First(i) != event.Pending {
			continue
		}
		if l := lanes[entry.Steps[i].Destination]; l != nil && l.gate.reserve(now) {
			r.of[i] = l
			entry.Steps[i].LeaseUntil = now.Add(l.leaseLength())
		}
	}
}

func (r *reservation) cancel() {
	for _, l := range r.of {
		if l != nil {
			l.gate.cancel()
		}
	}
}
