package delivery

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// origin says how a job came to its lane.
type origin bool

const (
	claimed    origin = false
	handedOver origin = true
)

// result is what happened in an attempt.
type result struct {
	started time.Time
	took    time.Duration
	receipt destination.Receipt
	// fault is how it failed; nil when the destination confirmed.
	fault *fault.Error
	// interrupted says that it failed because we cut it.
	interrupted bool
}

// begin attempts a job whose slot is taken. The goroutine belongs to the gate's jobs, which run waits for.
func (l *lane) begin(job store.Job, from origin) {
	go func() {
		defer l.gate.jobs.Done()
		l.attempt(job, from)
	}()
}

// attempt makes one attempt from its start until it is settled. The slot is free for the next as soon as the destination
// answered: the store settles beside it.
func (l *lane) attempt(job store.Job, from origin) {
	l.report.started(job)
	r := l.deliver(job.Event)
	now := r.started.Add(r.took)
	o := judge(job, r, l.spec.Retry, now, l.random())
	l.gate.done(now, from, r, o)
	l.report.ended(job, r, o)
	if moved, ok := l.settle(job, settlement(job, r, o)); ok {
		l.report.settled(job, r, moved[0].State)
		l.moved(moved)
	}
}

// deliver gives the event to the module, for as long as the timeout and we allow.
func (l *lane) deliver(e *event.Event) result {
	ctx, cancel := context.WithTimeout(l.attempts, l.spec.Timeout)
	defer cancel()
	r := result{started: time.Now()}
	receipt, err := l.contain(ctx, e)
	r.took = time.Since(r.started)
	if err == nil {
		r.receipt = receipt
		return r
	}
	r.fault = fault.From(err)
	r.interrupted = errors.Is(context.Cause(ctx), errStopping)
	if r.fault.Class == fault.UnknownError && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		r.fault = fault.Wrap(fault.TimeoutError, r.fault.Code, err)
	}
	return r
}

// contain calls the module and turns a panic of it into a failed attempt. What the panic says may quote the payload, so
// only the runtime's own words are kept, and the stack, which holds addresses.
func (l *lane) contain(ctx context.Context, e *event.Event) (receipt destination.Receipt, err error) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		what := "a value that is not shown"
		if own, ok := value.(runtime.Error); ok {
			what = own.Error()
		}
		l.report.log.Error("module panicked", "event", e.ID, "panic", what, "stack", string(debug.Stack()))
		err = &fault.Error{Class: fault.UnknownError, Code: panicked, Err: errors.New("the module panicked: " + what)}
	}()
	return l.spec.Target.Deliver(ctx, e)
}

// settlement is what the store is to write.
func settlement(job store.Job, r result, o outcome) store.Settlement {
	s := store.Settlement{
		Lease: job.Lease, State: o.state, NextAttemptAt: o.next, Spent: o.spent,
		Attempt: event.Attempt{
			StartedAt: r.started, Took: r.took, Outcome: o.name, NextAttemptAt: o.next,
			Receipt: clip(r.receipt.ID), Response: clip(r.receipt.Response),
		},
	}
	if r.fault != nil {
		s.Attempt.Class, s.Attempt.Code = string(r.fault.Class), r.fault.Code
		s.Attempt.Error, s.Attempt.Response = clip(r.fault.Error()), clip(r.fault.Response)
	}
	return s
}

// clip bounds what is kept of a text from outside.
func clip(s string) string {
	if len(s) <= destination.ResponseLimit {
		return s
	}
	return strings.ToValidUTF8(s[:destination.ResponseLimit], "")
}

// settle writes the outcome, again and again while the store is unavailable and the lease lasts. If that is not long
// enough, or the lane stops, the outcome is lost and the delivery is attempted again after its lease: a duplicate, never
// a loss.
func (l *lane) settle(job store.Job, s store.Settlement) ([]store.Moved, bool) {
	moved, err := l.store.Settle(l.settling, s)
	var trouble backoff
	for errors.Is(err, store.ErrUnavailable) && time.Now().Before(job.Lease.Until) {
		if !pause(l.settling, trouble.next(l.random())) {
			break
		}
		moved, err = l.store.Settle(l.settling, s)
	}
	if err != nil {
		l.report.notSettled(job, err)
	}
	return moved, err == nil
}
