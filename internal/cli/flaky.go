package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// refusals is how many tries of each event the flaky destination refuses.
const refusals = 2

// flaky is a destination on loopback that takes an event only at its third try, and at /refuse none at all.
type flaky struct {
	server http.Server
	served chan error

	mu    sync.Mutex
	tries map[string]int // guarded by mu: by event, until it is taken
}

func startFlaky(ctx context.Context, address string) (*flaky, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("flaky destination: %w: say --flaky-listen with another address", err)
	}
	f := &flaky{tries: map[string]int{}, served: make(chan error, 1)}
	f.server = http.Server{Handler: f, ReadHeaderTimeout: 5 * time.Second}
	go func() { f.served <- f.server.Serve(listener) }()
	return f, nil
}

// stop closes it and waits until it has ended.
func (f *flaky) stop() error {
	err := f.server.Close()
	if served := <-f.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// ServeHTTP takes or refuses an event, which it knows by the id that every attempt carries.
func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/refuse":
		http.Error(w, "never heard of this order", http.StatusUnprocessableEntity)
	case f.refuses(r.Header.Get("Webhook-Id")):
		http.Error(w, "not yet", http.StatusServiceUnavailable)
	default:
		_, _ = w.Write([]byte("thank you\n"))
	}
}

func (f *flaky) refuses(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tries[id]++; f.tries[id] <= refusals {
		return true
	}
	delete(f.tries, id)
	return false
}
