package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const adminToken = "a-token-of-the-test"

// gateway is a server that runs, and what stands behind it.
type gateway struct {
	*Server

	url           string
	client        *api.Client
	store         store.Store
	lanes         *lanes
	configuration *configuration
	log           *strings.Builder
}

// start runs a server on loopback, with the events of the tests, until the test ends; change may alter its options.
func start(t *testing.T, change func(*Options)) *gateway {
	t.Helper()
	return startOn(t, seeded(t), change)
}

func startOn(t *testing.T, s store.Store, change func(*Options)) *gateway {
	t.Helper()
	g := &gateway{store: s, configuration: &configuration{}, log: &strings.Builder{}}
	g.lanes = &lanes{store: g.store, status: []Status{
		{Name: "orders.kafka", Webhook: "orders", Module: "kafka", Concurrency: 16},
		{Name: "shop/items.log", Webhook: "shop/items", Module: "log", Concurrency: 1, InFlight: 1},
		{Name: "shop/items.kafka", Webhook: "shop/items", Module: "kafka", Breaker: BreakerOpen, RetryAt: receivedAt(100)},
	}}
	o := Options{
		Listener: listen(t), Archive: g.store, Operator: g.lanes, Configuration: g.configuration,
		Accepting: func() error { return nil }, StoreDirectory: t.TempDir(), Metrics: telemetry.New().Handler(),
		Version: "v1.2.3", Logger: slog.New(slog.NewTextHandler(g.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if g.Server, err = New(o); err != nil {
		t.Fatal(err)
	}
	g.url = "http://" + o.Listener.Addr().String()
	if g.client, err = api.NewClient(g.url, o.Token.Reveal()); err != nil {
		t.Fatal(err)
	}
	g.run(t)
	return g
}

func (g *gateway) run(t *testing.T) {
	t.Helper()
	stopped := make(chan error, 1)
	go func() { stopped <- g.Run(t.Context()) }() // which ends before Cleanup
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := <-stopped; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

func withToken(o *Options) { o.Token = secret.New(adminToken) }

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// ask sends a request as it is; header holds names and values in turn.
func (g *gateway) ask(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, g.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			request.Host = header[i+1]
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(content)}
}

// configuration is one that a test can break.
type configuration struct {
	broken  error
	reloads int
}

func (c *configuration) Reload(context.Context) error {
	c.reloads++
	return c.broken
}

func (c *configuration) Loaded() Loaded {
	return Loaded{
		Effective: map[string]any{"admin": map[string]any{"token": secret.New(adminToken)}},
		Warnings:  []string{"grapnel.yaml:3:1: webhooks.orders: accepts everybody"},
		LoadedAt:  time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
		LastError: c.broken,
	}
}

var errDown = errors.New("the store has failed: no space left on device")
