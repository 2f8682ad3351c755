package ingress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

func duplicateOf(id string, steps ...event.State) func(context.Context, store.Entry) (store.Accepted, <-chan bool, error) {
	return func(context.Context, store.Entry) (store.Accepted, <-chan bool, error) {
		return store.Accepted{EventID: id, Duplicate: true, Steps: steps}, nil, nil
	}
}

func TestWhatTheSenderIsTold(t *testing.T) {
	const (
		plain     = `{"message":"200 OK","id":"ID"}`
		processed = `{"message":"200 OK","status":"processed","id":"ID"}`
		accepted  = `{"message":"202 Accepted","status":"accepted","id":"ID",` +
			`"note":"Request accepted, processing in background with retries"}`
	)
	const within, off = time.Minute, time.Duration(0)
	tests := []struct {
		rule    string
		retries bool
		within  time.Duration
		accept  func(context.Context, store.Entry) (store.Accepted, <-chan bool, error)
		status  int
		body    string
	}{
		{"with retry off the durable event is enough", false, within, nil, 200, plain},
		{"all that is delivered while the sender waits is processed", true, within, ending(true), 200, processed},
		{"what failed for good is accepted: it is a dead letter now", true, within, ending(false), 202, accepted},
		{"what is not delivered when the wait ends is accepted", true, time.Millisecond, never, 202, accepted},
		{"without a wait the durable event is accepted", true, off, nil, 202, accepted},
		{
			"a duplicate of what is delivered is processed", true, within, duplicateOf("first", event.Delivered, event.Delivered), 200,
			`{"message":"200 OK","status":"processed","id":"first","duplicate":true}`,
		},
		{
			"a duplicate of what is pending is accepted", true, within, duplicateOf("first", event.Delivered, event.Pending), 202,
			strings.Replace(strings.Replace(accepted, "ID", "first", 1), "}", `,"duplicate":true}`, 1),
		},
		{
			"a duplicate of a dead letter is accepted", true, within, duplicateOf("first", event.Dead), 202,
			strings.Replace(strings.Replace(accepted, "ID", "first", 1), "}", `,"duplicate":true}`, 1),
		},
		{
			"a duplicate with retry off is told so", false, within, duplicateOf("first", event.Pending), 200,
			`{"message":"200 OK","id":"first","duplicate":true}`,
		},
		{
			"a duplicate with retry off of what is delivered is processed", false, within, duplicateOf("first", event.Delivered), 200,
			`{"message":"200 OK","status":"processed","id":"first","duplicate":true}`,
		},
		{
			"a duplicate of what retention has deleted is processed: nothing is left to do", true, within, duplicateOf("first"), 200,
			`{"message":"200 OK","status":"processed","id":"first","duplicate":true}`,
		},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			in := &intake{accept: test.accept}
			g := serve(t, in, table(webhook(func(w *Webhook) { w.Retries, w.Within = test.retries, test.within })), nil)
			r := g.post(t, "/webhook/orders", `{}`)
			want := strings.Replace(test.body, "ID", r.header.Get("X-Request-Id"), 1)
			if r.status != test.status || strings.TrimSpace(r.body) != want {
				t.Errorf("answered %d %s\nwant %d %s", r.status, r.body, test.status, want)
			}
			if r.header.Get("Content-Type") != "application/json" {
				t.Errorf("the content type is %q", r.header.Get("Content-Type"))
			}
			if watch := test.retries && test.within > 0; in.watched != watch {
				t.Errorf("watched: %v, want %v", in.watched, watch)
			}
		})
	}
}

