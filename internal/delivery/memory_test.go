package delivery

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// memory is the part of the store's contract that the engine uses, in memory: a store that works inside a bubble of
// fake time, forgets nothing when an engine stops, and fails when it is told to.
type memory struct {
	mu         sync.Mutex
	rows       []*row
	paused     map[string]time.Time
	acceptErr  error
	claimErr   error
	settleErr  error
	acceptTime time.Duration // how long Accept takes
	claimTime  time.Duration // how long Claim takes
	ignore     bool          // Accept ignores what it should lease
	claims     int           // calls of Claim
	duplicates map[string]string
}

type row struct {
	event.Delivery
	of    *event.Event
	chain event.Chain
	fence int64
	until time.Time // of the lease
	first time.Time
	tries []event.Attempt
}

func newMemory() *memory {
	return &memory{paused: map[string]time.Time{}, duplicates: map[string]string{}}
}

func (m *memory) Accept(_ context.Context, entry store.Entry) (store.Accepted, error) {
	time.Sleep(m.acceptTime)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.acceptErr != nil {
		return store.Accepted{}, m.acceptErr
	}
	accepted := store.Accepted{EventID: entry.Event.ID}
	if first, ok := m.duplicates[entry.Event.DedupeKey]; ok && entry.Event.DedupeKey != "" {
		return store.Accepted{EventID: first, Duplicate: true, Steps: m.states(first)}, nil
	}
	m.duplicates[entry.Event.DedupeKey] = entry.Event.ID
	for i, step := range entry.Steps {
		r := &row{of: entry.Event, chain: entry.Chain}
		r.Delivery = event.Delivery{
			ID: event.DeliveryID{Event: entry.Event.ID, Step: i}, Webhook: entry.Event.Webhook, Destination: step.Destination,
			State: entry.Chain.First(i), ReceivedAt: entry.Event.ReceivedAt, Since: entry.Event.ReceivedAt,
			NextAttemptAt: entry.Event.ReceivedAt,
		}
		m.rows = append(m.rows, r)
		lease := store.Lease{}
		if r.State == event.Pending && !step.LeaseUntil.IsZero() && !m.ignore {
			lease = r.lease(step.LeaseUntil)
		}
		accepted.Steps = append(accepted.Steps, r.State)
		accepted.Leases = append(accepted.Leases, lease)
	}
	return accepted, nil
}

func (r *row) lease(until time.Time) store.Lease {
	r.fence++
	r.until = until
	return store.Lease{Delivery: r.ID, Fence: r.fence, Until: until}
}

// due is when a row may be claimed.
func (r *row) due() time.Time { return later(r.NextAttemptAt, r.until) }

func (m *memory) Claim(ctx context.Context, c store.Claim) ([]store.Job, time.Time, error) {
	time.Sleep(m.claimTime)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claims++
	if err := cmp.Or(m.claimErr, ctx.Err()); err != nil {
		return nil, time.Time{}, err
	}
	var pending []*row
	for _, r := range m.rows {
		if r.Destination == c.Destination && r.State == event.Pending {
			pending = append(pending, r)
		}
	}
	slices.SortStableFunc(pending, func(a, b *row) int { return a.due().Compare(b.due()) })
	var jobs []store.Job
	for _, r := range pending {
		if len(jobs) == c.Limit {
			break
		}
		if r.due().After(c.Now) {
			return jobs, r.due(), nil
		}
		jobs = append(jobs, store.Job{
			Lease: r.lease(c.Until), Event: r.of, Attempts: r.Attempts, Spent: r.Spent, Since: r.Since, FirstAttemptAt: r.first,
		})
	}
	return jobs, time.Time{}, nil
}

