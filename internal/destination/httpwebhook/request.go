package httpwebhook

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
)

// The headers of our own are written to the wire in lower case. For the transport, which knows only the canonical form
// of Idempotency-Key, that makes the request one that it must not repeat by itself once anything of it was sent: each
// request on the wire is an attempt that the retry policy knows of.
const (
	headerIdempotencyKey = "idempotency-key"
	headerID             = "webhook-id"
	headerTimestamp      = "webhook-timestamp"
	headerSignature      = "webhook-signature"
)

// request makes the request for an event. It shares the body, which nobody changes.
func (s *sender) request(ctx context.Context, e *event.Event, now time.Time) *http.Request {
	r := s.template.WithContext(ctx) // a copy
	r.Header = s.header(e, now)
	if len(e.Body) == 0 {
		return r
	}
	r.ContentLength = int64(len(e.Body))
	r.Body = io.NopCloser(bytes.NewReader(e.Body))
	// GetBody lets the transport change over from a kept connection that turns out closed before anything was sent.
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(e.Body)), nil }
	return r
}

// header puts the headers together, the ones that must not be overridden last.
func (s *sender) header(e *event.Event, now time.Time) http.Header {
	header := make(http.Header, len(s.fixed)+6)
	s.forward.copy(header, e.Header)
	describeBody(header, e.Header)
	maps.Copy(header, s.fixed)
	id := []string{e.ID}
	header[headerID], header[headerIdempotencyKey] = id, id
	if len(s.keys) > 0 {
		timestamp := strconv.FormatInt(now.Unix(), 10)
		header[headerTimestamp] = []string{timestamp}
		header[headerSignature] = []string{signature(s.keys, e.ID, timestamp, e.Body)}
	}
	return header
}

// describeBody takes over the headers without which the bytes cannot be understood.
func describeBody(header, received http.Header) {
	for _, name := range [...]string{"Content-Type", "Content-Encoding"} {
		if values := received[name]; len(values) > 0 {
			header[name] = values
		}
	}
}
