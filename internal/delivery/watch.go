package delivery

import (
	"sync"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// watches are the events whose senders still wait to hear what became of them.
type watches struct {
	mu      sync.Mutex
	byEvent map[string]*watch // guarded by mu
}

// watch waits for all steps of one event.
type watch struct {
	done      chan bool // of capacity 1, so that telling never blocks
	remaining uint32    // a bit for each step that is not delivered yet
}

func (w *watches) add(eventID string, steps int) <-chan bool {
	one := &watch{done: make(chan bool, 1), remaining: 1<<steps - 1}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.byEvent[eventID] = one
	return one.done
}

func (w *watches) forget(eventID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.byEvent, eventID)
}

// ended notes the end of a step and tells the sender when that decides about the event.
func (w *watches) ended(m store.Moved) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.byEvent[m.Delivery.Event]
	if one == nil {
		return
	}
	delivered := m.State == event.Delivered
	if delivered {
		one.remaining &^= 1 << m.Delivery.Step
	}
	if one.remaining == 0 || !delivered {
		one.done <- delivered
		delete(w.byEvent, m.Delivery.Event)
	}
}