func TestWhatIsRefused(t *testing.T) {
	deny := func(reason verify.Reason) []verify.Verifier {
		return []verify.Verifier{verifier(func(*verify.Request) error {
			d := verify.Deny(reason, "operator-only")
			d.Challenge = "Bearer"
			return d
		})}
	}
	fails := func(err error) func(context.Context, store.Entry) (store.Accepted, <-chan bool, error) {
		return func(context.Context, store.Entry) (store.Accepted, <-chan bool, error) {
			return store.Accepted{}, nil, err
		}
	}
	tests := []struct {
		rule, method, path, body string
		change                   func(*Webhook)
		accept                   func(context.Context, store.Entry) (store.Accepted, <-chan bool, error)
		status                   int
		reason                   string
		header                   map[string]string
	}{
		{rule: "an unknown webhook", path: "/webhook/other", status: 404, reason: "unknown_webhook"},
		{rule: "an unknown namespace", path: "/webhook/shop/orders", status: 404, reason: "unknown_webhook"},
		{rule: "a path that is no webhook's", path: "/orders", status: 404, reason: "unknown_webhook"},
		{rule: "an id that none can have", path: "/webhook/ord%65rs", status: 404, reason: "unknown_webhook"},
		{rule: "another method", method: "PUT", status: 405, reason: "method", header: map[string]string{"Allow": "POST"}},
		{rule: "GET without a handshake", method: "GET", status: 405, reason: "method"},
		{rule: "OPTIONS without a handshake", method: "OPTIONS", status: 405, reason: "method"},
		{
			rule: "no proof who sent it", change: func(w *Webhook) { w.Verifiers = deny(verify.Missing) }, status: 401,
			reason: "credentials_missing", header: map[string]string{"Www-Authenticate": "Bearer"},
		},
		{rule: "a sender that is not allowed", change: func(w *Webhook) { w.Verifiers = deny(verify.Forbidden) }, status: 403, reason: "forbidden"},
		{rule: "a sender about whom nothing can be told now", change: func(w *Webhook) {
			w.Verifiers = []verify.Verifier{verifier(func(*verify.Request) error { return errors.New("operator-only") })}
		}, status: 503, reason: "unverifiable", header: map[string]string{"Retry-After": "5"}},
		{rule: "a body that is not JSON", body: `{"a":`, status: 400, reason: "malformed"},
		{rule: "a body that is no form", change: func(w *Webhook) { w.DataType = Form }, status: 415, reason: "content_type"},
		{
			rule: "a body that is too large", body: `"` + strings.Repeat("x", 100) + `"`,
			change: func(w *Webhook) { w.Limits.Body = 50 }, status: 413, reason: "too_large",
		},
		{
			rule: "an event that cannot be kept", accept: fails(fmt.Errorf("%w: operator-only", store.ErrUnavailable)), status: 503,
			reason: "unavailable", header: map[string]string{"Retry-After": "5"},
		},
		{rule: "an event about which the store gives no answer", accept: fails(context.DeadlineExceeded), status: 503, reason: "unavailable"},
		{rule: "a bug", accept: func(context.Context, store.Entry) (store.Accepted, <-chan bool, error) { panic("payload") }, status: 500, reason: "bug"},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			in := &intake{accept: test.accept}
			g := serve(t, in, table(webhook(test.change)), nil)
			method, path, body := orElse(test.method, http.MethodPost), orElse(test.path, "/webhook/orders"), orElse(test.body, "{}")
			r := g.send(t, method, path, strings.NewReader(body))
			if r.status != test.status || strings.Contains(r.body, "operator-only") {
				t.Errorf("answered %d %s, want %d", r.status, r.body, test.status)
			}
			for name, want := range test.header {
				if got := r.header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			id := r.header.Get("X-Request-Id")
			if r.field(t, "id") != id || r.field(t, "error") == "" || r.field(t, "detail") == "" {
				t.Errorf("the answer does not tell enough: %s", r.body)
			}
			if logs := g.logs.String(); !strings.Contains(logs, id) || strings.Contains(logs, "payload") {
				t.Errorf("the log does not tell of it, or too much:\n%s", logs)
			}
			if test.accept == nil && len(in.kept()) > 0 {
				t.Error("something was kept")
			}
			if got := rejections(t, g, test.reason); got != 1 {
				t.Errorf("%v rejections of that reason are counted", got)
			}
			if g.bodies.used.Load() != 0 {
				t.Error("the memory of the body is still taken")
			}
		})
	}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

func rejections(t *testing.T, g *gateway, reason string) float64 {
	t.Helper()
	families, err := g.metrics.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for _, family := range families {
		if family.GetName() != "grapnel_rejected_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "reason" && label.GetValue() == reason {
					total += metric.GetCounter().GetValue()
				}
			}
		}
	}
	return total
}

