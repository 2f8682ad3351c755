package chaos

import (
	"fmt"
	"sync"
	"time"
)

// ledger is the record outside of the gateway: what senders were promised, and what arrived at the destinations. Events
// are known by keys of our own, which travel in their bodies.
type ledger struct {
	mu sync.Mutex
	// life counts the processes: a confirmation and a later arrival of different lives have a kill between them.
	life  int
	ended []time.Time // when each life was ended
	// acked holds the id that each key was answered 2xx with.
	acked map[string]string
	// arrived holds what arrived at each step.
	arrived map[place][]arrival
}

// place is one delivery: an event, by its key, at a step of its webhook.
type place struct {
	webhook string
	step    int
	key     string
}

// arrival is one attempt that the destination saw.
type arrival struct {
	eventID     string
	life        int
	at          time.Time
	confirmedAt time.Time // zero: it was not answered 200
}

func newLedger() *ledger {
	return &ledger{acked: map[string]string{}, arrived: map[place][]arrival{}}
}

// promised records a 2xx. The same key must always be the same event.
func (l *ledger) promised(key, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, known := l.acked[key]; known && before != id {
		return fmt.Errorf("key %s was answered with event %s, and before with %s", key, id, before)
	}
	l.acked[key] = id
	return nil
}

// arrive records an attempt and gives its number at its place.
func (l *ledger) arrive(p place, eventID string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrived[p] = append(l.arrived[p], arrival{eventID: eventID, life: l.life, at: time.Now()})
	return len(l.arrived[p]) - 1
}

// confirm records that an attempt is being answered 200.
func (l *ledger) confirm(p place, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrived[p][number].confirmedAt = time.Now()
}

// lifeEnds records that the process is about to be ended; nextLife that none of its requests is under way any more.
func (l *ledger) lifeEnds() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = append(l.ended, time.Now())
}

func (l *ledger) nextLife() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.life++
}
