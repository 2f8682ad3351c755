package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func testArchive(t *testing.T, open opener) {
	t.Run("what does not exist is not found", func(t *testing.T) {
		r := newRig(t, open)
		known := r.acceptOne("orders.log")
		for _, id := range []string{"", "x", "0198c7a2-0000-7000-8000-ffffffffffff", known + "0"} {
			_, err := r.Event(t.Context(), id)
			r.wantError(err, store.ErrNotFound)
			_, err = r.Deliveries(t.Context(), id)
			r.wantError(err, store.ErrNotFound)
		}
		for _, step := range []int{-1, 1, event.MaxSteps, 1 << 20} {
			_, err := r.Attempts(t.Context(), event.DeliveryID{Event: known, Step: step})
			r.wantError(err, store.ErrNotFound)
		}
	})
	t.Run("a leased delivery says so, and when its lease ends", func(t *testing.T) {
		r := newRig(t, open)
		id := r.acceptOne("orders.log")
		if d := r.deliveries(id)[0]; d.Leased || !d.NextAttemptAt.Equal(r.now) {
			t.Errorf("before: %+v", d)
		}
		job := r.claimOne("orders.log")
		if d := r.deliveries(id)[0]; !d.Leased || !d.NextAttemptAt.Equal(job.Lease.Until) {
			t.Errorf("leased: %+v", d)
		}
	})
	t.Run("a cancelled question is not answered", func(t *testing.T) {
		r := newRig(t, open)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Recount(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		r.wantBalance()
	})
	testFindDeliveries(t, open)
	testFindEvents(t, open)
	testPaging(t, open)
}

// library is a store with a delivery in each state.
func library(t *testing.T, open opener) *rig {
	r := newRig(t, open)
	for hour, state := range []event.State{event.Delivered, event.Dead, event.Pending} {
		r.now = epoch().Add(time.Duration(hour) * time.Hour)
		e := r.entry(event.Parallel, fmt.Sprintf("orders.%v", state))
		e.Event.DedupeKey, e.DedupeWindow = fmt.Sprintf("key %d", hour), time.Minute
		r.accept(e)
		r.finish(e.Steps[0].Destination, state)
	}
	r.now = epoch().Add(3 * time.Hour)
	stopped := r.entry(event.SequentialStop, "shop.a", "shop.b")
	stopped.Event.Webhook = "shop"
	r.accept(stopped)
	r.discard(store.Filter{Destination: "shop.a"}, 0)
	r.now = epoch().Add(4 * time.Hour)
	r.accept(r.entry(event.Sequential, "orders.a", "orders.b"))
	return r
}

func testFindDeliveries(t *testing.T, open opener) {
	r := library(t, open)
	id := func(event int) string { return fmt.Sprintf("0198c7a2-0000-7000-8000-%012x", event) }
	hour := func(n int) time.Time { return epoch().Add(time.Duration(n) * time.Hour) }
	all := []string{id(5) + "/1", id(5) + "/0", id(4) + "/1", id(4) + "/0", id(3) + "/0", id(2) + "/0", id(1) + "/0"}
	for _, test := range []struct {
		rule string
		f    store.Filter
		want []string
	}{
		{"all, the newest event first", store.Filter{}, all},
		{"by event", store.Filter{EventID: id(4)}, []string{id(4) + "/1", id(4) + "/0"}},
		{"by an event that does not exist", store.Filter{EventID: id(99)}, nil},
		{"by webhook", store.Filter{Webhook: "shop"}, []string{id(4) + "/1", id(4) + "/0"}},
		{"by a webhook that does not exist", store.Filter{Webhook: "nobody"}, nil},
		{"by destination", store.Filter{Destination: "orders.b"}, []string{id(5) + "/1"}},
		{"delivered", store.Filter{States: []event.State{event.Delivered}}, []string{id(1) + "/0"}},
		{"dead", store.Filter{States: []event.State{event.Dead}}, []string{id(2) + "/0"}},
		{"pending", store.Filter{States: []event.State{event.Pending}}, []string{id(5) + "/0", id(3) + "/0"}},
		{"waiting", store.Filter{States: []event.State{event.Waiting}}, []string{id(5) + "/1"}},
		{"discarded", store.Filter{States: []event.State{event.Discarded}}, []string{id(4) + "/0"}},
		{"skipped", store.Filter{States: []event.State{event.Skipped}}, []string{id(4) + "/1"}},
		{"in several states", store.Filter{States: []event.State{event.Dead, event.Skipped}}, []string{id(4) + "/1", id(2) + "/0"}},
		{"by class of the last failure", store.Filter{Class: fault.ServiceUnavailable}, []string{id(3) + "/0"}},
		{"by code of the last failure", store.Filter{Code: "http_422"}, []string{id(2) + "/0"}},
		{"by time, from", store.Filter{After: hour(3)}, all[:4]},
		{"by time, until before", store.Filter{Before: hour(1)}, []string{id(1) + "/0"}},
		{"by time, between", store.Filter{After: hour(1), Before: hour(3)}, []string{id(3) + "/0", id(2) + "/0"}},
		{"by a time in which nothing happened", store.Filter{After: hour(9)}, nil},
		{"by all of it", store.Filter{
			EventID: id(2), Webhook: "orders", Destination: "orders.dead", States: []event.State{event.Dead},
			Class: fault.ValidationError, Code: "http_422", After: hour(1), Before: hour(2),
		}, []string{id(2) + "/0"}},
	} {
		t.Run("deliveries are found "+test.rule, func(t *testing.T) {
			page, err := r.FindDeliveries(t.Context(), test.f, store.PageRequest{})
			r.must(err)
			var got []string
			for _, d := range page.Items {
				got = append(got, d.ID.String())
				if full := r.deliveries(d.ID.Event)[d.ID.Step]; !cmp.Equal(full, d) {
					t.Errorf("in a list: %+v, by its event: %+v", d, full)
				}
			}
			if !slices.Equal(got, test.want) || page.Next != "" {
				t.Errorf("got %v, want %v", got, test.want)
			}
			n, err := r.CountDeliveries(t.Context(), test.f, 0)
			r.must(err)
			if n != len(test.want) {
				t.Errorf("counted %d, want %d", n, len(test.want))
			}
		})
	}
	t.Run("counting stops at its limit", func(t *testing.T) {
		if n, err := r.CountDeliveries(t.Context(), store.Filter{}, 3); n != 3 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
	})
}

func testFindEvents(t *testing.T, open opener) {
	r := library(t, open)
	hour := func(n int) time.Time { return epoch().Add(time.Duration(n) * time.Hour) }
	for _, test := range []struct {
		rule string
		f    store.EventFilter
		want []int
	}{
		{"all, the newest first", store.EventFilter{}, []int{5, 4, 3, 2, 1}},
		{"by webhook", store.EventFilter{Webhook: "shop"}, []int{4}},
		{"by a webhook that does not exist", store.EventFilter{Webhook: "nobody"}, nil},
		{"by dedupe key, also after its window", store.EventFilter{DedupeKey: "key 1"}, []int{2}},
		{"by a key of another webhook", store.EventFilter{Webhook: "shop", DedupeKey: "key 1"}, nil},
		{"by time", store.EventFilter{After: hour(1), Before: hour(3)}, []int{3, 2}},
		{"by all of it", store.EventFilter{Webhook: "orders", DedupeKey: "key 1", After: hour(1), Before: hour(2)}, []int{2}},
	} {
		t.Run("events are found "+test.rule, func(t *testing.T) {
			page, err := r.FindEvents(t.Context(), test.f, store.PageRequest{})
			r.must(err)
			var got []int
			for _, e := range page.Items {
				n := 0
				_, err := fmt.Sscanf(e.ID, "0198c7a2-0000-7000-8000-%x", &n)
				r.must(err)
				got = append(got, n)
			}
			if !slices.Equal(got, test.want) || page.Next != "" {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
	t.Run("a summary tells all but the body", func(t *testing.T) {
		page, err := r.FindEvents(t.Context(), store.EventFilter{Webhook: "shop"}, store.PageRequest{})
		r.must(err)
		want := store.EventSummary{
			ID: "0198c7a2-0000-7000-8000-000000000004", Webhook: "shop", ReceivedAt: hour(3), ContentType: "application/json", Size: 7,
			States: []event.State{event.Discarded, event.Skipped},
		}
		if diff := cmp.Diff([]store.EventSummary{want}, page.Items); diff != "" {
			t.Error(diff)
		}
	})
}

func testPaging(t *testing.T, open opener) {
	t.Run("pages go through everything once, also while more arrives", func(t *testing.T) {
		r := newRig(t, open)
		var want []string
		for range 25 {
			want = append(want, r.acceptOne("orders.log"))
		}
		slices.Reverse(want)
		var deliveries, events []string
		for cursor, first := "", true; first || cursor != ""; first = false {
			page, err := r.FindDeliveries(t.Context(), store.Filter{Destination: "orders.log"}, store.PageRequest{Limit: 10, Cursor: cursor})
			r.must(err)
			for _, d := range page.Items {
				deliveries = append(deliveries, d.ID.Event)
			}
			cursor = page.Next
			r.acceptOne("orders.log")
		}
		for cursor, first := "", true; first || cursor != ""; first = false {
			page, err := r.FindEvents(t.Context(), store.EventFilter{Before: r.now.Add(1)}, store.PageRequest{Limit: 5, Cursor: cursor})
			r.must(err)
			for _, e := range page.Items {
				events = append(events, e.ID)
			}
			cursor = page.Next
		}
		if !slices.Equal(deliveries, want) {
			t.Errorf("deliveries: got %v, want %v", deliveries, want)
		}
		if !slices.Equal(events[3:], want) {
			t.Errorf("events: got %v, want %v", events[3:], want)
		}
	})
	t.Run("a full page that is the last one says so", func(t *testing.T) {
		r := newRig(t, open)
		for range 3 {
			r.acceptOne("orders.log")
		}
		page, err := r.FindDeliveries(t.Context(), store.Filter{}, store.PageRequest{Limit: 3})
		r.must(err)
		if len(page.Items) != 3 || page.Next != "" {
			t.Errorf("%d items, next %q", len(page.Items), page.Next)
		}
	})
	t.Run("a cursor that no page gave is refused", func(t *testing.T) {
		r := newRig(t, open)
		for _, cursor := range []string{"?", "-1", " ", "zzzzzzzzzzzzzzzzzzzz"} {
			_, err := r.FindDeliveries(t.Context(), store.Filter{}, store.PageRequest{Cursor: cursor})
			r.wantError(err, store.ErrCursor)
			_, err = r.FindEvents(t.Context(), store.EventFilter{}, store.PageRequest{Cursor: cursor})
			r.wantError(err, store.ErrCursor)
		}
	})
}
