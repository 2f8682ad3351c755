package ingress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Server puts a Handler on a listener, within limits that hold before anything is known about a request.
type Server struct {
	// Listener is where senders connect; Run closes it.
	Listener net.Listener
	Handler  *Handler
	Log      *slog.Logger
	Limits   ServerLimits
	// Patience gives how long a stop may wait for requests that are under way; it is asked when the stop begins.
	Patience func() time.Duration
}

// ServerLimits bound what a connection may cost.
type ServerLimits struct {
	// HeaderBytes is the largest header of a request, with all its lines.
	HeaderBytes int
	// Connections is how many may be open at once; further ones wait in the kernel.
	Connections int
	// Header and Body are how long a sender may take for the header and for the body of a request, Idle how long a
	// connection may be kept without one.
	Header, Body, Idle time.Duration
}

// longestWait bounds how long an answer may take after the request has been read: the longest respond.within that may
// be configured and some time to store the event.
const longestWait = 5*time.Minute + 2*acceptTimeout

// Run serves until ctx ends, then drains: it stops accepting connections, answers new requests on kept ones with 503,
// and finishes those under way. What is still not finished after the drain time is cut off, which is an error; its
// senders got no answer, so none of them believes that we have its event.
func (s *Server) Run(ctx context.Context) error {
	server := s.httpServer()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(limitConnections(s.Listener, s.Limits.Connections)) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", s.Listener.Addr(), err)
	case <-ctx.Done():
	}
	err := s.drain(ctx, server)
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

func (s *Server) drain(ctx context.Context, server *http.Server) error {
	s.Handler.Drain()
	patience := s.Patience()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience) // ctx has ended: that is why we drain
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(fmt.Errorf("requests were still under way after %s", patience), server.Close())
	}
	return err
}

// httpServer serves HTTP/1 only. Its read timeout counts from the first byte of a request, so that the body has its
// deadline without another call to the kernel's clock for each request.
func (s *Server) httpServer() *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           s.Handler,
		Protocols:         protocols,
		MaxHeaderBytes:    s.Limits.HeaderBytes,
		ReadHeaderTimeout: s.Limits.Header,
		ReadTimeout:       s.Limits.Header + s.Limits.Body,
		WriteTimeout:      s.Limits.Header + s.Limits.Body + longestWait,
		IdleTimeout:       s.Limits.Idle,
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn),
	}
}
