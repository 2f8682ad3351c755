package storetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// testModel runs random operations against the store and against a model of it, crashes included. After every step the
// conservation equation balances and every delivery stands where the model says.
func testModel(t *testing.T, open opener) {
	t.Run("whatever happens in whatever order, the store does as the model says", func(t *testing.T) {
		boundChecks(t)
		rapid.Check(t, func(rt *rapid.T) {
			m := &model{T: rt, rig: newModelRig(t, open), events: map[string]*modelEvent{}, leases: map[event.DeliveryID]modelLease{}}
			defer func() { _ = m.rig.Close() }()
			rt.Repeat(map[string]func(*rapid.T){
				"accept": m.accept, "claim": m.claim, "settle": m.settle, "settle late": m.settleLate, "replay": m.replay,
				"discard": m.discard, "retain": m.retain, "crash or restart": m.crash, "wait": m.wait, "": m.check,
			})
		})
	})
}

// boundChecks has rapid make fewer runs than it does of itself: each opens stores and waits for their fsyncs. The flag
// -rapid.checks asks for more.
func boundChecks(t *testing.T) {
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		if err := checks.Value.Set("25"); err != nil {
			t.Fatal(err)
		}
	}
}

// newModelRig is newRig for one run of many in a test: it does not wait for the test's end to close.
func newModelRig(t *testing.T, open opener) *rig {
	r := &rig{t: t, harness: open(t), now: epoch()}
	r.Store = r.harness.Open(t)
	return r
}

// model is what a store should hold: small, slow and obvious.
type model struct {
	*rapid.T
	rig    *rig
	events map[string]*modelEvent
	order  []string
	// leases are those that can settle; lost are those that no longer can.
	leases map[event.DeliveryID]modelLease
	lost   []store.Lease
	// accepted and retired count deliveries, also of events that are gone.
	accepted int
	retired  map[event.State]int
}

type modelEvent struct {
	chain        event.Chain
	destinations []string
	states       []event.State
	due, ended   []time.Time
}

type modelLease struct {
	store.Lease
	until time.Time
}

const modelRetention = time.Hour

func (m *model) accept(t *rapid.T) {
	chain := event.Chain(rapid.IntRange(0, 3).Draw(t, "chain"))
	destinations := rapid.SliceOfN(rapid.SampledFrom(abc()), 1, 4).Draw(t, "destinations")
	entry := m.rig.entry(chain, destinations...)
	e := &modelEvent{chain: chain, destinations: destinations}
	for i := range destinations {
		e.states, e.due, e.ended = append(e.states, chain.First(i)), append(e.due, m.rig.now), append(e.ended, time.Time{})
		if rapid.Bool().Draw(t, "hand over") {
			entry.Steps[i].LeaseUntil = m.rig.now.Add(time.Minute)
		}
	}
	accepted, err := m.rig.Accept(context.Background(), entry)
	m.ok(t, err)
	if !slices.Equal(accepted.Steps, e.states) {
		t.Fatalf("accepted as %v, want %v", accepted.Steps, e.states)
	}
	for _, lease := range accepted.Leases {
		if lease != (store.Lease{}) {
			m.leases[lease.Delivery] = modelLease{lease, lease.Until}
		}
	}
	m.events[accepted.EventID], m.order = e, append(m.order, accepted.EventID)
	m.accepted += len(destinations)
}

func (m *model) claim(t *rapid.T) {
	destination, limit := rapid.SampledFrom(abc()).Draw(t, "destination"), rapid.IntRange(1, 4).Draw(t, "limit")
	due := 0
	m.each(func(id event.DeliveryID, e *modelEvent) {
		if e.destinations[id.Step] == destination && m.isDue(id, e) {
			due++
		}
	})
	until := m.rig.now.Add(time.Minute)
	jobs, _, err := m.rig.Claim(context.Background(), store.Claim{Destination: destination, Limit: limit, Now: m.rig.now, Until: until})
	m.ok(t, err)
	if len(jobs) != min(due, limit) {
		t.Fatalf("claimed %d of %s, %d were due and %d allowed", len(jobs), destination, due, limit)
	}
	for _, job := range jobs {
		id := job.Lease.Delivery
		e := m.events[id.Event]
		if e == nil || e.destinations[id.Step] != destination || !m.isDue(id, e) {
			t.Fatalf("claimed %v, which is not due", id)
		}
		m.lose(id)
		m.leases[id] = modelLease{job.Lease, until}
	}
}

func (m *model) isDue(id event.DeliveryID, e *modelEvent) bool {
	held, leased := m.leases[id]
	return e.states[id.Step] == event.Pending && !e.due[id.Step].After(m.rig.now) && (!leased || !held.until.After(m.rig.now))
}

func (m *model) settle(t *rapid.T) {
	if len(m.leases) == 0 {
		t.Skip("nothing is leased")
	}
	ids := slices.SortedFunc(maps.Keys(m.leases), func(a, b event.DeliveryID) int { return slices.Compare([]byte(a.String()), []byte(b.String())) })
	id := rapid.SampledFrom(ids).Draw(t, "delivery")
	state := rapid.SampledFrom([]event.State{event.Delivered, event.Dead, event.Pending}).Draw(t, "state")
	settlement := m.rig.settlement(m.leases[id].Lease, state)
	_, err := m.rig.Settle(context.Background(), settlement)
	m.ok(t, err)
	m.lose(id)
	e := m.events[id.Event]
	if state == event.Pending && e.chain.Cut(e.states, id.Step) {
		state = event.Skipped
	}
	end := m.rig.now.Add(settlement.Attempt.Took)
	e.set(id.Step, state, end)
	if state == event.Pending {
		e.due[id.Step] = settlement.NextAttemptAt
		return
	}
	m.follow(id.Event, e.chain.Ended(e.states, id.Step), end)
}

