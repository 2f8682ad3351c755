package api_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

func TestQueriesReadAsTheyWereWritten(t *testing.T) {
	after, before := time.Date(2026, 5, 1, 12, 0, 0, 123_456_000, time.UTC), time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)
	t.Run("of deliveries", func(t *testing.T) {
		want := api.DeliveryFilter{
			EventID: "0198c7a2", Webhook: "shop/items", Destination: "shop/items.log.2", States: []event.State{event.Dead, event.Pending},
			Class: fault.TimeoutError, Code: "http_503", After: after, Before: before,
		}
		got, err := api.ParseDeliveryFilter(want.Query())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
	t.Run("of events", func(t *testing.T) {
		want := api.EventFilter{Webhook: "orders", DedupeKey: "a&b=c d", After: after, Before: before}
		got, err := api.ParseEventFilter(want.Query())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
	t.Run("of pages", func(t *testing.T) {
		want := api.PageRequest{Limit: 1000, Cursor: "x/y+z=="}
		got, err := api.ParsePageRequest(want.Query(url.Values{}))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}

// Whatever is taken for a filter is the same filter when it is written and read again.
func FuzzDeliveryFilter(f *testing.F) {
	for _, seed := range []string{
		"", "state=dead&state=pending", "state=lost", "after=2026-05-01T12:00:00Z&before=2026-05-01T14:00:00.5%2B02:00", "after=yesterday",
		"event=a/0&webhook=shop/items&destination=%ff&class=x&code=5xx", "limit=10&cursor=abc", "limit=0", "%zz", "after=0001-01-01T00:00:00Z",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if p, err := api.ParsePageRequest(q); err == nil && (p.Limit < 0 || p.Limit > 1000) {
			t.Errorf("a limit of %d was taken", p.Limit)
		}
		want, err := api.ParseDeliveryFilter(q)
		if err != nil {
			return
		}
		got, err := api.ParseDeliveryFilter(want.Query())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s\n%v", diff, err)
		}
	})
}
