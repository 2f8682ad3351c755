// Package store holds the contract of the durable store: events, their deliveries, and what became of them.
//
// It knows nothing of policy: what an attempt came to is decided elsewhere and written here. Every engine is a folder
// below this one and passes storetest. There is no clock in a store: times are given, so that tests own them.
//
// # What survives
//
// A method that returned nil has been made durable (fsync of the group it was committed with): it survives a crash of
// the process and a power cut. A method that returned an error has had no effect, but for a failed fsync, after which
// the store has failed for good: see Store.Failed.
package store

import (
	"context"
	"errors"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

// The errors that callers tell apart.
var (
	// ErrNotFound: there is no such event or delivery.
	ErrNotFound = errors.New("not found")
	// ErrLeaseLost: the delivery was leased again, or decided by somebody else, since the lease was given. The settlement
	// had no effect.
	ErrLeaseLost = errors.New("lease lost")
	// ErrState: the delivery is in a state from which what was asked cannot be done.
	ErrState = errors.New("not possible in this state")
	// ErrCursor: the cursor of a PageRequest is none that a page gave.
	ErrCursor = errors.New("not a cursor that a page gave")
	// ErrUnavailable: the store cannot make anything durable now (disk full, failed, closed, overloaded). Nothing was
	// kept, and the sender must keep the event. Errors that wrap it say why.
	ErrUnavailable = errors.New("store unavailable")
)

// Store is all of it. Each user takes the part it needs.
type Store interface {
	Accepter
	Queue
	Archive
	Operator
	Keeper
	// Failed is closed when the store can never again make anything durable (a failed fsync, a corrupt file): the process
	// must stop accepting, drain and exit. Err then says why.
	Failed() <-chan struct{}
	Err() error
	// Close makes what has gathered durable and closes the files. Calls that come later get ErrUnavailable.
	Close() error
}

// Accepter takes events in.
type Accepter interface {
	// Accept makes an event and its deliveries durable. It blocks for one group commit: the fsync of the disk, and those
	// that gathered before it. A duplicate (the same webhook and dedupe key within the window) stores nothing and tells
	// of the first one. A cancelled ctx is obeyed only before the entry has joined a group; after that the outcome is
	// awaited, so that a durable event is never reported as refused.
	Accept(ctx context.Context, entry Entry) (Accepted, error)
}

// Entry is an event to accept.
type Entry struct {
	Event *event.Event
	// Steps are the deliveries, in the order of the chain; 1 to event.MaxSteps.
	Steps []Step
	Chain event.Chain
	// DedupeWindow is how long Event.DedupeKey makes others duplicates of this event, from ReceivedAt.
	DedupeWindow time.Duration
}

// Step is one delivery of an entry.
type Step struct {
	Destination string
	// LeaseUntil, when not zero, stores the step already leased: the hand-over to a lane that has a free slot. It is
	// meant for steps that start as Pending and is ignored for those that wait.
	LeaseUntil time.Time
}

// Accepted says what became of an entry.
type Accepted struct {
	// EventID is the event's id: for a duplicate, that of the first one.
	EventID   string
	Duplicate bool
	// Steps are the states of the deliveries now: fresh ones, or for a duplicate those of the first event. They are nil
	// when retention has deleted that event, all of whose deliveries had ended.
	Steps []event.State
	// Leases holds a lease for each step that was handed over, in the order of the steps; nil for a duplicate. The zero
	// Lease stands for a step that was not.
	Leases []Lease
}

// Lease is the right to settle a delivery, until it ends or the delivery is leased again (the fence).
type Lease struct {
	Delivery event.DeliveryID
	// Key is the engine's own name of the delivery, Fence counts its leases.
	Key, Fence int64
	Until      time.Time
}

// Job is a leased delivery with what is needed to attempt it.
type Job struct {
	Lease Lease
	Event *event.Event
	// Attempts, Spent and Since as in event.Delivery.
	Attempts, Spent int
	Since           time.Time
	// FirstAttemptAt is when this life of the delivery was first attempted; zero before.
	FirstAttemptAt time.Time
}

// Queue is what lanes work with.
type Queue interface {
	// Claim leases up to limit deliveries of the destination that are due at now, the longest due first, until the given
	// time. When it leased fewer than limit, next is when the next one is due (zero: none is waiting). It blocks for one
	// group commit, or only for a read when nothing is due. After a crash the leases of an embedded store are void; with
	// a shared one they end at their time.
	Claim(ctx context.Context, c Claim) (jobs []Job, next time.Time, err error)
	// Settle writes what an attempt came to, together with all that follows for the other steps of its chain. It blocks
	// for one group commit and returns ErrLeaseLost when somebody else has the delivery. If a crash takes the settlement,
	// the delivery is attempted again: a duplicate, never a loss.
	Settle(ctx context.Context, s Settlement) ([]Moved, error)
}

// Claim asks for work.
type Claim struct {
	Destination string
	Limit       int
	Now, Until  time.Time
}

// Settlement is what an attempt came to.
type Settlement struct {
	Lease Lease
	// State is Delivered, Dead, or Pending for another attempt at NextAttemptAt.
	State         event.State
	NextAttemptAt time.Time
	// Spent says that the attempt counts for the retry policy: all do that our own shutdown did not cut.
	Spent bool
	// Attempt is kept as history; its Number is given by the store.
	Attempt event.Attempt
}

// Moved is a step whose state changed: the settled one first, then those of its chain.
type Moved struct {
	Delivery    event.DeliveryID
	Destination string
	State       event.State
	// DueAt is when a step that is now pending is due.
	DueAt time.Time
}

// Archive answers questions. Its methods read beside the writer, block for no commit, and see everything that was
// durable when they were called.
type Archive interface {
	// Event gives an event with its body. ErrNotFound after retention deleted it.
	Event(ctx context.Context, id string) (*event.Event, error)
	// Deliveries of one event, in the order of its steps.
	Deliveries(ctx context.Context, eventID string) ([]event.Delivery, error)
	// Attempts of one delivery, oldest first.
	Attempts(ctx context.Context, id event.DeliveryID) ([]event.Attempt, error)
	// FindEvents lists events without their bodies, newest first.
	FindEvents(ctx context.Context, f EventFilter, p PageRequest) (Page[EventSummary], error)
	// FindDeliveries lists deliveries, newest event first.
	FindDeliveries(ctx context.Context, f Filter, p PageRequest) (Page[event.Delivery], error)
	// CountDeliveries counts what matches, up to limit (0: no limit): the dry run of bulk operations. It scans.
	CountDeliveries(ctx context.Context, f Filter, limit int) (int, error)
	// Counts gives the counters, which are kept in the same transactions as what they count: no scan.
	Counts(ctx context.Context) (Counts, error)
	// Recount counts the rows. It scans, and is how an operator proves that nothing was lost.
	Recount(ctx context.Context) (Counts, error)
	// Backlogs says for each destination that has any how much is pending, and how old the oldest is.
	Backlogs(ctx context.Context) (map[string]Backlog, error)
}

// EventFilter selects events. The zero filter selects all.
type EventFilter struct {
	Webhook   string
	DedupeKey string
	// After and Before bound ReceivedAt: After <= t < Before. Zero means unbounded.
	After, Before time.Time
}

// EventSummary is an event in a list.
type EventSummary struct {
	ID, Webhook string
	ReceivedAt  time.Time
	DedupeKey   string
	ContentType string
	Size        int // of the body, in bytes
	// States are those of its deliveries, in the order of the steps.
	States []event.State
}

// Filter selects deliveries. The zero filter selects all.
type Filter struct {
	EventID     string
	Webhook     string
	Destination string
	States      []event.State
	// Class and Code are those of the last failed attempt.
	Class fault.Class
	Code  string
	// After and Before bound the event's ReceivedAt: After <= t < Before. Zero means unbounded.
	After, Before time.Time
}

// PageRequest asks for a page.
type PageRequest struct {
	// Limit is how many items at most; 0 means 50, the most is 1000.
	Limit int
	// Cursor is Page.Next of the page before; empty for the first.
	Cursor string
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	// Next is the cursor of the next page; empty at the end.
	Next string
}

// Counts is the conservation equation for each destination.
type Counts map[string]Count

// Count tells for one destination how many deliveries were accepted, ever, and how many stand in each state. Ended
// deliveries that retention deleted are still counted in the state they ended in.
type Count struct {
	Accepted int64
	States   map[event.State]int64
	// Retired tells how many of States retention has deleted.
	Retired map[event.State]int64
}

// Balanced says whether the equation holds: accepted = delivered + pending + waiting + dead + discarded + skipped.
func (c Count) Balanced() bool {
	sum := int64(0)
	for _, n := range c.States {
		sum += n
	}
	return sum == c.Accepted
}

// Total sums the counts of all destinations.
func (c Counts) Total() Count {
	total := Count{States: map[event.State]int64{}, Retired: map[event.State]int64{}}
	for _, one := range c {
		total.Accepted += one.Accepted
		for state, n := range one.States {
			total.States[state] += n
		}
		for state, n := range one.Retired {
			total.Retired[state] += n
		}
	}
	return total
}

// Backlog is what is pending at a destination.
type Backlog struct {
	Pending int64
	// OldestReceivedAt is when the event of the oldest pending delivery was received.
	OldestReceivedAt time.Time
	// NextDueAt is when the first of them is due; leases count as due at their end.
	NextDueAt time.Time
}

// Operator changes what people decide.
type Operator interface {
	// Replay starts ended deliveries again (delivered, dead, discarded): due at now, with a full budget of attempts.
	// What their failure had skipped in their chain comes back too. It works in small batches, so that senders never
	// wait behind it; each batch is durable when the next begins. limit bounds how many (0: no limit).
	// It returns the deliveries that moved, also together with an error.
	Replay(ctx context.Context, f Filter, now time.Time, limit int) ([]Moved, error)
	// Discard gives up deliveries that are pending (not leased), waiting or dead; as Replay otherwise.
	Discard(ctx context.Context, f Filter, now time.Time, limit int) ([]Moved, error)
	// SetPaused pauses or resumes a destination, durably. Pausing is obeyed by the lanes, not by the store.
	SetPaused(ctx context.Context, destination string, paused bool, now time.Time) error
	// Paused lists the paused destinations with the time since when.
	Paused(ctx context.Context) (map[string]time.Time, error)
}

// Keeper deletes what is old enough.
type Keeper interface {
	// Retain deletes one small batch of events all of whose deliveries have ended and are old enough, with everything
	// that belongs to them, and dedupe keys that are past their window. more says that there is more to delete now. It
	// never touches an event of which anything is pending or waiting. It blocks for one group commit.
	Retain(ctx context.Context, r Retention, now time.Time) (deleted int, more bool, err error)
}

// Retention says how long ended events are kept, counted from the end of their last delivery.
type Retention struct {
	// Delivered is for events of which every delivery is delivered, Dead for those with any other end. Zero: for ever.
	Delivered, Dead time.Duration
	// MaxBytes is the size of the store above which the oldest delivered events are deleted before their time. Zero:
	// no limit. Dead ones are never deleted for space.
	MaxBytes int64
}

// Observer is told what a store measures; every method is called from the writer and must not block.
type Observer interface {
	// Committed is called after each group: how many calls it held, how long the commit with its fsync took.
	Committed(calls int, took time.Duration)
}
