// Package verifytest holds what every verification method must do, whatever it verifies: accept what is authentic,
// deny all that is nearly so, refuse to work without a secret, and say no secret.
//
// It knows nothing of a method but what its Suite says.
package verifytest

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/verify"
)

// Suite tells how a method is configured and how a sender proves itself to it.
type Suite struct {
	// Configure makes a configuration that accepts these secrets, in this order. It is also called without any, and with
	// an empty one.
	Configure func(secrets ...string) verify.Config
	// Prove makes the request of a sender that knows the secret.
	Prove func(secret string, body []byte) *verify.Request
	// Header is the header in which the proof stands.
	Header string
	// Encoding is how a signature is written; Token for methods that compare a value instead.
	Encoding Encoding
	// SignsBody says that the proof covers the body.
	SignsBody bool
	// Vectors are examples that providers or standards have published.
	Vectors []Vector
}

// Encoding is how a proof is written.
type Encoding int

// The encodings.
const (
	Token Encoding = iota
	Hex
	Base64
)

// Vector is a published example of an authentic request.
type Vector struct {
	// Source says who published it, and where.
	Source  string
	Config  verify.Config
	Request *verify.Request
}

// Two secrets that no error may show, and the body that most requests have. (Its first signature in base64 has both of
// the characters in which the URL alphabet differs.)
const (
	first  = "first-6c1d2f7b90"
	second = "second-0e83a45c17"
)

func body() []byte { return []byte("{\"id\": 7,\r\n \"name\": \"\xc3\xa9t\xc3\xa9 <&>\"}\n") }

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	t.Helper()
	t.Run("authentic requests are accepted", s.accepts)
	t.Run("what is nearly authentic is denied", s.denies)
	t.Run("secrets are rotated", s.rotates)
	t.Run("it fails closed without a secret", s.failsClosed)
	t.Run("it is safe for concurrent use", s.concurrent)
	t.Run("secrets are compared in constant time", constantTime)
	for _, vector := range s.Vectors {
		t.Run(vector.Source, func(t *testing.T) {
			if err := open(t, vector.Config).Verify(t.Context(), vector.Request); err != nil {
				t.Errorf("the published example is denied: %v", err)
			}
		})
	}
}

func open(t *testing.T, config verify.Config) verify.Verifier {
	t.Helper()
	if err := config.Validate(); err != nil {
		t.Fatalf("the configuration is not valid: %v", err)
	}
	verifier, err := config.Open()
	if err != nil {
		t.Fatalf("the configuration cannot be opened: %v", err)
	}
	return verifier
}

func (s Suite) accepts(t *testing.T) {
	verifier := open(t, s.Configure(first))
	bodies := map[string][]byte{
		"a small body": body(), "an empty body": {}, "no body": nil, "bytes that are no text": {0, 0xff, 0xfe, '\r', '\n'},
		"a byte order mark": []byte("\xef\xbb\xbf{}"), "a large body": bytes.Repeat([]byte("x"), 1<<20),
	}
	for name, content := range bodies {
		t.Run(name, func(t *testing.T) {
			request := s.Prove(first, content)
			before := clone(request)
			if err := verifier.Verify(t.Context(), request); err != nil {
				t.Errorf("denied: %v", err)
			}
			if !reflect.DeepEqual(before, request) {
				t.Error("the verifier changed the request")
			}
		})
	}
}

func (s Suite) rotates(t *testing.T) {
	verifier := open(t, s.Configure(second, first))
	t.Run("the first of two secrets is accepted", func(t *testing.T) {
		if err := verifier.Verify(t.Context(), s.Prove(second, body())); err != nil {
			t.Errorf("denied: %v", err)
		}
	})
	t.Run("the second of two secrets is accepted", func(t *testing.T) {
		if err := verifier.Verify(t.Context(), s.Prove(first, body())); err != nil {
			t.Errorf("denied: %v", err)
		}
	})
	t.Run("a secret that is configured no more is denied", func(t *testing.T) {
		s.mustDeny(t, open(t, s.Configure(second)), s.Prove(first, body()))
	})
}

func (s Suite) failsClosed(t *testing.T) {
	wrong := map[string][]string{
		"no secret": {}, "an empty secret": {""}, "an empty secret beside a good one": {first, ""},
		"a secret that ends in a line break": {first + "\n"},
	}
	for name, secrets := range wrong {
		t.Run(name, func(t *testing.T) {
			config := s.Configure(secrets...)
			err := config.Validate()
			if err == nil {
				t.Error("Validate takes it")
			}
			_, openErr := config.Open()
			if openErr == nil {
				t.Error("Open takes it")
			}
			noSecrets(t, errors.Join(err, openErr))
		})
	}
}

func (s Suite) concurrent(t *testing.T) {
	verifier := open(t, s.Configure(first, second))
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			content := bytes.Repeat([]byte{byte('a' + i)}, 100+i)
			for range 50 {
				if err := verifier.Verify(t.Context(), s.Prove(first, content)); err != nil {
					t.Errorf("denied: %v", err)
				}
				if verifier.Verify(t.Context(), s.Prove("another", content)) == nil {
					t.Error("accepted a wrong secret")
				}
			}
		})
	}
	group.Wait()
}

// mustDeny holds that a request is denied, with a reason of the fixed set, and that the verdict shows no secret.
func (s Suite) mustDeny(t *testing.T, verifier verify.Verifier, request *verify.Request) {
	t.Helper()
	err := verifier.Verify(t.Context(), request)
	if err == nil {
		t.Fatal("accepted")
	}
	noSecrets(t, err)
	for _, proof := range request.Header.Values(s.Header) {
		if len(proof) > len(first) && strings.Contains(err.Error(), proof) {
			t.Errorf("the verdict shows what was sent: %v", err)
		}
	}
	denied, ok := verify.AsDenied(err)
	if !ok {
		t.Fatalf("not a verdict but %T: %v", err, err)
	}
	known := []verify.Reason{
		verify.Missing, verify.Malformed, verify.WrongCredentials, verify.SignatureMismatch,
		verify.Stale, verify.Replayed, verify.Forbidden,
	}
	if !slices.Contains(known, denied.Reason) {
		t.Errorf("an unknown reason: %s", denied.Reason)
	}
}

func noSecrets(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	for _, secret := range []string{first, second, "\"name\""} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("an error shows a secret or the body: %v", err)
		}
	}
}

func clone(r *verify.Request) *verify.Request {
	c := *r
	c.Header = r.Header.Clone()
	c.Body = bytes.Clone(r.Body)
	return &c
}
