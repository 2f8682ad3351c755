// Package admin serves operators on a listener of its own: health, metrics, and the API by which they see and steer the
// gateway.
//
// It knows neither how events are stored nor how they are delivered: it asks the small interfaces below. It decides
// nothing about deliveries, and what senders sent is bytes to it, never interpreted.
package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// Operator is what people decide about deliveries. Its methods are called concurrently.
type Operator interface {
	// Status tells how each configured destination is doing.
	Status() []Status
	// SetPaused pauses or resumes a destination, durably and at once.
	SetPaused(ctx context.Context, destination string, paused bool) error
	// Replay and Discard are those of store.Operator, and make the lanes take up what moved.
	Replay(ctx context.Context, f store.Filter, limit int) ([]store.Moved, error)
	Discard(ctx context.Context, f store.Filter, limit int) ([]store.Moved, error)
}

// Status is how the lane of a destination is doing.
type Status struct {
	Name, Webhook, Module string
	Concurrency, InFlight int
	Paused                bool
	PausedSince           time.Time
	// Breaker is the state of the circuit breaker; RetryAt is when an open one lets the next delivery through.
	Breaker Breaker
	RetryAt time.Time
	// HeldUntil is until when the destination asked us to wait; zero or past: it does not.
	HeldUntil time.Time
	// LastFailure is the last failed attempt; zero when none was since the start.
	LastFailure Failure
}

// Failure is a failed attempt.
type Failure struct {
	At    time.Time
	Class fault.Class
	Code  string
	Error string
}

// Breaker is the state of a circuit breaker. The zero value is closed.
type Breaker uint8

// The states of a circuit breaker, with the numbers that the metrics give them.
const (
	BreakerClosed   Breaker = 0
	BreakerHalfOpen Breaker = 1
	BreakerOpen     Breaker = 2
)

// String is the state's name in the API.
func (b Breaker) String() string {
	return [...]string{BreakerClosed: "closed", BreakerHalfOpen: "half_open", BreakerOpen: "open"}[min(b, BreakerOpen)]
}

// Configuration is what runs, and can be loaded anew. Its methods are called concurrently.
type Configuration interface {
	// Reload loads the configuration anew. When it returns an error the running one is untouched; the error is shown to
	// the operator and holds no secret.
	Reload(ctx context.Context) error
	// Loaded tells what runs.
	Loaded() Loaded
}

// Loaded is the running configuration.
type Loaded struct {
	// Effective is the configuration with its defaults, for encoding/json. Its secrets are redacted.
	Effective any
	Warnings  []string
	LoadedAt  time.Time
	// LastError is why the last reload was refused, at FailedAt; nil when it was not.
	LastError error
	FailedAt  time.Time
}

// Options are what a Server needs; only Token and StoreDirectory may be left out.
type Options struct {
	// Listener is where operators connect. Run closes it.
	Listener net.Listener
	// Token is what clients send as bearer token. It may be empty only for a listener on loopback.
	Token         secret.Value
	Archive       store.Archive
	Operator      Operator
	Configuration Configuration
	// Accepting says why senders do not get 2xx now (store failed, draining); nil when they do.
	Accepting func() error
	// StoreDirectory is the folder of an embedded store, for its size and the free room.
	StoreDirectory string
	Metrics        http.Handler
	Version        string
	Logger         *slog.Logger
}

// Server answers operators.
type Server struct {
	Options

	started time.Time
	http    *http.Server
}

// The limits of the listener. There is no limit to how long an answer may take: a recount or a replay of millions takes
// minutes, and who is not let in gets answers that no slow reader can hold up.
const (
	readTimeout = 10 * time.Second
	idleTimeout = 2 * time.Minute
	drainTime   = 5 * time.Second
	maxHeader   = 64 << 10
	maxBody     = 1 << 20
)

// New makes a server. It refuses to serve beyond loopback without a token.
func New(o Options) (*Server, error) {
	if o.Token.Empty() && !onLoopback(o.Listener.Addr()) {
		return nil, fmt.Errorf("admin.listen %s can be reached from other machines: set admin.token, or listen on 127.0.0.1", o.Listener.Addr())
	}
	s := &Server{Options: o, started: time.Now()}
	s.http = &http.Server{
		Handler:        s.handler(),
		ReadTimeout:    readTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
	}
	return s, nil
}

// Run serves until ctx ends; then it cuts long requests, waits for the others for a few seconds, and returns.
func (s *Server) Run(ctx context.Context) error {
	s.http.BaseContext = func(net.Listener) context.Context { return ctx }
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.Listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("admin listener %s: %w", s.Listener.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := s.http.Shutdown(drain)
	if err != nil {
		err = errors.Join(fmt.Errorf("admin listener: requests were cut: %w", err), s.http.Close())
	}
	if why := <-served; !errors.Is(why, http.ErrServerClosed) {
		err = errors.Join(err, why)
	}
	return err
}

func onLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
