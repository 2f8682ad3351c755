// Package storetest is the conformance suite of stores: what every engine must do, stated as rules.
//
// It knows nothing of any engine: it uses the contract, and a harness that opens the store and makes it crash.
package storetest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// Harness is one store under test.
type Harness struct {
	// Open opens the store: a fresh one at first, then what Close or Crash left.
	Open func(t testing.TB) store.Store
	// Crash ends the store that was opened last as a power cut would: without Close, keeping only what was durable.
	Crash func(t testing.TB)
}

// Run runs the suite. open makes a harness for a store of its own; it cleans up after the test.
func Run(t *testing.T, open func(t testing.TB) Harness) {
	for name, rules := range map[string]func(t *testing.T, open func(t testing.TB) Harness){
		"accept":      testAccept,
		"claim":       testClaim,
		"settle":      testSettle,
		"chain":       testChain,
		"operator":    testOperator,
		"archive":     testArchive,
		"counts":      testCounts,
		"retention":   testRetention,
		"concurrency": testConcurrency,
		"model":       testModel,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time is spent waiting for fsyncs
			rules(t, open)
		})
	}
}

// opener makes the rig of one rule.
type opener = func(t testing.TB) Harness

// rig is a store under test with a clock, and short words for what the rules do with it.
type rig struct {
	store.Store
	t       testing.TB
	harness Harness
	now     time.Time
	events  int
}

// epoch is when every test begins; stores have no clock of their own.
func epoch() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC) }

func newRig(t testing.TB, open opener) *rig {
	r := &rig{t: t, harness: open(t), now: epoch()}
	r.Store = r.harness.Open(t)
	t.Cleanup(func() { _ = r.Store.Close() })
	return r
}

// crash has the store crash and opens what is left.
func (r *rig) crash() {
	r.t.Helper()
	r.harness.Crash(r.t)
	r.Store = r.harness.Open(r.t)
}

// restart closes the store and opens it again.
func (r *rig) restart() {
	r.t.Helper()
	r.must(r.Close())
	r.Store = r.harness.Open(r.t)
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) wantError(err, want error) {
	r.t.Helper()
	if !errors.Is(err, want) {
		r.t.Fatalf("got error %v, want %v", err, want)
	}
}

// entry makes an entry of a chain with the given steps, received now.
func (r *rig) entry(chain event.Chain, destinations ...string) store.Entry {
	r.events++
	e := store.Entry{
		Event: &event.Event{
			ID: fmt.Sprintf("0198c7a2-0000-7000-8000-%012x", r.events), Webhook: "orders", ReceivedAt: r.now, Method: "POST",
			URL: "/webhook/orders?n=1", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"n":1}`),
		},
		Chain: chain,
	}
	for _, destination := range destinations {
		e.Steps = append(e.Steps, store.Step{Destination: destination})
	}
	return e
}

func (r *rig) accept(e store.Entry) store.Accepted {
	r.t.Helper()
	accepted, err := r.Accept(r.t.Context(), e)
	r.must(err)
	return accepted
}

// acceptOne accepts an event with one delivery and gives its id.
func (r *rig) acceptOne(destination string) string {
	r.t.Helper()
	return r.accept(r.entry(event.Parallel, destination)).EventID
}

// claim leases up to limit deliveries that are due now, for a minute.
func (r *rig) claim(destination string, limit int) []store.Job {
	r.t.Helper()
	jobs, _ := r.claimNext(destination, limit)
	return jobs
}

func (r *rig) claimNext(destination string, limit int) ([]store.Job, time.Time) {
	r.t.Helper()
	jobs, next, err := r.Claim(r.t.Context(), store.Claim{Destination: destination, Limit: limit, Now: r.now, Until: r.now.Add(time.Minute)})
	r.must(err)
	return jobs, next
}

// claimOne leases the only delivery that is due.
func (r *rig) claimOne(destination string) store.Job {
	r.t.Helper()
	jobs := r.claim(destination, 10)
	if len(jobs) != 1 {
		r.t.Fatalf("claimed %d deliveries of %s, want 1", len(jobs), destination)
	}
	return jobs[0]
}

// settlement is what an attempt of one second came to.
func (r *rig) settlement(lease store.Lease, state event.State) store.Settlement {
	s := store.Settlement{Lease: lease, State: state, Spent: true, Attempt: event.Attempt{StartedAt: r.now, Took: time.Second}}
	switch state {
	case event.Delivered:
		s.Attempt.Outcome, s.Attempt.Receipt = event.OutcomeDelivered, "confirmed"
	case event.Dead:
		s.Attempt.Outcome, s.Attempt.Class, s.Attempt.Code, s.Attempt.Error = event.OutcomeDead, "ValidationError", "http_422", "refused"
	default:
		s.NextAttemptAt = r.now.Add(time.Minute)
		s.Attempt.Outcome, s.Attempt.Class, s.Attempt.Code, s.Attempt.Error = event.OutcomeRetry, "ServiceUnavailable", "http_503", "busy"
		s.Attempt.NextAttemptAt = s.NextAttemptAt
	}
	return s
}

func (r *rig) settle(lease store.Lease, state event.State) []store.Moved {
	r.t.Helper()
	moved, err := r.Settle(r.t.Context(), r.settlement(lease, state))
	r.must(err)
	return moved
}

// finish claims the only delivery that is due and settles it.
func (r *rig) finish(destination string, state event.State) []store.Moved {
	r.t.Helper()
	return r.settle(r.claimOne(destination).Lease, state)
}

func (r *rig) deliveries(id string) []event.Delivery {
	r.t.Helper()
	found, err := r.Deliveries(r.t.Context(), id)
	r.must(err)
	return found
}

func (r *rig) states(id string) []event.State {
	r.t.Helper()
	var states []event.State
	for _, d := range r.deliveries(id) {
		states = append(states, d.State)
	}
	return states
}

func (r *rig) wantStates(id string, want ...event.State) {
	r.t.Helper()
	if got := r.states(id); !slices.Equal(got, want) {
		r.t.Fatalf("the steps are %v, want %v", got, want)
	}
}

// wantBalance checks the conservation equation, and that the counters agree with the rows.
func (r *rig) wantBalance() store.Counts {
	r.t.Helper()
	counts, err := r.Counts(r.t.Context())
	r.must(err)
	recount, err := r.Recount(r.t.Context())
	r.must(err)
	for destination, one := range counts {
		if !one.Balanced() {
			r.t.Errorf("%s does not balance: %+v", destination, one)
		}
		if !sameCount(one, recount[destination]) {
			r.t.Errorf("%s: the counters say %+v, the rows %+v", destination, one, recount[destination])
		}
	}
	if len(counts) != len(recount) {
		r.t.Errorf("counters of %d destinations, rows of %d", len(counts), len(recount))
	}
	return counts
}

func sameCount(a, b store.Count) bool {
	for _, state := range event.States() {
		if a.States[state] != b.States[state] || a.Retired[state] != b.Retired[state] {
			return false
		}
	}
	return a.Accepted == b.Accepted
}
