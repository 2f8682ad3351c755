package httpwebhook_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/destination/destinationtest"
	"github.com/grapnel-dev/grapnel/internal/destination/destinationtest/faultproxy"
	"github.com/grapnel-dev/grapnel/internal/destination/httpwebhook"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	const token, password, query = "token-5f1d0a", "password-77ab31", "query-90cc12"
	sink := newSink(t)
	proxy := faultproxy.Start(t, sink.Listener.Addr().String())
	destinationtest.Run(t, destinationtest.Harness{
		Open: func(t *testing.T) destination.Destination {
			t.Helper()
			c := config("http://user:" + password + "@" + proxy.Addr() + "/hook?key=" + query)
			c.Headers = map[string]secret.Value{"X-Token": secret.New(token)}
			return open(t, c)
		},
		Received: func(*testing.T) map[string][][]byte { return sink.events() },
		Proxy:    proxy,
		Secrets:  []string{token, password, query},
	})
}

func TestTheTransportRepeatsNothing(t *testing.T) {
	sink := newSink(t)
	proxy := faultproxy.Start(t, sink.Listener.Addr().String())
	d := use(t, config("http://"+proxy.Addr()))
	first, second := example(), example()
	first.ID, second.ID = "first", "second"
	if _, err := d.Deliver(t.Context(), first); err != nil { // the connection is kept
		t.Fatal(err)
	}
	proxy.CutAnswers(0)
	if _, err := d.Deliver(t.Context(), second); err == nil {
		t.Fatal("delivered without an answer")
	}
	proxy.Pass(t)
	if n := len(sink.events()["second"]); n != 1 {
		t.Errorf("%d requests for one attempt", n)
	}
}

// sink is a server that keeps what it gets and answers 200.
type sink struct {
	*httptest.Server
	mu   sync.Mutex
	seen []received
}

type received struct {
	request *http.Request
	body    []byte
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.seen = append(s.seen, received{request: r, body: body})
		_, _ = w.Write([]byte("thank you"))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) events() map[string][][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := map[string][][]byte{}
	for _, r := range s.seen {
		id := r.request.Header.Get("Webhook-Id")
		events[id] = append(events[id], r.body)
	}
	return events
}

func (s *sink) last(t *testing.T) received {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.seen) == 0 {
		t.Fatal("no request came")
	}
	return s.seen[len(s.seen)-1]
}

func config(url string) *httpwebhook.Config {
	c := httpwebhook.Module().Config().(*httpwebhook.Config)
	c.URL = url
	return c
}

func open(t *testing.T, c *httpwebhook.Config) destination.Destination {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	d, err := c.Open(destination.Env{Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// use opens a destination that is closed when the test ends.
func use(t *testing.T, c *httpwebhook.Config) destination.Destination {
	t.Helper()
	d := open(t, c)
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func example() *event.Event {
	return &event.Event{
		ID:         "msg_p5jXN8AQM9LWM0D4loKWxJek",
		Webhook:    "orders",
		ReceivedAt: time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC),
		Method:     http.MethodPost,
		URL:        "/webhook/orders",
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       []byte(`{"test": 2432232314}`),
	}
}