func (m *memory) Settle(_ context.Context, s store.Settlement) ([]store.Moved, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.settleErr != nil {
		return nil, m.settleErr
	}
	r := m.row(s.Lease.Delivery)
	if r.fence != s.Lease.Fence || r.State != event.Pending {
		return nil, store.ErrLeaseLost
	}
	r.until = time.Time{}
	r.Attempts++
	if s.Spent {
		r.Spent++
	}
	if r.first.IsZero() {
		r.first = s.Attempt.StartedAt
	}
	r.tries = append(r.tries, s.Attempt)
	state := s.State
	if states := m.states(r.ID.Event); state == event.Pending && r.chain.Cut(states, r.ID.Step) {
		state = event.Skipped
	}
	r.NextAttemptAt = s.NextAttemptAt
	return m.move(r, state, s.NextAttemptAt), nil
}

// move changes the state of a row and of what follows from it.
func (m *memory) move(r *row, state event.State, due time.Time) []store.Moved {
	r.State = state
	moved := []store.Moved{{Delivery: r.ID, Destination: r.Destination, State: state, DueAt: due}}
	if !state.Ended() {
		return moved
	}
	for _, change := range r.chain.Ended(m.states(r.ID.Event), r.ID.Step) {
		other := m.row(event.DeliveryID{Event: r.ID.Event, Step: change.Step})
		if !other.until.IsZero() {
			continue
		}
		other.State, other.NextAttemptAt = change.To, time.Now()
		moved = append(moved, store.Moved{
			Delivery: other.ID, Destination: other.Destination, State: other.State, DueAt: other.NextAttemptAt,
		})
	}
	return moved
}

func (m *memory) Replay(_ context.Context, f store.Filter, now time.Time, _ int) ([]store.Moved, error) {
	return m.operate(f, func(r *row) []store.Moved {
		if !r.State.Ended() {
			return nil
		}
		r.Spent, r.Since, r.NextAttemptAt = 0, now, now
		return m.move(r, event.Pending, now)
	}), nil
}

func (m *memory) Discard(_ context.Context, f store.Filter, _ time.Time, _ int) ([]store.Moved, error) {
	return m.operate(f, func(r *row) []store.Moved {
		if r.State.Ended() && r.State != event.Dead || !r.until.IsZero() {
			return nil
		}
		return m.move(r, event.Discarded, time.Time{})
	}), nil
}

func (m *memory) operate(f store.Filter, change func(*row) []store.Moved) []store.Moved {
	m.mu.Lock()
	defer m.mu.Unlock()
	var moved []store.Moved
	for _, r := range m.rows {
		if f.EventID == "" || f.EventID == r.ID.Event {
			moved = append(moved, change(r)...)
		}
	}
	return moved
}

func (m *memory) SetPaused(_ context.Context, name string, paused bool, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.paused, name)
	if paused {
		m.paused[name] = now
	}
	return nil
}

func (m *memory) Paused(context.Context) (map[string]time.Time, error) { return m.paused, nil }

// crash voids the leases, as an embedded store does when it is opened again.
func (m *memory) crash() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.rows {
		r.fence++
		r.until = time.Time{}
	}
}

// fail sets what the methods return from now on.
func (m *memory) fail(accept, claim, settle error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.acceptErr, m.claimErr, m.settleErr = accept, claim, settle
}

func (m *memory) row(id event.DeliveryID) *row {
	i := slices.IndexFunc(m.rows, func(r *row) bool { return r.ID == id })
	return m.rows[i]
}

// states are those of an event's steps.
func (m *memory) states(eventID string) []event.State {
	var states []event.State
	for _, r := range m.rows {
		if r.ID.Event == eventID {
			states = append(states, r.State)
		}
	}
	return states
}

// stand is where the deliveries of an event stand.
func (m *memory) stand(eventID string) []event.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.states(eventID)
}

// delivery is the first step of an event with its attempts.
func (m *memory) delivery(eventID string) (event.Delivery, []event.Attempt) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.row(event.DeliveryID{Event: eventID})
	return r.Delivery, slices.Clone(r.tries)
}

// asked is how often Claim was called.
func (m *memory) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.claims
}

// count is how many deliveries are in a state.
func (m *memory) count(state event.State) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, r := range m.rows {
		if r.State == state {
			n++
		}
	}
	return n
}
