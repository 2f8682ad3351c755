package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// youth is how old an event must be before the flaky destination takes it: in the demo, at the third try.
const youth = 5 * time.Second

// flaky is a destination on loopback that refuses young events, and at /refuse all of them. It tells the age by the
// event's id, so that it has nothing to forget when it is killed.
type flaky struct {
	server http.Server
	served chan error
}

func startFlaky(ctx context.Context, address string) (*flaky, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("flaky destination: %w: say --flaky-listen with another address", err)
	}
	f := &flaky{served: make(chan error, 1)}
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

// ServeHTTP takes or refuses an event.
func (*flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/refuse":
		http.Error(w, "never heard of this order", http.StatusUnprocessableEntity)
	case age(r.Header.Get("Webhook-Id")) < youth:
		http.Error(w, "not yet", http.StatusServiceUnavailable)
	default:
		_, _ = w.Write([]byte("thank you\n"))
	}
}

// age is how long ago an event was received, by the time in its id (UUIDv7, RFC 9562); one without an id is young.
func age(eventID string) time.Duration {
	id, err := uuid.Parse(eventID)
	if err != nil {
		return 0
	}
	return time.Since(time.Unix(id.Time().UnixTime()))
}
