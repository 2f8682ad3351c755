// Package hmac checks a signature over the raw body that is made with a shared secret (RFC 2104) and stands in one
// header, as GitHub, Shopify and many others send it.
//
// It knows nothing of signatures over more than the body (timestamps, addresses, fields): those are other methods.
package hmac

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // providers still sign with HMAC-SHA1, in which the weakness of SHA-1 does not matter
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/http"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

// Method is the method's entry in the catalog.
func Method() verify.Method {
	return verify.Method{Name: "hmac", Config: func() verify.Config {
		return &Config{Header: "X-HMAC-Signature", Algorithm: SHA256, Encoding: Hex}
	}}
}

// Config says how the sender signs.
type Config struct {
	// Secret is the key, taken as it is written.
	Secret secret.Value `yaml:"secret"`
	// Secrets are keys that are accepted besides, while one is rotated.
	Secrets []secret.Value `yaml:"secrets"`
	// Header is the request header that holds the signature.
	Header string `yaml:"header" required:"true"`
	// Algorithm is the hash function.
	Algorithm Algorithm `yaml:"algorithm" enum:"sha1|sha256|sha512"`
	// Encoding is how the signature is written: hex in either case, or base64 with padding.
	Encoding Encoding `yaml:"encoding" enum:"hex|base64"`
	// Prefix is what must stand before the signature, as in "v1=". Unless it is written, the algorithm with an equals
	// sign ("sha256=") may stand there.
	Prefix string `yaml:"prefix"`
}

// Algorithm is a hash function.
type Algorithm string

// The hash functions.
const (
	SHA1   Algorithm = "sha1"
	SHA256 Algorithm = "sha256"
	SHA512 Algorithm = "sha512"
)

// UnmarshalText takes the name in any case.
func (a *Algorithm) UnmarshalText(text []byte) error {
	*a = Algorithm(strings.ToLower(string(text)))
	return nil
}

func (a Algorithm) hash() (func() hash.Hash, error) {
	switch a {
	case SHA1:
		return sha1.New, nil
	case SHA256:
		return sha256.New, nil
	case SHA512:
		return sha512.New, nil
	default:
		return nil, errors.New("algorithm: want sha1, sha256 or sha512")
	}
}

// Encoding is how bytes are written as text.
type Encoding string

// The encodings.
const (
	Hex    Encoding = "hex"
	Base64 Encoding = "base64"
)

// Validate refuses to go without a secret, which would let everybody sign.
func (c *Config) Validate() error {
	_, err := c.Algorithm.hash()
	errs := []error{err}
	if len(c.keys()) == 0 {
		errs = append(errs, errors.New("secret: is required: without one everybody could sign"))
	}
	for _, key := range c.keys() {
		errs = append(errs, validateKey(key.Reveal()))
	}
	if c.Encoding != Hex && c.Encoding != Base64 {
		errs = append(errs, errors.New("encoding: want hex or base64"))
	}
	if strings.TrimSpace(c.Header) == "" {
		errs = append(errs, errors.New("header: is required"))
	}
	return errors.Join(errs...)
}

func validateKey(key string) error {
	switch {
	case key == "":
		return errors.New("secrets: one is empty: everybody could sign")
	case strings.HasSuffix(key, "\n"):
		return errors.New("secret: ends in a line break, which is hardly a part of it: remove it where the secret comes from")
	default:
		return nil
	}
}

func (c *Config) keys() []secret.Value {
	if c.Secret.Empty() {
		return c.Secrets
	}
	return append([]secret.Value{c.Secret}, c.Secrets...)
}

// Open makes the verifier.
func (c *Config) Open() (verify.Verifier, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	newHash, err := c.Algorithm.hash()
	if err != nil {
		return nil, err
	}
	v := &verifier{
		name: c.Header, header: http.CanonicalHeaderKey(c.Header), newHash: newHash, size: newHash().Size(),
		encoding: c.Encoding, prefix: c.Prefix, mayPrefix: string(c.Algorithm) + "=",
	}
	for _, key := range c.keys() {
		v.keys = append(v.keys, []byte(key.Reveal()))
	}
	return v, nil
}

type verifier struct {
	keys     [][]byte
	name     string // the header as it is configured
	header   string // in the form in which requests have it
	newHash  func() hash.Hash
	size     int // of a signature, in bytes
	encoding Encoding
	// prefix must stand before the signature; when it is empty, mayPrefix may.
	prefix, mayPrefix string
}

// Verify tries every key, so that the time tells nothing about which of them signed.
func (v *verifier) Verify(_ context.Context, r *verify.Request) error {
	given, denied := v.read(r.Header[v.header])
	if denied != nil {
		return denied
	}
	found := false
	for _, key := range v.keys {
		mac := hmac.New(v.newHash, key)
		mac.Write(r.Body)
		found = hmac.Equal(mac.Sum(nil), given) || found
	}
	if !found {
		return verify.Deny(verify.SignatureMismatch, "the signature in %s is not that of the body", v.name)
	}
	return nil
}

// read gives the bytes of the signature.
func (v *verifier) read(values []string) ([]byte, *verify.Denied) {
	switch {
	case len(values) > 1:
		return nil, verify.Deny(verify.Malformed, "%d headers %s", len(values), v.name)
	case len(values) == 0 || values[0] == "":
		return nil, verify.Deny(verify.Missing, "no header %s", v.name)
	}
	text, found := strings.CutPrefix(values[0], v.prefix)
	if !found {
		return nil, verify.Deny(verify.Malformed, "the configured prefix does not stand in %s", v.name)
	}
	if v.prefix == "" {
		text = strings.TrimPrefix(text, v.mayPrefix)
	}
	given, err := v.decode(text)
	if err != nil || len(given) != v.size {
		return nil, verify.Deny(verify.Malformed, "%s does not hold a signature of %d bytes in %s", v.name, v.size, v.encoding)
	}
	return given, nil
}

// decode is strict: one signature has one way to be written, but for the case of hexadecimal digits.
func (v *verifier) decode(text string) ([]byte, error) {
	if v.encoding == Hex {
		return hex.DecodeString(text)
	}
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("a line break, which package base64 would pass over")
	}
	return base64.StdEncoding.Strict().DecodeString(text)
}
