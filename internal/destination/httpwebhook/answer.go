package httpwebhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

// The codes of faults that HTTP has no status for.
const (
	codeNoHTTP      = "no_http"
	codeTLSExpected = "tls_expected"
)

// classify says what it means that no answer came. The text names the host and nothing else of the URL.
func (s *sender) classify(ctx context.Context, err error) error {
	f := fault.From(err)
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return &fault.Error{Class: fault.ConfigurationError, Code: codeTLSExpected, Err: fmt.Errorf("send to %s: %w", s.host, err)}
	case isTLSRecord(err):
		return &fault.Error{Class: fault.ConfigurationError, Code: codeTLSExpected, Err: fmt.Errorf("send to %s: the answer is not TLS", s.host)}
	case ctx.Err() == nil && f.Class == fault.UnknownError:
		// The transport's text quotes what came, and what came may repeat what we sent.
		return &fault.Error{Class: fault.UnknownError, Code: codeNoHTTP, Err: fmt.Errorf("send to %s: the answer is not HTTP", s.host)}
	}
	return &fault.Error{Class: f.Class, Code: f.Code, Err: fmt.Errorf("send to %s: %w", s.host, err)}
}

func isTLSRecord(err error) bool {
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}

// drainLimit is how much of an answer is read beyond the excerpt, so that the connection can be used again. What is
// longer costs its connection.
const drainLimit = 64 << 10

// excerpt reads the beginning of an answer as text, and closes it. The status is the answer: that the rest cannot be
// read changes nothing about it.
func (s *sender) excerpt(response *http.Response) string {
	defer response.Body.Close()
	if response.ContentLength == 0 {
		return ""
	}
	const more = 1 << 10 // so that a secret at the border is seen whole
	text, _ := io.ReadAll(io.LimitReader(response.Body, destination.ResponseLimit+more))
	_, _ = io.CopyN(io.Discard, response.Body, drainLimit)
	return s.clean(string(text))
}

// clean makes text of what came: valid UTF-8 without control characters or our secrets, within the limit.
func (s *sender) clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r // what is not UTF-8 becomes U+FFFD
	}, text)
	if s.redact != nil { // after that, or what was taken out could have hidden one
		text = s.redact.Replace(text)
	}
	if len(text) > destination.ResponseLimit {
		text = strings.ToValidUTF8(text[:destination.ResponseLimit], "")
	}
	return text
}
