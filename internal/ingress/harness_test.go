package ingress

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// intake is the contract's other side: it keeps what it is given and answers as it is told.
type intake struct {
	mu      sync.Mutex
	entries []store.Entry
	watched bool
	forgot  []string
	// accept overrides the answer, which is that the event is durable and about nothing else.
	accept func(ctx context.Context, entry store.Entry) (store.Accepted, <-chan bool, error)
}

func (i *intake) Accept(ctx context.Context, entry store.Entry, watch bool) (store.Accepted, <-chan bool, error) {
	i.mu.Lock()
	i.entries = append(i.entries, entry)
	i.watched = watch
	i.mu.Unlock()
	if i.accept != nil {
		return i.accept(ctx, entry)
	}
	return durable(entry), nil, nil
}

func (i *intake) Forget(eventID string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.forgot = append(i.forgot, eventID)
}

func (i *intake) kept() []store.Entry {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.entries
}

func durable(entry store.Entry) store.Accepted {
	return store.Accepted{EventID: entry.Event.ID, Steps: make([]event.State, len(entry.Steps))}
}

func ending(all bool) func(context.Context, store.Entry) (store.Accepted, <-chan bool, error) {
	return func(_ context.Context, entry store.Entry) (store.Accepted, <-chan bool, error) {
		done := make(chan bool, 1)
		done <- all
		return durable(entry), done, nil
	}
}

func never(_ context.Context, entry store.Entry) (store.Accepted, <-chan bool, error) {
	return durable(entry), make(chan bool), nil
}

// verifier is a method of which a test says what it does.
type verifier func(r *verify.Request) error

func (v verifier) Verify(_ context.Context, r *verify.Request) error { return v(r) }

func webhook(change func(*Webhook)) *Webhook {
	w := &Webhook{
		ID: "orders", DataType: JSON, Limits: Limits{Body: 1 << 20, Depth: 50, String: 1 << 16},
		Dedupe: Dedupe{Window: time.Hour}, Steps: []string{"orders.log"},
	}
	if change != nil {
		change(w)
	}
	return w
}

func table(hooks ...*Webhook) *Table {
	t := &Table{Webhooks: map[string]*Webhook{}}
	for _, w := range hooks {
		t.Webhooks[w.ID] = w
	}
	return t
}

// gateway is a server on loopback.
type gateway struct {
	*Handler
	addr string
	logs *logBuffer
	stop func() error
}

func serve(t *testing.T, in Intake, tab *Table, change func(*Server)) *gateway {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	logs := new(logBuffer)
	log := slog.New(slog.NewJSONHandler(logs, nil))
	h := NewHandler(in, tab, telemetry.New(), log)
	server := &Server{
		Listener: listener, Handler: h, Log: log,
		Limits: ServerLimits{
			HeaderBytes: 64 << 10, Connections: 100, Header: 5 * time.Second, Body: 5 * time.Second,
			Idle: 5 * time.Second,
		},
		Patience: func() time.Duration { return 5 * time.Second },
	}
	if change != nil {
		change(server)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context())) // it ends in the cleanup, after the test's own
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return &gateway{Handler: h, addr: listener.Addr().String(), logs: logs, stop: stop}
}

type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// reply is an answer that has been read.
type reply struct {
	status int
	header http.Header
	body   string
}

// field is one of the members of a JSON answer.
func (r reply) field(t *testing.T, name string) any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal([]byte(r.body), &members); err != nil {
		t.Fatalf("the answer is not JSON: %v: %s", err, r.body)
	}
	return members[name]
}

// post sends a body to a path, with headers given as "Name: value".
func (g *gateway) post(t *testing.T, path, body string, headers ...string) reply {
	t.Helper()
	return g.send(t, http.MethodPost, path, strings.NewReader(body), headers...)
}

func (g *gateway) send(t *testing.T, method, path string, body io.Reader, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+g.addr+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Add(name, value)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{status: response.StatusCode, header: response.Header, body: string(content)}
}
