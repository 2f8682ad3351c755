package admin

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func (s *Server) destinations(r *http.Request) (api.Page[api.Destination], error) {
	items, _, err := s.allDestinations(r.Context())
	return api.Page[api.Destination]{Items: items}, err
}

func (s *Server) pause(r *http.Request) (api.Destination, error)  { return s.setPaused(r, true) }
func (s *Server) resume(r *http.Request) (api.Destination, error) { return s.setPaused(r, false) }

func (s *Server) setPaused(r *http.Request, paused bool) (api.Destination, error) {
	name := r.PathValue("name")
	if _, err := s.destination(r.Context(), name); err != nil {
		return api.Destination{}, err
	}
	err := s.Operator.SetPaused(r.Context(), name, paused)
	s.audit(r, map[bool]string{true: "pause", false: "resume"}[paused], err, "destination", name)
	if err != nil {
		return api.Destination{}, err
	}
	return s.destination(r.Context(), name)
}

func (s *Server) destination(ctx context.Context, name string) (api.Destination, error) {
	all, _, err := s.allDestinations(ctx)
	if err != nil {
		return api.Destination{}, err
	}
	i := slices.IndexFunc(all, func(d api.Destination) bool { return d.Name == name })
	if i < 0 {
		return api.Destination{}, fmt.Errorf("destination %q: %w", name, store.ErrNotFound)
	}
	return all[i], nil
}

// allDestinations gives those of the configuration and those that only the store still knows, with the counts of which
// they were made.
func (s *Server) allDestinations(ctx context.Context) ([]api.Destination, store.Counts, error) {
	counts, err := s.Archive.Counts(ctx)
	if err != nil {
		return nil, nil, err
	}
	backlogs, err := s.Archive.Backlogs(ctx)
	if err != nil {
		return nil, nil, err
	}
	now := time.Now()
	all := each(s.Operator.Status(), func(status Status) api.Destination { return configured(status, now) })
	for name, count := range counts {
		known := slices.ContainsFunc(all, func(d api.Destination) bool { return d.Name == name })
		if !known && kept(count) > 0 {
			all = append(all, api.Destination{Name: name, State: api.DestinationUnconfigured})
		}
	}
	for i, d := range all {
		all[i] = withStored(d, counts[d.Name], backlogs[d.Name], now)
	}
	slices.SortFunc(all, func(a, b api.Destination) int { return cmp.Compare(a.Name, b.Name) })
	return all, counts, nil
}

// kept is how many deliveries of a destination are in the store.
func kept(c store.Count) (n int64) {
	for state, all := range c.States {
		n += all - c.Retired[state]
	}
	return n
}

func configured(s Status, now time.Time) api.Destination {
	d := api.Destination{
		Name: s.Name, Webhook: s.Webhook, Module: s.Module, State: stateOf(s, now), Breaker: s.Breaker.String(),
		Paused: s.Paused, InFlight: s.InFlight, Concurrency: s.Concurrency, LastFailure: api.Failure(s.LastFailure),
	}
	d.LastFailure.At = utc(d.LastFailure.At)
	if s.Paused {
		d.PausedSince = utc(s.PausedSince)
	}
	if s.Breaker == BreakerOpen {
		d.RetryAt = utc(s.RetryAt)
	}
	if s.HeldUntil.After(now) {
		d.HeldUntil = utc(s.HeldUntil)
	}
	return d
}

func stateOf(s Status, now time.Time) api.DestinationState {
	switch {
	case s.Paused:
		return api.DestinationPaused
	case s.Breaker == BreakerOpen:
		return api.DestinationOpen
	case s.Breaker == BreakerHalfOpen:
		return api.DestinationHalfOpen
	case s.HeldUntil.After(now):
		return api.DestinationHeld
	default:
		return api.DestinationOK
	}
}

// withStored adds what the store knows of a destination.
func withStored(d api.Destination, count store.Count, backlog store.Backlog, now time.Time) api.Destination {
	d.Counts, d.Backlog = countOf(count), backlog.Pending
	if backlog.Pending > 0 {
		d.OldestReceivedAt, d.NextDueAt = utc(backlog.OldestReceivedAt), utc(backlog.NextDueAt)
		d.OldestAgeSeconds = max(0, now.Sub(backlog.OldestReceivedAt).Seconds())
	}
	return d
}

func summarize(all []api.Destination) api.DestinationSummary {
	summary := api.DestinationSummary{Total: len(all), States: map[api.DestinationState]int{}}
	for _, d := range all {
		summary.States[d.State]++
		summary.Backlog += d.Backlog
		summary.InFlight += d.InFlight
		summary.OldestAgeSeconds = max(summary.OldestAgeSeconds, d.OldestAgeSeconds)
	}
	return summary
}