func TestWhatIsKept(t *testing.T) {
	in := new(intake)
	g := serve(t, in, table(webhook(func(w *Webhook) {
		w.Steps, w.Chain = []string{"orders.log", "orders.kafka"}, event.SequentialStop
	})), nil)
	body := "{\"a\" : 1,\r\n \"a\": 2}\n"
	r := g.post(t, "/webhook/orders?b=2&a=%201", body, "Authorization: Bearer secret", "Cookie: secret", "X-Any: one",
		"X-Any: two", "Idempotency-Key: k1", "Content-Type: application/json", "Content-Encoding: gzip")
	if r.status != 200 || len(in.kept()) != 1 {
		t.Fatalf("answered %d, kept %d", r.status, len(in.kept()))
	}
	entry := in.kept()[0]
	e := entry.Event
	t.Run("the body is kept byte for byte, and never decompressed", func(t *testing.T) {
		if string(e.Body) != body || e.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("kept %q", e.Body)
		}
	})
	t.Run("the address is kept as it was sent", func(t *testing.T) {
		if e.Method != "POST" || e.URL != "/webhook/orders?b=2&a=%201" || e.Webhook != "orders" {
			t.Errorf("kept %s %s for %s", e.Method, e.URL, e.Webhook)
		}
	})
	t.Run("headers are kept but for the secret ones", func(t *testing.T) {
		if got := e.Header.Values("X-Any"); len(got) != 2 || e.Header.Get("Authorization") != "" || e.Header.Get("Cookie") != "" {
			t.Errorf("kept %v", e.Header)
		}
	})
	t.Run("the event has the id of the request, a UUIDv7", func(t *testing.T) {
		if id, err := uuid.Parse(e.ID); err != nil || id.Version() != 7 || e.ID != r.header.Get("X-Request-Id") {
			t.Errorf("the id is %s", e.ID)
		}
	})
	t.Run("the entry has the steps, their rule, and the dedupe key with its window", func(t *testing.T) {
		if len(entry.Steps) != 2 || entry.Steps[1].Destination != "orders.kafka" || entry.Chain != event.SequentialStop ||
			e.DedupeKey != "Idempotency-Key:k1" || entry.DedupeWindow != time.Hour {
			t.Errorf("got %+v with %q", entry, e.DedupeKey)
		}
	})
}

func TestWhichWebhook(t *testing.T) {
	tests := []struct{ rule, path, want string }{
		{"a webhook is found by its id", "/webhook/orders", "orders"},
		{"ids are compared as they are written", "/webhook/ORDERS", "default"},
		{"a namespaced one by both names", "/webhook/shop/orders", "shop/orders"},
		{"every other id is the catch-all's", "/webhook/other", "default"},
		{"with a namespace too", "/webhook/shop/other", "default"},
		{"an id that none may have is nobody's", "/webhook/admin", ""},
		{"nor is a third name", "/webhook/a/b/c", ""},
		{"nor is an empty name", "/webhook/", ""},
		{"nor is an empty second name", "/webhook/orders/", ""},
	}
	in := new(intake)
	named := func(id string) *Webhook { return webhook(func(w *Webhook) { w.ID = id }) }
	g := serve(t, in, table(named("orders"), named("shop/orders"), named("default")), nil)
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			before := len(in.kept())
			r := g.post(t, test.path, "{}")
			got := ""
			if kept := in.kept(); len(kept) > before {
				got = kept[before].Event.Webhook
			}
			if got != test.want || (r.status == 404) != (test.want == "") {
				t.Errorf("it was for %q (%d), want %q", got, r.status, test.want)
			}
		})
	}
}

func TestSwap(t *testing.T) {
	in := new(intake)
	g := serve(t, in, table(webhook(nil)), nil)
	g.Swap(table(webhook(func(w *Webhook) { w.ID = "invoices" })))
	if r := g.post(t, "/webhook/orders", "{}"); r.status != 404 {
		t.Errorf("the old webhook answers %d", r.status)
	}
	if r := g.post(t, "/webhook/invoices", "{}"); r.status != 200 {
		t.Errorf("the new webhook answers %d", r.status)
	}
}
