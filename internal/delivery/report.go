package delivery

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/grapnel-dev/grapnel/internal/breaker"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/retry"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
)

// report tells the log and the metrics what a lane does.
type report struct {
	log       *slog.Logger
	metrics   *telemetry.Metrics
	lane      telemetry.Lane
	policy    retry.Policy
	storeDown *atomic.Bool // told already that the store refuses claims
}

func newReport(spec Spec, options Options) report {
	return report{
		log:       options.Logger.With("webhook", spec.Webhook, "module", spec.Module, "destination", spec.Name),
		metrics:   options.Metrics,
		lane:      telemetry.Lane{Webhook: spec.Webhook, Module: spec.Module, Destination: spec.Name},
		policy:    spec.Retry,
		storeDown: new(atomic.Bool),
	}
}

func (r *report) started(job store.Job) {
	r.metrics.AttemptStarted(r.lane, job.Spent > 0)
	if job.Spent > 0 {
		r.log.Info("retry attempt started", "event", job.Event.ID, "step", job.Lease.Delivery.Step, "attempt", job.Spent+1)
	}
}

// ended reports what an attempt came to.
func (r *report) ended(job store.Job, res result, o outcome) {
	if res.fault == nil {
		r.metrics.AttemptEnded(r.lane, o.name, "", res.took)
		return
	}
	r.metrics.AttemptEnded(r.lane, o.name, res.fault.Class, res.took)
	log := r.log.With("event", job.Event.ID, "step", job.Lease.Delivery.Step, "attempt", job.Spent+1,
		"class", res.fault.Class, "code", res.fault.Code, "error", res.fault)
	switch {
	case o.name == event.OutcomeInterrupted:
		log.Info("attempt interrupted, will be made again")
	case o.name == event.OutcomeRetry:
		log.Warn("attempt failed, will retry", "next_attempt_at", o.next)
	case r.policy.Retryable(res.fault):
		log.Error("delivery failed, retries exhausted")
	default:
		log.Error("delivery failed, not retryable")
	}
}

// settled reports the end of a delivery once it is durable.
func (r *report) settled(job store.Job, res result, state event.State) {
	if !state.Ended() {
		return
	}
	first := job.FirstAttemptAt
	if first.IsZero() {
		first = res.started
	}
	r.metrics.Ended(r.lane, state, job.Spent > 0, res.started.Add(res.took).Sub(first))
	if state == event.Delivered && job.Spent > 0 {
		r.log.Info("delivery succeeded after retries", "event", job.Event.ID, "step", job.Lease.Delivery.Step,
			"attempts", job.Spent+1)
	}
}

func (r *report) notSettled(job store.Job, err error) {
	log := r.log.With("event", job.Event.ID, "step", job.Lease.Delivery.Step, "error", err)
	if errors.Is(err, store.ErrLeaseLost) {
		log.Warn("outcome not stored, somebody else has the delivery")
		return
	}
	log.Error("outcome not stored, the delivery will be attempted again")
}

// storeFailed tells once that the store refuses claims, storeWorks that it does no more.
func (r *report) storeFailed(err error) {
	if r.storeDown.CompareAndSwap(false, true) {
		r.log.Error("cannot claim deliveries, will keep trying", "error", err)
	}
}

func (r *report) storeWorks() {
	if r.storeDown.CompareAndSwap(true, false) {
		r.log.Info("deliveries can be claimed again")
	}
}

func (r *report) breakerChanged(from, to breaker.State, retryAt time.Time) {
	r.metrics.Breaker(r.lane, gaugeOf(to), to == breaker.Open)
	if to == breaker.Open {
		r.log.Warn("circuit breaker opened", "from", from.String(), "retry_at", retryAt)
		return
	}
	r.log.Info("circuit breaker changed", "from", from.String(), "to", to.String())
}

// breaker shows the state with which a lane starts.
func (r *report) breaker(state breaker.State) { r.metrics.Breaker(r.lane, gaugeOf(state), false) }

// gaugeOf is the number that the metric has for a state: a circuit that recovers is closed.
func gaugeOf(state breaker.State) int {
	switch state {
	case breaker.HalfOpen:
		return 1
	case breaker.Open:
		return 2
	default:
		return 0
	}
}
