package delivery

import (
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/retry"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// panicked is the code of a fault that was a panic in a module.
const panicked = "panic"

// outcome is what is to become of a delivery and of its destination after an attempt.
type outcome struct {
	name event.Outcome
	// state, next and spent are for the store.
	state event.State
	next  time.Time
	spent bool
	// holdUntil is until when the destination asked to be left alone; zero when it did not.
	holdUntil time.Time
	// verdict is what the circuit breaker hears.
	verdict verdict
}

// verdict is what an attempt says about its destination, whatever it means for the event.
type verdict uint8

const (
	noVerdict verdict = iota
	works
	fails
)

// judge decides what follows from an attempt. It is the only place with policy, and a function of values alone.
func judge(job store.Job, r result, policy retry.Policy, now time.Time, random float64) outcome {
	switch {
	case r.fault == nil:
		return outcome{name: event.OutcomeDelivered, state: event.Delivered, spent: true, verdict: works}
	case r.interrupted:
		return outcome{name: event.OutcomeInterrupted, state: event.Pending, next: now}
	}
	o := outcome{name: event.OutcomeDead, state: event.Dead, spent: true, verdict: blame(r.fault)}
	if floor := retry.Floor(r.fault); floor > 0 {
		o.holdUntil = now.Add(floor)
	}
	if wait, again := policy.Next(job.Spent+1, now.Sub(job.Since), r.fault, random); again {
		o.name, o.state, o.next = event.OutcomeRetry, event.Pending, now.Add(wait)
	}
	return o
}

// blame says whether a failure speaks against the destination, so that leaving it alone for a while helps.
//
// It does not when the cause may be the event: a payload that is refused, a name made from it that does not exist, a
// module that panics on it. Nor when waiting cures nothing: a wrong configuration. Refused credentials do count, although
// they are not tried again by default: an open circuit then keeps the backlog from turning into dead letters, and an
// account from being locked.
func blame(f *fault.Error) verdict {
	switch f.Class {
	case fault.ValidationError, fault.NotFound, fault.ConfigurationError:
		return noVerdict
	default:
		if f.Code == panicked {
			return noVerdict
		}
		return fails
	}
}
