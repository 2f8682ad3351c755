package app

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/config"
	"github.com/grapnel-dev/grapnel/internal/delivery"
	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/ingress"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

// plan is a configuration made ready to run: a table of webhooks for the ingress, and open destinations for the lanes.
type plan struct {
	table *ingress.Table
	specs []delivery.Spec
}

// compile opens all that a configuration names. When anything cannot be opened it closes the rest and tells of all.
func compile(cfg *config.Config, o Options) (*plan, error) {
	p := &plan{table: &ingress.Table{
		Webhooks:       map[string]*ingress.Webhook{},
		PublicURL:      strings.TrimSuffix(cfg.Server.PublicURL, "/"),
		TrustedProxies: prefixes(cfg.Server.TrustedProxies),
		MaxInFlight:    int64(cfg.Server.MaxInFlight),
	}}
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(cfg.Webhooks)) {
		if err := p.add(cfg.Webhooks[id], o); err != nil {
			errs = append(errs, fmt.Errorf("webhooks.%s: %w", id, err))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(append(errs, p.close())...)
	}
	return p, nil
}

func (p *plan) add(w *config.Webhook, o Options) error {
	verifiers, err := openVerifiers(w.Verifiers)
	if err != nil {
		return err
	}
	hook := webhook(w)
	hook.Verifiers = verifiers
	p.table.Webhooks[w.ID] = hook
	for _, step := range w.Steps {
		spec, err := open(w.ID, step, o)
		if err != nil {
			return err
		}
		p.specs = append(p.specs, spec)
	}
	return nil
}

func openVerifiers(configured []config.Verifier) ([]verify.Verifier, error) {
	var verifiers []verify.Verifier
	for _, c := range configured {
		v, err := c.Config.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
		verifiers = append(verifiers, v)
	}
	return verifiers, nil
}

// webhook is the endpoint as the ingress sees it.
func webhook(w *config.Webhook) *ingress.Webhook {
	hook := &ingress.Webhook{
		ID:       w.ID,
		DataType: ingress.DataType(w.DataType),
		Limits:   ingress.Limits{Body: int64(w.Limits.Body), Depth: w.Limits.Depth, String: int(w.Limits.String)},
		Dedupe: ingress.Dedupe{
			JSONPointer: w.Dedupe.JSONPointer, Window: w.Dedupe.Window.Std(), Off: !w.Dedupe.Enabled,
		},
		Within: w.Respond.Within.Std(),
		Chain:  w.Chain,
	}
	if w.Dedupe.Header != "" {
		hook.Dedupe.Headers = []string{w.Dedupe.Header}
	}
	if w.RequestLimit != nil {
		hook.Rate = ingress.Rate{Requests: w.RequestLimit.MaxRequests, Window: w.RequestLimit.Window.Std()}
	}
	for _, step := range w.Steps {
		hook.Steps = append(hook.Steps, step.Destination)
		hook.Retries = hook.Retries || step.Retry.Enabled
	}
	return hook
}

// open makes the lane's part of a step.
func open(webhookID string, step config.Step, o Options) (delivery.Spec, error) {
	target, err := step.Config.Open(destination.Env{
		Name:    step.Destination,
		Webhook: webhookID,
		Logger:  o.Logger.With("destination", step.Destination),
		Version: o.Version,
	})
	if err != nil {
		return delivery.Spec{}, fmt.Errorf("open destination %s: %w", step.Destination, err)
	}
	return delivery.Spec{
		Name:        step.Destination,
		Webhook:     webhookID,
		Module:      step.Module,
		Target:      target,
		Fingerprint: step.Fingerprint(),
		Retry:       step.Retry,
		Timeout:     step.Timeout.Std(),
		Concurrency: step.Concurrency,
		RateLimit:   float64(step.RateLimit),
		Breaker:     step.CircuitBreaker,
	}, nil
}

// close closes the destinations of a plan that was not put in place.
func (p *plan) close() error {
	var errs []error
	for _, spec := range p.specs {
		errs = append(errs, spec.Target.Close())
	}
	return errors.Join(errs...)
}

func prefixes(networks []config.Network) []netip.Prefix {
	var list []netip.Prefix
	for _, n := range networks {
		list = append(list, n.Prefix)
	}
	return list
}
