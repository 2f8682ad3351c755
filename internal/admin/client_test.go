package admin

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

// may gives the value, or ends the test.
func may[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func TestOverview(t *testing.T) {
	g := start(t, nil)
	t.Run("tells of everything on one screen", func(t *testing.T) {
		o := may(g.client.Overview(t.Context()))(t)
		if !o.Accepting || !o.Store.Up || o.Version != "v1.2.3" || o.Store.FreeBytes == 0 || o.Config.LoadedAt.IsZero() {
			t.Errorf("%+v", o)
		}
		want := api.Count{Accepted: allEvents + 1, Balanced: true, States: map[event.State]int64{
			event.Delivered: 1, event.Pending: 3, event.Waiting: 1, event.Dead: deadEvents, event.Discarded: 0, event.Skipped: 0,
		}}
		if diff := cmp.Diff(want, o.Totals); diff != "" {
			t.Error(diff)
		}
		d := o.Destinations
		if d.Total != 4 || d.States[api.DestinationOpen] != 1 || d.States[api.DestinationUnconfigured] != 1 || d.Backlog != 3 || d.InFlight != 1 || d.OldestAgeSeconds <= 0 {
			t.Errorf("%+v", d)
		}
	})
	t.Run("answers also when the store does not", func(t *testing.T) {
		g := start(t, func(o *Options) { o.Accepting = func() error { return errDown } })
		if err := g.store.Close(); err != nil {
			t.Fatal(err)
		}
		o := may(g.client.Overview(t.Context()))(t)
		if o.Accepting || o.NotAccepting != errDown.Error() || o.Store.Up || o.Store.Error == "" {
			t.Errorf("%+v", o)
		}
	})
}

func TestEvents(t *testing.T) {
	g := start(t, nil)
	t.Run("come newest first, page by page, each one once", func(t *testing.T) {
		var got, want []string
		request := api.PageRequest{Limit: 4}
		for more := true; more; {
			page := may(g.client.Events(t.Context(), api.EventFilter{}, request))(t)
			for _, e := range page.Items {
				got = append(got, e.ID)
			}
			request.Cursor, more = page.Next, page.Next != ""
		}
		for n := allEvents - 1; n >= 0; n-- {
			want = append(want, eventID(n))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("are found by what the provider called them", func(t *testing.T) {
		page := may(g.client.Events(t.Context(), api.EventFilter{DedupeKey: "key-3"}, api.PageRequest{}))(t)
		want := []api.EventSummary{{
			ID: eventID(3), Webhook: "orders", ReceivedAt: receivedAt(3), DedupeKey: "key-3", ContentType: "text/html", SizeBytes: 27,
			States: []event.State{event.Dead},
		}}
		if diff := cmp.Diff(want, page.Items); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("are found by webhook and time", func(t *testing.T) {
		filter := api.EventFilter{Webhook: "orders", After: receivedAt(2), Before: receivedAt(5)}
		if page := may(g.client.Events(t.Context(), filter, api.PageRequest{}))(t); len(page.Items) != 3 {
			t.Errorf("%d events", len(page.Items))
		}
	})
	t.Run("a list without items is [] and not null", func(t *testing.T) {
		if got := g.ask(t, http.MethodGet, "/api/v1/events?webhook=none", ""); got.body != `{"items":[]}`+"\n" {
			t.Error(got.body)
		}
	})
	t.Run("one is told with its whole timeline", func(t *testing.T) {
		e := may(g.client.Event(t.Context(), eventID(0)))(t)
		if e.URL != "/webhook/orders?page=<1>" || e.Method != http.MethodPost || e.Header.Get("Content-Type") != "text/html" || len(e.Deliveries) != 1 {
			t.Fatalf("%+v", e)
		}
		want := []api.Attempt{{
			Number: 1, StartedAt: receivedAt(allEvents), TookSeconds: 1.5, Outcome: event.OutcomeDead,
			Class: fault.NotFound, Code: "http_404", Error: "no such topic", Response: "<b>gone</b>",
		}}
		if diff := cmp.Diff(want, e.Deliveries[0].History); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a body comes byte for byte, as a download that no browser runs", func(t *testing.T) {
		body := may(g.client.Body(t.Context(), eventID(0)))(t)
		defer func() { _ = body.Close() }()
		if content := may(io.ReadAll(body))(t); string(content) != "<script>alert(0)</script>\x00\xff" {
			t.Errorf("%q", content)
		}
		got := g.ask(t, http.MethodGet, "/api/v1/events/"+eventID(0)+"/body", "")
		if h := got.header; h.Get("Content-Type") != "application/octet-stream" || h.Get("Content-Disposition") != "attachment; filename="+eventID(0)+".body" {
			t.Errorf("%v", h)
		}
	})
	t.Run("what strangers wrote is inert in JSON", func(t *testing.T) {
		if got := g.ask(t, http.MethodGet, "/api/v1/events/"+eventID(0), ""); strings.ContainsAny(got.body, "<>") {
			t.Error(got.body)
		}
	})
}

func TestDeliveries(t *testing.T) {
	g := start(t, nil)
	for _, test := range []struct {
		rule   string
		filter api.DeliveryFilter
		want   int
	}{
		{"all of them", api.DeliveryFilter{}, allEvents + 1},
		{"of one event", api.DeliveryFilter{EventID: eventID(chainEvent)}, 2},
		{"of a webhook", api.DeliveryFilter{Webhook: "shop/items"}, 2},
		{"of a destination", api.DeliveryFilter{Destination: "old.kafka"}, 1},
		{"in one of several states", api.DeliveryFilter{States: []event.State{event.Dead, event.Delivered}}, deadEvents + 1},
		{"by class of error", api.DeliveryFilter{Class: fault.NotFound}, deadEvents},
		{"by code of error", api.DeliveryFilter{Code: "http_404"}, deadEvents},
		{"by time", api.DeliveryFilter{After: receivedAt(1), Before: receivedAt(3)}, 2},
	} {
		t.Run(test.rule, func(t *testing.T) {
			if page := may(g.client.Deliveries(t.Context(), test.filter, api.PageRequest{}))(t); len(page.Items) != test.want {
				t.Errorf("%d deliveries, want %d", len(page.Items), test.want)
			}
		})
	}
	t.Run("one is told completely", func(t *testing.T) {
		page := may(g.client.Dead(t.Context(), api.DeliveryFilter{EventID: eventID(0)}, api.PageRequest{}))(t)
		want := []api.Delivery{{
			ID: deliveryID(0, 0), Event: eventID(0), Webhook: "orders", Destination: "orders.kafka", State: event.Dead,
			Attempts: 1, Spent: 1, ReceivedAt: receivedAt(0), Since: receivedAt(0), LastClass: fault.NotFound, LastCode: "http_404", LastError: "no such topic",
		}}
		ended := cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "EndedAt" }, cmp.Ignore())
		if diff := cmp.Diff(want, page.Items, ended); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("dead ones come page by page to the end", func(t *testing.T) {
		n := 0
		request := api.PageRequest{Limit: 3}
		for more := true; more; {
			page := may(g.client.Dead(t.Context(), api.DeliveryFilter{}, request))(t)
			n += len(page.Items)
			request.Cursor, more = page.Next, page.Next != ""
		}
		if n != deadEvents {
			t.Errorf("%d dead letters, want %d", n, deadEvents)
		}
	})
	t.Run("the attempts of one are listed", func(t *testing.T) {
		page := may(g.client.Attempts(t.Context(), event.DeliveryID{Event: eventID(deliveredEvent)}))(t)
		if len(page.Items) != 1 || page.Items[0].Receipt != "offset 7" {
			t.Errorf("%+v", page)
		}
	})
}

func TestDestinations(t *testing.T) {
	g := start(t, nil)
	t.Run("are told with their state, those that only the store knows included", func(t *testing.T) {
		got := map[string]api.DestinationState{}
		for _, d := range may(g.client.Destinations(t.Context()))(t).Items {
			got[d.Name] = d.State
		}
		want := map[string]api.DestinationState{
			"orders.kafka": api.DestinationOK, "shop/items.log": api.DestinationOK, "shop/items.kafka": api.DestinationOpen, "old.kafka": api.DestinationUnconfigured,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("tell their backlog, its age and the counts", func(t *testing.T) {
		for _, d := range may(g.client.Destinations(t.Context()))(t).Items {
			if d.Name == "orders.kafka" && (d.Backlog != 1 || d.OldestAgeSeconds <= 0 || !d.OldestReceivedAt.Equal(receivedAt(pendingEvent)) || d.Counts.Accepted != deadEvents+2) {
				t.Errorf("%+v", d)
			}
		}
	})
	t.Run("are paused and resumed, also with a slash in the name", func(t *testing.T) {
		if d := may(g.client.Pause(t.Context(), "shop/items.log"))(t); d.State != api.DestinationPaused || !d.Paused {
			t.Errorf("%+v", d)
		}
		if paused := may(g.store.Paused(t.Context()))(t); len(paused) != 1 {
			t.Errorf("%v", paused)
		}
		if d := may(g.client.Resume(t.Context(), "shop/items.log"))(t); d.State != api.DestinationOK || d.Paused {
			t.Errorf("%+v", d)
		}
	})
	t.Run("the state says the worst that is true", func(t *testing.T) {
		now := time.Now()
		later := now.Add(time.Minute)
		for want, status := range map[api.DestinationState]Status{
			api.DestinationPaused:   {Paused: true, Breaker: BreakerOpen},
			api.DestinationOpen:     {Breaker: BreakerOpen, HeldUntil: later},
			api.DestinationHalfOpen: {Breaker: BreakerHalfOpen},
			api.DestinationHeld:     {HeldUntil: later},
			api.DestinationOK:       {HeldUntil: now.Add(-time.Minute)},
		} {
			if got := stateOf(status, now); got != want {
				t.Errorf("%+v is %s, want %s", status, got, want)
			}
		}
	})
}

func TestConfigAndReload(t *testing.T) {
	g := start(t, nil)
	t.Run("the configuration is told with its secrets redacted", func(t *testing.T) {
		c := may(g.client.Config(t.Context()))(t)
		if string(c.Effective) != `{"admin":{"token":"[redacted]"}}` || len(c.Warnings) != 1 || c.LoadedAt.IsZero() {
			t.Errorf("%+v", c)
		}
	})
	t.Run("a reload tells what runs now", func(t *testing.T) {
		if summary := may(g.client.Reload(t.Context()))(t); g.configuration.reloads != 1 || summary.LastError != "" {
			t.Errorf("%+v", summary)
		}
	})
	t.Run("a reload that was refused lists every error", func(t *testing.T) {
		g.configuration.broken = errors.New("grapnel.yaml:1:1: first\ngrapnel.yaml:2:1: second")
		_, err := g.client.Reload(t.Context())
		problem, ok := errors.AsType[*api.Problem](err)
		if !ok || problem.Status != http.StatusUnprocessableEntity || len(problem.Errors) != 2 {
			t.Fatalf("got %v", err)
		}
		if o := may(g.client.Overview(t.Context()))(t); o.Config.LastError == "" {
			t.Error("the overview does not tell of it")
		}
	})
}

func TestCounts(t *testing.T) {
	g := start(t, nil)
	counts := may(g.client.Counts(t.Context()))(t)
	if !counts.Total.Balanced || counts.Destinations["orders.kafka"].States[event.Dead] != deadEvents {
		t.Errorf("%+v", counts)
	}
	t.Run("the proof of no loss: the rows say what the counters say, and balance", func(t *testing.T) {
		recount := may(g.client.Recount(t.Context()))(t)
		if !recount.Agree || !recount.Rows.Total.Balanced {
			t.Errorf("%+v", recount)
		}
		if diff := cmp.Diff(counts, recount.Rows); diff != "" {
			t.Error(diff)
		}
	})
}

func TestHealth(t *testing.T) {
	ready := start(t, nil)
	t.Run("ready, with the destinations that are down as a detail", func(t *testing.T) {
		got := ready.ask(t, http.MethodGet, "/readyz", "")
		if got.status != http.StatusOK || got.body != `{"ready":true,"down":["shop/items.kafka"]}`+"\n" {
			t.Errorf("%d: %s", got.status, got.body)
		}
	})
	t.Run("not ready when senders get no 2xx, but alive", func(t *testing.T) {
		g := startOn(t, ready.store, func(o *Options) { o.Accepting = func() error { return errDown } })
		got := g.ask(t, http.MethodGet, "/readyz", "")
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, errDown.Error()) {
			t.Errorf("%d: %s", got.status, got.body)
		}
		if got := g.ask(t, http.MethodGet, "/healthz", ""); got.status != http.StatusOK {
			t.Error(got.status)
		}
	})
	t.Run("the index lists every route", func(t *testing.T) {
		got := ready.ask(t, http.MethodGet, "/", "")
		for _, r := range ready.routes() {
			if !strings.Contains(got.body, fmt.Sprintf("%-4s %s\n", r.method, strings.TrimSuffix(r.pattern, "{$}"))) {
				t.Errorf("%s is missing", r.pattern)
			}
		}
	})
	t.Run("metrics are served", func(t *testing.T) {
		if got := ready.ask(t, http.MethodGet, "/metrics", ""); !strings.Contains(got.body, "grapnel_store_group_size") {
			t.Error(got.body)
		}
	})
}

func TestNoAnswerHoldsTheToken(t *testing.T) {
	g := start(t, withToken)
	g.configuration.broken = errors.New("grapnel.yaml:1:1: wrong")
	for _, r := range g.routes() {
		path := strings.Replace(r.address(), "/x", "/"+eventID(0), 1)
		got := g.ask(t, r.method, path, `{"all":true}`, "Authorization", "Bearer "+adminToken, "Content-Type", "application/json")
		if strings.Contains(got.body, adminToken) || strings.Contains(fmt.Sprint(got.header), adminToken) {
			t.Errorf("%s %s tells the token: %s", r.method, path, got.body)
		}
	}
	if strings.Contains(g.log.String(), adminToken) {
		t.Error("the log holds the token")
	}
}

func TestClient(t *testing.T) {
	t.Run("refuses an address that is none", func(t *testing.T) {
		for _, base := range []string{"", "127.0.0.1:8001", "ftp://host", "http://", "http://a b"} {
			if _, err := api.NewClient(base, ""); err == nil {
				t.Errorf("%q was taken", base)
			}
		}
	})
	t.Run("tells which gateway could not be asked", func(t *testing.T) {
		client := may(api.NewClient("http://127.0.0.1:1", ""))(t)
		if _, err := client.Overview(t.Context()); err == nil || !strings.Contains(err.Error(), "http://127.0.0.1:1/api/v1/overview") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("never follows a redirect, which would carry the token along", func(t *testing.T) {
		other := httptest.NewServer(http.RedirectHandler("http://192.0.2.1/", http.StatusTemporaryRedirect))
		defer other.Close()
		_, err := may(api.NewClient(other.URL, adminToken))(t).Overview(t.Context())
		if problem, ok := errors.AsType[*api.Problem](err); !ok || problem.Status != http.StatusTemporaryRedirect {
			t.Errorf("got %v", err)
		}
	})
	t.Run("understands refusals that are no problem details", func(t *testing.T) {
		other := httptest.NewServer(http.NotFoundHandler())
		defer other.Close()
		_, err := may(api.NewClient(other.URL, ""))(t).Overview(t.Context())
		if problem, ok := errors.AsType[*api.Problem](err); !ok || problem.Status != http.StatusNotFound || !strings.Contains(problem.Detail, "404") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("tells of an answer that is no JSON", func(t *testing.T) {
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }))
		defer other.Close()
		if _, err := may(api.NewClient(other.URL, ""))(t).Overview(t.Context()); err == nil || !strings.Contains(err.Error(), "read the answer") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("is let in with the token and not without", func(t *testing.T) {
		g := start(t, withToken)
		may(g.client.Overview(t.Context()))(t)
		_, err := may(api.NewClient(g.url, ""))(t).Overview(t.Context())
		if problem, ok := errors.AsType[*api.Problem](err); !ok || problem.Status != http.StatusUnauthorized {
			t.Errorf("got %v", err)
		}
	})
}
