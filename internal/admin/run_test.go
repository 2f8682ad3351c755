package admin

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/store"
)

func TestRun(t *testing.T) {
	t.Run("cuts what takes long when it is stopped, and returns when that has ended", func(t *testing.T) {
		listener := listen(t)
		hanging := hanging{begun: make(chan struct{}), cut: make(chan struct{})}
		s, err := New(Options{Listener: listener, Operator: hanging, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- s.Run(ctx) }()
		answered := make(chan error, 1)
		go func() { answered <- postAll("http://" + listener.Addr().String() + "/api/v1/replay") }()
		<-hanging.begun
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("Run: %v", err)
		}
		select {
		case <-hanging.cut:
		default:
			t.Error("the request was not cut")
		}
		if err := <-answered; err != nil {
			t.Errorf("the client got no answer: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	t.Run("returns the error of a listener that breaks", func(t *testing.T) {
		listener := listen(t)
		s, err := New(Options{Listener: listener, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		_ = listener.Close()
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "admin listener 127.0.0.1:") {
			t.Errorf("got %v", err)
		}
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

// postAll sends a bulk request, whatever comes of it.
func postAll(address string) error {
	response, err := http.Post(address, "application/json", strings.NewReader(`{"all":true}`))
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// hanging is an operator whose replay ends only when it is cut.
type hanging struct {
	Operator

	begun, cut chan struct{}
}

func (h hanging) Replay(ctx context.Context, _ store.Filter, _ int) ([]store.Moved, error) {
	close(h.begun)
	<-ctx.Done()
	close(h.cut)
	return nil, ctx.Err()
}
