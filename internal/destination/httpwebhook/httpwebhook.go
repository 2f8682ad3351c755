// Package httpwebhook delivers events to an HTTP server: the body as it was received, with the event's id as its
// idempotency key. A 2xx status is the confirmation; redirects are failures and never followed.
//
// It knows no proxies: HTTP_PROXY and its kin are ignored, because the guard on addresses (package netguard) would see
// only the proxy.
//
// Every request carries `webhook-id` and `Idempotency-Key`, both the event's id and the same on every attempt. Nothing
// that a sender wrote can override them.
package httpwebhook

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/netguard"
)

// Module is the module "http_webhook".
func Module() destination.Module {
	return destination.Module{
		Name:            "http_webhook",
		Config:          func() destination.Config { return &Config{Method: http.MethodPost, AllowPrivate: true} },
		ConnectionTypes: []string{"http_webhook"},
		Codes:           []string{netguard.CodeRefused, codeNoHTTP, codeTLSExpected},
	}
}

// Open makes the destination with a pool of connections of its own.
func (c *Config) Open(env destination.Env) (destination.Destination, error) {
	tlsConfig, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	keys, err := c.Sign.keys()
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(c.URL)
	if err != nil {
		return nil, errURL
	}
	s := &sender{
		template: &http.Request{Method: c.Method, URL: target, Body: http.NoBody},
		host:     target.Scheme + "://" + target.Host, // the path and the query may hold secrets
		fixed:    c.fixedHeader(target, env.Version),
		forward:  c.forwarding(),
		keys:     keys,
		redact:   c.redactor(target),
		pool:     newPool(tlsConfig, netguard.Policy{AllowPrivate: c.AllowPrivate}),
	}
	target.User = nil // it is in fixed now
	return s, nil
}

// newPool makes a transport that keeps as many connections as the destination's concurrency ever used.
func newPool(tlsConfig *tls.Config, guard netguard.Policy) *http.Transport {
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second, ControlContext: guard.Control}
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    10 * time.Second,
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 10 * time.Second},
		MaxIdleConnsPerHost:    1024,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // nothing is unpacked: an answer is bounded by what travels
	}
}

// sender is an open destination. It holds no state besides its connections.
type sender struct {
	template *http.Request // what all requests have in common, without their headers
	host     string        // scheme and host, for errors
	fixed    http.Header
	forward  forwarding
	keys     [][]byte          // to sign with; none: do not sign
	redact   *strings.Replacer // takes our secrets out of answers; nil: there are none
	pool     *http.Transport
}

// Deliver sends one request and waits for the status. The time that an answer may take is ctx's.
func (s *sender) Deliver(ctx context.Context, e *event.Event) (destination.Receipt, error) {
	now := time.Now()
	response, err := s.pool.RoundTrip(s.request(ctx, e, now))
	if err != nil {
		return destination.Receipt{}, s.classify(ctx, err)
	}
	text := s.excerpt(response)
	if response.StatusCode/100 == 2 {
		return destination.Receipt{Response: text}, nil
	}
	f := fault.FromHTTP(response.StatusCode, response.Header, now)
	f.Response = text
	return destination.Receipt{}, f
}

// Probe connects, up to and including the TLS handshake. It sends no request, since any request may be an event to the
// other side.
func (s *sender) Probe(ctx context.Context) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return s.classify(ctx, err)
	}
	return conn.Close()
}

func (s *sender) connect(ctx context.Context) (net.Conn, error) {
	target := s.template.URL
	port := target.Port()
	if port == "" {
		port = target.Scheme // "http" and "https" are names of ports too
	}
	conn, err := s.pool.DialContext(ctx, "tcp", net.JoinHostPort(target.Hostname(), port))
	if err != nil || target.Scheme == "http" {
		return conn, err
	}
	config := s.pool.TLSClientConfig.Clone()
	if config.ServerName == "" {
		config.ServerName = target.Hostname()
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the error of the handshake tells more
		return nil, err
	}
	return secure, nil
}

// Close gives the connections back.
func (s *sender) Close() error {
	s.pool.CloseIdleConnections()
	return nil
}
