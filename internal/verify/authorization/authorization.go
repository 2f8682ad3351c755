// Package authorization checks that a request's Authorization header is one that the webhook expects: a bearer token,
// or any other value as a whole.
//
// It knows nothing of what the value means: schemes with parts of their own are other methods.
package authorization

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

const (
	header = "Authorization"
	bearer = "Bearer "
	// maxLength is the longest header that is looked at, in bytes.
	maxLength = 8192
)

// Method is the method's entry in the catalog.
func Method() verify.Method {
	return verify.Method{Name: "authorization", Config: func() verify.Config { return new(Config) }}
}

// Config holds the header values that are accepted, as in "Bearer 2f9a…": one, or several while a token is rotated.
type Config []secret.Value

// Validate refuses values that everybody could send, and those that nobody can.
func (c *Config) Validate() error {
	if len(*c) == 0 {
		return errors.New("without a value everybody could send: write the header's value, as in \"Bearer {$TOKEN}\"")
	}
	var errs []error
	for i, value := range *c {
		if err := validate(value.Reveal()); err != nil {
			errs = append(errs, fmt.Errorf("value %d: %w", i+1, err))
		}
	}
	return errors.Join(errs...)
}

func validate(value string) error {
	token, isBearer := strings.CutPrefix(value, bearer)
	switch {
	case strings.TrimSpace(value) == "":
		return errors.New("it is empty: everybody could send")
	case value != strings.TrimSpace(value):
		return errors.New("it begins or ends with a blank or a line break, so no request can match")
	case value == strings.TrimSpace(bearer):
		return errors.New("the token after \"Bearer \" is empty: everybody could send")
	case isBearer && token != strings.TrimSpace(token):
		return errors.New("more than one blank after Bearer, so no request can match")
	case forbidden(value):
		return errors.New("it holds a line break or a zero byte, so no request can match")
	case len(value) > maxLength:
		return fmt.Errorf("it is longer than %d bytes, so no request can match", maxLength)
	default:
		return nil
	}
}

// Open makes the verifier.
func (c *Config) Open() (verify.Verifier, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	v := &verifier{values: *c, onlyBearer: true}
	for _, value := range v.values {
		v.onlyBearer = v.onlyBearer && strings.HasPrefix(value.Reveal(), bearer)
	}
	return v, nil
}

type verifier struct {
	values []secret.Value
	// onlyBearer says that nothing but bearer tokens is accepted, so that more can be told about what was sent.
	onlyBearer bool
}

// Verify compares the header with every value, so that the time tells nothing about which of them is near.
func (v *verifier) Verify(_ context.Context, r *verify.Request) error {
	given, denied := v.read(r.Header[header])
	if denied != nil {
		return v.challenge(denied)
	}
	found := false
	for _, value := range v.values {
		found = value.Equal(given) || found
	}
	if !found {
		return v.challenge(verify.Deny(verify.WrongCredentials, "not a value of this webhook"))
	}
	return nil
}

// read gives the header's value without the blanks around it.
func (v *verifier) read(values []string) (string, *verify.Denied) {
	if len(values) > 1 {
		return "", verify.Deny(verify.Malformed, "%d Authorization headers", len(values))
	}
	if len(values) == 0 || strings.TrimSpace(values[0]) == "" {
		return "", verify.Deny(verify.Missing, "no Authorization header")
	}
	value := values[0]
	switch {
	case len(value) > maxLength:
		return "", verify.Deny(verify.Malformed, "a header of %d bytes, more than %d", len(value), maxLength)
	case forbidden(value):
		return "", verify.Deny(verify.Malformed, "a line break or zero byte in the header")
	}
	value = strings.TrimSpace(value)
	token, isBearer := strings.CutPrefix(value, bearer)
	switch {
	case v.onlyBearer && !isBearer:
		return "", verify.Deny(verify.Malformed, "not of the form Bearer <token>")
	case v.onlyBearer && token != strings.TrimSpace(token):
		return "", verify.Deny(verify.Malformed, "more than one blank after Bearer")
	}
	return value, nil
}

// challenge tells clients of the bearer scheme what is wanted (RFC 6750 section 3).
func (v *verifier) challenge(d *verify.Denied) *verify.Denied {
	if v.onlyBearer {
		d.Challenge = "Bearer"
	}
	return d
}

func forbidden(value string) bool { return strings.ContainsAny(value, "\n\r\x00") }