// settleLate tries a lease that was lost.
func (m *model) settleLate(t *rapid.T) {
	if len(m.lost) == 0 {
		t.Skip("no lease was lost")
	}
	lease := rapid.SampledFrom(m.lost).Draw(t, "lease")
	if _, err := m.rig.Settle(context.Background(), m.rig.settlement(lease, event.Delivered)); !errors.Is(err, store.ErrLeaseLost) {
		t.Fatalf("a lost lease settled with %v", err)
	}
}

func (m *model) replay(t *rapid.T) {
	state := rapid.SampledFrom([]event.State{event.Delivered, event.Dead, event.Discarded}).Draw(t, "state")
	f := store.Filter{Destination: rapid.SampledFrom(abc()).Draw(t, "destination"), States: []event.State{state}}
	_, err := m.rig.Replay(context.Background(), f, m.rig.now, 0)
	m.ok(t, err)
	m.each(func(id event.DeliveryID, e *modelEvent) {
		if e.states[id.Step] != state || e.destinations[id.Step] != f.Destination {
			return
		}
		e.set(id.Step, event.Pending, m.rig.now)
		m.follow(id.Event, e.chain.Replayed(e.states, id.Step), m.rig.now)
	})
}

func (m *model) discard(t *rapid.T) {
	destination := rapid.SampledFrom(abc()).Draw(t, "destination")
	_, err := m.rig.Discard(context.Background(), store.Filter{Destination: destination}, m.rig.now, 0)
	m.ok(t, err)
	m.each(func(id event.DeliveryID, e *modelEvent) {
		from := e.states[id.Step]
		held, leased := m.leases[id]
		if e.destinations[id.Step] != destination || from != event.Pending && from != event.Waiting && from != event.Dead ||
			leased && held.until.After(m.rig.now) {
			return
		}
		m.lose(id)
		e.set(id.Step, event.Discarded, m.rig.now)
		if !from.Ended() {
			m.follow(id.Event, e.chain.Ended(e.states, id.Step), m.rig.now)
		}
	})
}

func (m *model) retain(t *rapid.T) {
	for more := true; more; {
		var err error
		_, more, err = m.rig.Retain(context.Background(), store.Retention{Delivered: modelRetention, Dead: modelRetention}, m.rig.now)
		m.ok(t, err)
	}
	m.order = slices.DeleteFunc(m.order, func(id string) bool {
		e := m.events[id]
		for i, state := range e.states {
			if !state.Ended() || e.ended[i].After(m.rig.now.Add(-modelRetention)) {
				return false
			}
		}
		for _, state := range e.states {
			m.retire(state)
		}
		delete(m.events, id)
		return true
	})
}

func (m *model) retire(state event.State) {
	if m.retired == nil {
		m.retired = map[event.State]int{}
	}
	m.retired[state]++
}

func (m *model) crash(t *rapid.T) {
	if rapid.Bool().Draw(t, "crash") {
		m.rig.crash()
	} else {
		m.rig.restart()
	}
	for _, held := range m.leases {
		m.lost = append(m.lost, held.Lease)
	}
	clear(m.leases)
}

func (m *model) wait(t *rapid.T) {
	m.rig.now = m.rig.now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 2 * time.Hour}).Draw(t, "wait"))
}

// check compares the store with the model.
func (m *model) check(t *rapid.T) {
	m.rig.wantBalance()
	if m.rig.t.Failed() {
		t.FailNow()
	}
	counts, err := m.rig.Counts(context.Background())
	m.ok(t, err)
	total := counts.Total()
	if int(total.Accepted) != m.accepted {
		t.Fatalf("%d were accepted, want %d", total.Accepted, m.accepted)
	}
	for _, state := range event.States() {
		if int(total.Retired[state]) != m.retired[state] {
			t.Fatalf("%d of the %v were deleted, want %d", total.Retired[state], state, m.retired[state])
		}
	}
	for _, id := range m.order {
		found, err := m.rig.Deliveries(context.Background(), id)
		m.ok(t, err)
		if got, want := states(found), m.events[id].states; !slices.Equal(got, want) {
			t.Fatalf("event %s (%v) stands at %v, want %v", id, m.events[id].chain, got, want)
		}
	}
}

func states(deliveries []event.Delivery) []event.State {
	var found []event.State
	for _, d := range deliveries {
		found = append(found, d.State)
	}
	return found
}

// set moves a step; one that becomes pending is due then.
func (e *modelEvent) set(step int, state event.State, now time.Time) {
	e.states[step] = state
	switch {
	case state == event.Pending:
		e.due[step] = now
	case state.Ended():
		e.ended[step] = now
	}
}

// follow does what a chain asks for, but leaves a step that a worker holds to it.
func (m *model) follow(id string, changes []event.Change, now time.Time) {
	for _, change := range changes {
		if _, leased := m.leases[event.DeliveryID{Event: id, Step: change.Step}]; !leased {
			m.events[id].set(change.Step, change.To, now)
		}
	}
}

// each calls do for every delivery, in the order of acceptance.
func (m *model) each(do func(id event.DeliveryID, e *modelEvent)) {
	for _, id := range m.order {
		for step := range m.events[id].states {
			do(event.DeliveryID{Event: id, Step: step}, m.events[id])
		}
	}
}

func (m *model) lose(id event.DeliveryID) {
	if held, leased := m.leases[id]; leased {
		m.lost = append(m.lost, held.Lease)
		delete(m.leases, id)
	}
}

func (m *model) ok(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(fmt.Errorf("the store failed: %w", err))
	}
}
