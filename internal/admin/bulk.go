package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// How many ids a request may name, and how many its answer gives as a sample.
const (
	maxIDs    = 1000
	sampleIDs = 20
)

// operation is something that can be done to many deliveries.
type operation struct {
	name string
	// from are the states in which it is possible.
	from []event.State
	run  func(ctx context.Context, f store.Filter, limit int) ([]store.Moved, error)
}

func (s *Server) replay(r *http.Request, b api.BulkRequest) (api.BulkResult, error) {
	return s.bulk(r, b, operation{"replay", []event.State{event.Delivered, event.Dead, event.Discarded}, s.Operator.Replay})
}

func (s *Server) discard(r *http.Request, b api.BulkRequest) (api.BulkResult, error) {
	return s.bulk(r, b, operation{"discard", []event.State{event.Pending, event.Waiting, event.Dead}, s.Operator.Discard})
}

func (s *Server) bulk(r *http.Request, b api.BulkRequest, op operation) (api.BulkResult, error) {
	if err := op.check(b); err != nil {
		return api.BulkResult{}, badRequest(err)
	}
	filters, err := s.selected(r.Context(), b, op)
	if err != nil {
		return api.BulkResult{}, err
	}
	if b.DryRun {
		return s.preview(r.Context(), filters, b.Limit)
	}
	moved, err := op.apply(r.Context(), filters, b.Limit)
	s.audit(r, op.name, err, "moved", len(moved), "ids", b.IDs[:min(len(b.IDs), sampleIDs)], "filter", b.Filter, "limit", b.Limit)
	if err != nil {
		return api.BulkResult{}, stoppedMidway(err, op, len(moved))
	}
	return resultOf(moved), nil
}

// check says what is wrong with a request before anything is looked up.
func (op operation) check(b api.BulkRequest) error {
	everything := b.Filter
	everything.States = nil
	empty := reflect.ValueOf(everything).IsZero()
	switch {
	case b.Limit < 0:
		return errors.New("limit: want 0 (no limit) or more")
	case len(b.IDs) > maxIDs:
		return fmt.Errorf("ids: %d are given, at most %d can be: use a filter", len(b.IDs), maxIDs)
	case len(b.IDs) > 0 && (!empty || b.All):
		return errors.New("give either ids or a filter")
	case len(b.IDs) == 0 && empty && !b.All:
		return errors.New(`the filter selects everything: narrow it, or say "all": true`)
	}
	for _, state := range b.Filter.States {
		if !slices.Contains(op.from, state) {
			return fmt.Errorf("states: %s deliveries cannot be taken by %s, only %v", state, op.name, op.from)
		}
	}
	return nil
}

// selected turns the request into filters for the store. An id that does not exist, or names a delivery in a state that
// does not allow the operation, is an error before anything has changed.
func (s *Server) selected(ctx context.Context, b api.BulkRequest, op operation) ([]store.Filter, error) {
	filter := store.Filter(b.Filter)
	if len(filter.States) == 0 {
		filter.States = []event.State{event.Dead}
	}
	if len(b.IDs) == 0 {
		return []store.Filter{filter}, nil
	}
	filters := make([]store.Filter, len(b.IDs))
	for i, id := range b.IDs {
		one, err := s.named(ctx, id, op)
		if err != nil {
			return nil, err
		}
		if one.States == nil {
			one.States = filter.States
		}
		filters[i] = one
	}
	return filters, nil
}

// named selects what an id names: all deliveries of an event, or one delivery, which is what the event has for one
// destination.
func (s *Server) named(ctx context.Context, id string, op operation) (store.Filter, error) {
	if !strings.Contains(id, "/") {
		_, err := s.deliveriesOf(ctx, id)
		return store.Filter{EventID: id}, err
	}
	d, err := s.findDelivery(ctx, id)
	if err != nil {
		return store.Filter{}, err
	}
	if !slices.Contains(op.from, d.State) {
		return store.Filter{}, fmt.Errorf("delivery %s is %s, %s takes only %v: %w", id, d.State, op.name, op.from, store.ErrState)
	}
	if d.Leased {
		return store.Filter{}, fmt.Errorf("an attempt of delivery %s is under way, try again when it has ended: %w", id, store.ErrState)
	}
	return store.Filter{EventID: d.ID.Event, Destination: d.Destination, States: []event.State{d.State}}, nil
}

// preview counts what would be taken.
func (s *Server) preview(ctx context.Context, filters []store.Filter, limit int) (api.BulkResult, error) {
	result := api.BulkResult{DryRun: true, IDs: []string{}}
	for _, f := range filters {
		rest, more := left(limit, result.Count)
		if !more {
			break
		}
		n, err := s.Archive.CountDeliveries(ctx, f, rest)
		if err != nil {
			return result, err
		}
		result.Count += n
		want := min(sampleIDs-len(result.IDs), n)
		if want == 0 {
			continue
		}
		page, err := s.Archive.FindDeliveries(ctx, f, store.PageRequest{Limit: want})
		if err != nil {
			return result, err
		}
		result.IDs = append(result.IDs, each(page.Items, func(d event.Delivery) string { return d.ID.String() })...)
	}
	return result, nil
}

// apply runs the operation; what moved is told also when it was cut short.
func (op operation) apply(ctx context.Context, filters []store.Filter, limit int) ([]store.Moved, error) {
	var moved []store.Moved
	for _, f := range filters {
		rest, more := left(limit, len(moved))
		if !more {
			break
		}
		some, err := op.run(ctx, f, rest)
		moved = append(moved, some...)
		if err != nil && !errors.Is(err, store.ErrState) { // which says that nothing of an event matches
			return moved, err
		}
	}
	return moved, nil
}

// left says how many may still be taken (0: no limit), and whether any may.
func left(limit, taken int) (rest int, more bool) {
	if limit == 0 {
		return 0, true
	}
	return limit - taken, taken < limit
}

func resultOf(moved []store.Moved) api.BulkResult {
	sample := moved[:min(len(moved), sampleIDs)]
	return api.BulkResult{Count: len(moved), IDs: each(sample, func(m store.Moved) string { return m.Delivery.String() })}
}

// stoppedMidway adds to an error how much had been done.
func stoppedMidway(err error, op operation, moved int) error {
	problem := *problemOf(err)
	problem.Detail = fmt.Sprintf("%s stopped after %d deliveries: %s", op.name, moved, problem.Detail)
	return &problem
}

// audit tells the log what an operator changed.
func (s *Server) audit(r *http.Request, action string, err error, attributes ...any) {
	log := s.Logger.With("action", action, "remote", r.RemoteAddr).With(attributes...)
	if err != nil {
		log.Error("operator's change failed", "error", err)
		return
	}
	log.Info("operator changed something")
}
