package app

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapnel-dev/grapnel/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRunDelivers(t *testing.T) {
	g := start(t, nil)
	g.mustPost("/webhook/orders", `{"n":1}`, http.StatusOK)
	if got := g.sink.next(t); got != `{"n":1}` {
		t.Errorf("the destination got %q", got)
	}
	g.stop()
}

func TestReload(t *testing.T) {
	t.Run("a webhook that is written into the file receives without a restart", func(t *testing.T) {
		g := start(t, nil)
		g.mustPost("/webhook/invoices", `{}`, http.StatusNotFound)
		g.write(strings.Replace(g.text, "orders:", "invoices:", 1))
		g.await("/webhook/invoices", http.StatusOK)
		g.mustPost("/webhook/orders", `{}`, http.StatusNotFound)
	})
	t.Run("a configuration that is wrong leaves the running one untouched and is told", func(t *testing.T) {
		g := start(t, nil)
		before := g.app.Loaded().LoadedAt
		g.text += "\nwebhoks: {}\n"
		g.write(g.text)
		if err := g.app.Reload(t.Context()); err == nil {
			t.Fatal("the wrong configuration was taken")
		}
		g.mustPost("/webhook/orders", `{}`, http.StatusOK)
		loaded := g.app.Loaded()
		if loaded.LastError == nil || !strings.Contains(loaded.LastError.Error(), "webhooks") || !loaded.LoadedAt.Equal(before) {
			t.Errorf("the refusal is told as %v, loaded at %s", loaded.LastError, loaded.LoadedAt)
		}
	})
	t.Run("settings that cannot change while the gateway runs are told", func(t *testing.T) {
		g := start(t, nil)
		g.write(strings.Replace(g.text, "admin:", "# moved\nadmin:", 1) + "store: " + t.TempDir() + "\n")
		if err := g.app.Reload(t.Context()); err == nil {
			t.Fatal("two stores in one file were taken")
		}
		g.write(strings.Replace(g.text, "store: ", "store: /nowhere", 1))
		if err := g.app.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(g.log.String(), "hold from the next start") {
			t.Error("nobody was told")
		}
	})
}

func TestNewFreesWhatItOpened(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	path := filepath.Join(t.TempDir(), "grapnel.yaml")
	write := func(address string) {
		text := "server: {listen: \"127.0.0.1:0\"}\nadmin: {listen: \"" + address + "\"}\nstore: " + t.TempDir() + "\n" +
			"webhooks: {orders: {authorization: x, module: log}}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	options := Options{Source: config.Source{File: path, Getenv: os.LookupEnv}, Logger: slog.New(slog.DiscardHandler)}
	write(taken.Addr().String())
	if _, err := New(t.Context(), options); err == nil || !strings.Contains(err.Error(), "admin.listen") {
		t.Errorf("a port that is taken gives %v", err)
	}
	write("127.0.0.1:0")
	a, err := New(t.Context(), options)
	if err != nil {
		t.Fatalf("after the mistake was mended: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Run(ended); err != nil {
		t.Error(err)
	}
}

func TestAPartThatFailsStopsTheGateway(t *testing.T) {
	g := start(t, nil)
	if err := g.app.public.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-g.ended; err == nil || !strings.Contains(err.Error(), "ingress") {
		t.Errorf("the gateway ended with %v", err)
	}
	g.ended <- nil
}

// gateway is an App that runs, on ports of its own, with one webhook that delivers to a sink.
type gateway struct {
	*testing.T
	app   *App
	path  string
	text  string // of the configuration
	sink  *sink
	log   *lockedBuffer
	stop  func()
	ended chan error
}

func start(t *testing.T, getenv func(string) (string, bool)) *gateway {
	t.Helper()
	g := &gateway{T: t, path: filepath.Join(t.TempDir(), "grapnel.yaml"), sink: newSink(t), log: &lockedBuffer{}, ended: make(chan error, 1)}
	g.text = "server: {listen: \"127.0.0.1:0\"}\nadmin: {listen: \"127.0.0.1:0\"}\nstore: " + t.TempDir() + `
webhooks:
  orders:
    authorization: Bearer test
    module: http_webhook
    module-config: {url: "` + g.sink.URL + `"}
    retry: {enabled: true}
`
	g.write(g.text)
	var err error
	g.app, err = New(t.Context(), Options{Source: config.Source{File: g.path, Getenv: getenv}, Logger: slog.New(slog.NewTextHandler(g.log, nil)), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { g.ended <- g.app.Run(ctx) }()
	g.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-g.ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(g.stop)
	return g
}

func (g *gateway) write(text string) {
	g.Helper()
	if err := os.WriteFile(g.path, []byte(text), 0o600); err != nil {
		g.Fatal(err)
	}
}

func (g *gateway) post(path, body string) int {
	g.Helper()
	public, _ := g.app.Addresses()
	request, err := http.NewRequestWithContext(g.Context(), http.MethodPost, "http://"+public.String()+path, strings.NewReader(body))
	if err != nil {
		g.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer test")
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		g.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

func (g *gateway) mustPost(path, body string, want int) {
	g.Helper()
	if got := g.post(path, body); got != want {
		g.Errorf("POST %s was answered %d, want %d", path, got, want)
	}
}

// await posts until the answer is the one that is wanted.
func (g *gateway) await(path string, want int) {
	g.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(10 * time.Second); g.post(path, `{}`) != want; {
		select {
		case <-tick.C:
		case <-deadline:
			g.Fatalf("POST %s was never answered %d", path, want)
		}
	}
}

// sink is a destination that takes everything.
type sink struct {
	*httptest.Server
	bodies chan string
}

func newSink(t *testing.T) *sink {
	s := &sink{bodies: make(chan string, 100)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.bodies <- string(body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) next(t *testing.T) string {
	t.Helper()
	select {
	case body := <-s.bodies:
		return body
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was delivered")
		return ""
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
