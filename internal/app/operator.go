package app

import (
	"github.com/grapnel-dev/grapnel/internal/admin"
	"github.com/grapnel-dev/grapnel/internal/breaker"
	"github.com/grapnel-dev/grapnel/internal/delivery"
)

// operator shows the engine to the admin surface, which does not know it.
type operator struct{ *delivery.Engine }

// Status implements admin.Operator.
func (o operator) Status() []admin.Status {
	var list []admin.Status
	for _, s := range o.Engine.Status() {
		list = append(list, admin.Status{
			Name: s.Name, Webhook: s.Webhook, Module: s.Module,
			Concurrency: s.Concurrency, InFlight: s.InFlight, Paused: s.Paused,
			PausedSince: s.PausedSince, Breaker: breakerState(s.Breaker), RetryAt: s.RetryAt, HeldUntil: s.HeldUntil,
			LastFailure: admin.Failure(s.LastFailure),
		})
	}
	return list
}

// breakerState leaves out how far a circuit that closed again has recovered.
func breakerState(s breaker.State) admin.Breaker {
	switch s {
	case breaker.Open:
		return admin.BreakerOpen
	case breaker.HalfOpen:
		return admin.BreakerHalfOpen
	default:
		return admin.BreakerClosed
	}
}
