package admin

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func (s *Server) events(r *http.Request) (api.Page[api.EventSummary], error) {
	query := r.URL.Query()
	filter, err := api.ParseEventFilter(query)
	if err != nil {
		return api.Page[api.EventSummary]{}, badRequest(err)
	}
	paging, err := api.ParsePageRequest(query)
	if err != nil {
		return api.Page[api.EventSummary]{}, badRequest(err)
	}
	page, err := s.Archive.FindEvents(r.Context(), store.EventFilter(filter), store.PageRequest(paging))
	return pageOf(page, summaryOf), err
}

func (s *Server) event(r *http.Request) (api.Event, error) {
	e, err := s.findEvent(r)
	if err != nil {
		return api.Event{}, err
	}
	answer := api.Event{
		ID: e.ID, Webhook: e.Webhook, ReceivedAt: utc(e.ReceivedAt), DedupeKey: e.DedupeKey,
		Method: e.Method, URL: e.URL, Header: e.Header, SizeBytes: len(e.Body),
	}
	answer.Deliveries, err = s.timelines(r.Context(), e.ID)
	return answer, err
}

func (s *Server) timelines(ctx context.Context, eventID string) ([]api.Timeline, error) {
	deliveries, err := s.deliveriesOf(ctx, eventID)
	if err != nil {
		return nil, err
	}
	timelines := make([]api.Timeline, len(deliveries))
	for i, d := range deliveries {
		attempts, err := s.Archive.Attempts(ctx, d.ID)
		if err != nil {
			return nil, fmt.Errorf("attempts of delivery %s: %w", d.ID, err)
		}
		timelines[i] = api.Timeline{Delivery: deliveryOf(d), History: each(attempts, attemptOf)}
	}
	return timelines, nil
}

// body serves bytes that strangers sent: as a download of no type, which no browser displays or runs.
func (s *Server) body(w http.ResponseWriter, r *http.Request) error {
	e, err := s.findEvent(r)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": e.ID + ".body"}))
	h.Set("Content-Length", strconv.Itoa(len(e.Body)))
	_, _ = w.Write(e.Body)
	return nil
}

func (s *Server) findEvent(r *http.Request) (*event.Event, error) {
	id := r.PathValue("id")
	e, err := s.Archive.Event(r.Context(), id)
	if err != nil {
		return nil, fmt.Errorf("event %q: %w", id, err)
	}
	return e, nil
}

func (s *Server) deliveries(r *http.Request) (api.Page[api.Delivery], error) {
	return s.findDeliveries(r, nil)
}

func (s *Server) dead(r *http.Request) (api.Page[api.Delivery], error) {
	return s.findDeliveries(r, []event.State{event.Dead})
}

// findDeliveries lists what the query selects, only in the given states unless there are none.
func (s *Server) findDeliveries(r *http.Request, only []event.State) (api.Page[api.Delivery], error) {
	query := r.URL.Query()
	filter, err := api.ParseDeliveryFilter(query)
	if err != nil {
		return api.Page[api.Delivery]{}, badRequest(err)
	}
	paging, err := api.ParsePageRequest(query)
	if err != nil {
		return api.Page[api.Delivery]{}, badRequest(err)
	}
	if only != nil {
		filter.States = only
	}
	page, err := s.Archive.FindDeliveries(r.Context(), store.Filter(filter), store.PageRequest(paging))
	return pageOf(page, deliveryOf), err
}

func (s *Server) attempts(r *http.Request) (api.Page[api.Attempt], error) {
	d, err := s.findDelivery(r.Context(), r.PathValue("event")+"/"+r.PathValue("step"))
	if err != nil {
		return api.Page[api.Attempt]{}, err
	}
	attempts, err := s.Archive.Attempts(r.Context(), d.ID)
	return api.Page[api.Attempt]{Items: each(attempts, attemptOf)}, err
}

// findDelivery finds a delivery by the name that the API gives it.
func (s *Server) findDelivery(ctx context.Context, name string) (event.Delivery, error) {
	id, err := event.ParseDeliveryID(name)
	if err != nil {
		return event.Delivery{}, badRequest(err)
	}
	deliveries, err := s.deliveriesOf(ctx, id.Event)
	if err != nil {
		return event.Delivery{}, fmt.Errorf("delivery %s: %w", id, err)
	}
	if id.Step >= len(deliveries) {
		return event.Delivery{}, fmt.Errorf("delivery %s: %w", id, store.ErrNotFound)
	}
	return deliveries[id.Step], nil
}

// deliveriesOf gives all deliveries of an event: an event that exists has one at least.
func (s *Server) deliveriesOf(ctx context.Context, eventID string) ([]event.Delivery, error) {
	deliveries, err := s.Archive.Deliveries(ctx, eventID)
	if err == nil && len(deliveries) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("event %q: %w", eventID, err)
	}
	return deliveries, nil
}
