// Package verify holds the contract of the checks that prove who sent a request.
//
// It knows none of the methods and nothing of what the body means: a verifier sees raw bytes before anything parses
// them. Each method is a folder below this one; all of them pass verifytest.
package verify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// Request is what a sender sent, for verifiers to judge. They must not change it, nor keep it after Verify returned.
type Request struct {
	Method string
	// URL is the exact public address the sender used, as providers sign it: server.public_url and the request's path
	// and query as sent. It is never taken from proxy headers.
	URL    string
	Header http.Header
	// Query is the parsed query of the URL.
	Query url.Values
	// Body is the raw body. A method that signs form fields parses it itself.
	Body []byte
	// Client is the address of the sender, after trusted proxies.
	Client netip.Addr
	// TLS is the connection's state; nil on a plain connection.
	TLS *tls.ConnectionState
	// ReceivedAt is the time against which timestamps are judged.
	ReceivedAt time.Time
}

// Verifier checks one thing about a request. It returns nil when the request is authentic, a *Denied when it is not,
// and any other error when it cannot tell (a key server is down): the sender then gets 503 and keeps the event.
//
// Verify is called concurrently. It compares secrets in constant time, and its errors never hold a secret or a part of
// the body. Several verifiers of one webhook must all accept.
type Verifier interface {
	Verify(ctx context.Context, r *Request) error
}

// Handshaker is optional for a Verifier: it answers a provider's requests that are no events but prove who owns the
// address. It returns nil, nil when the request is not such a handshake, and a *Denied when it is one but is not
// authentic. Handshakes are answered before anything is stored, also for GET, HEAD and OPTIONS.
type Handshaker interface {
	Handshake(ctx context.Context, r *Request) (*Answer, error)
}

// Carrier is optional for a Verifier whose credentials travel as they are (a token in a header, a key in the query), and
// not as a signature: it names the headers and the query parameters that hold them, which are then not kept with the
// event. Those of event.SecretHeaders never are.
type Carrier interface {
	Credentials() (headers, parameters []string)
}

// Answer is what a handshake is answered with.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Reason names a rejection in metrics, logs and the API. It is one of a small fixed set, never text from a request.
type Reason string

// The reasons for which a request is rejected as not authentic.
const (
	Missing           Reason = "credentials_missing"   // no header, parameter or signature where one must be
	Malformed         Reason = "credentials_malformed" // present, but not of the form the method wants
	WrongCredentials  Reason = "wrong_credentials"     //nolint:gosec // a token, password or key that is not the right one
	SignatureMismatch Reason = "signature_mismatch"    // a well-formed signature that does not match
	Stale             Reason = "timestamp_stale"       // signed outside of the tolerated time
	Replayed          Reason = "replayed"              // a nonce or token that was seen before
	Forbidden         Reason = "forbidden"             // known, but not allowed (an address, a scope): 403
)

// Denied is the verdict that a request is not authentic or not allowed.
type Denied struct { //nolint:errname // a verdict, which reads as one: "denied"
	Reason Reason
	// Detail tells the operator more: never a secret, never shown to the sender.
	Detail string
	// Challenge is the value of WWW-Authenticate, for methods that have one.
	Challenge string
}

// Deny makes a verdict with a detail for the operator.
func Deny(reason Reason, format string, args ...any) *Denied {
	return &Denied{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// Error is for the operator's log.
func (d *Denied) Error() string { return string(d.Reason) + ": " + d.Detail }

// Status is the answer the sender gets: 403 when it is known but not allowed, else 401.
func (d *Denied) Status() int {
	if d.Reason == Forbidden {
		return http.StatusForbidden
	}
	return http.StatusUnauthorized
}

// AsDenied finds a verdict in an error's chain.
func AsDenied(err error) (*Denied, bool) { return errors.AsType[*Denied](err) }

// Config is the configuration of one method: a pointer to a struct (or to a named scalar type) whose value holds the
// defaults when Method.Config made it, and which is read from the webhook's key of that name.
type Config interface {
	// Validate says what is wrong with the values together; single values are checked by their tags.
	Validate() error
	// Open makes the verifier. It does no I/O that could block a reload.
	Open() (Verifier, error)
}

// Signer is optional for a Config: Sign makes a request authentic, as the sender would, so that people can try a webhook.
// It is given all of the request and adds to its Header.
type Signer interface {
	Sign(r *Request) error
}

// Method is one way to prove who sent a request: the webhook's key it is configured with, and its configuration.
type Method struct {
	Name   string
	Config func() Config
}
