package fault

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"testing"
	"time"
)

func TestFromClassifiesByCause(t *testing.T) {
	tests := []struct {
		err  error
		want Class
	}{
		{context.DeadlineExceeded, TimeoutError},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, ConnectionRefused},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, ConnectionError},
		{io.ErrUnexpectedEOF, ConnectionError},
		{&net.DNSError{Err: "no such host", Name: "nowhere.example", IsNotFound: true}, NetworkError},
		{x509.UnknownAuthorityError{}, NetworkError},
		{&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, NetworkError},
		{syscall.ENOSPC, ResourceExhausted},
		{syscall.EACCES, PermissionDenied},
		{syscall.EIO, UnknownError},
		{errors.New("something else"), UnknownError},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%v is %s", test.err, test.want), func(t *testing.T) {
			wrapped := fmt.Errorf("post the event: %w", test.err)
			if got := From(wrapped); got.Class != test.want {
				t.Errorf("got %s", got.Class)
			}
		})
	}
	t.Run("a fault in the chain is kept as it is", func(t *testing.T) {
		want := New(NotFound, "no such topic")
		if got := From(fmt.Errorf("publish: %w", want)); got != want {
			t.Errorf("got %v", got)
		}
	})
	t.Run("no error is no fault", func(t *testing.T) {
		if got := From(nil); got != nil {
			t.Errorf("got %v", got)
		}
	})
}

func TestFromHTTP(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	tests := map[int]Class{
		301: ConfigurationError, 400: ValidationError, 401: AuthenticationError, 403: PermissionDenied, 404: NotFound,
		407: AuthenticationError, 408: TimeoutError, 410: NotFound, 413: ValidationError, 422: ValidationError,
		425: ServiceUnavailable, 429: RateLimited, 500: ServiceUnavailable, 502: ServiceUnavailable, 503: ServiceUnavailable,
		504: ServiceUnavailable, 507: ResourceExhausted, 599: ServiceUnavailable,
	}
	for status, want := range tests {
		t.Run(strconv.Itoa(status)+" is "+string(want), func(t *testing.T) {
			got := FromHTTP(status, http.Header{}, now)
			if got.Class != want || got.Code != "http_"+strconv.Itoa(status) {
				t.Errorf("got %s, %s", got.Class, got.Code)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	tests := map[string]time.Duration{
		"":                              0,
		"120":                           2 * time.Minute,
		"0":                             0,
		"-5":                            0,
		"soon":                          0,
		"Tue, 24 Nov 2026 12:00:30 GMT": 30 * time.Second,
		"Tue, 24 Nov 2026 11:59:30 GMT": 0,
		"9223372036854775807":           365 * 24 * time.Hour,
	}
	for value, want := range tests {
		t.Run(fmt.Sprintf("%q is %s", value, want), func(t *testing.T) {
			if got := RetryAfter(value, now); got != want {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestPattern(t *testing.T) {
	refused := &Error{Class: ConnectionRefused}
	unavailable := FromHTTP(503, http.Header{}, time.Time{})
	slowDown := &Error{Class: RateLimited, Code: "S3_SlowDown"}
	tests := []struct {
		name  string
		fault *Error
		want  bool
	}{
		{"ConnectionRefused", refused, true},
		{"ConnectionError", refused, true},
		{"ConnectionRefusedError", refused, true},
		{"OSError", refused, true},
		{"httpx.ConnectError", refused, true},
		{"Exception", slowDown, true},
		{"TimeoutError", refused, false},
		{"503", unavailable, true},
		{"http_503", unavailable, true},
		{"5xx", unavailable, true},
		{"4xx", unavailable, false},
		{"ServiceUnavailable", unavailable, true},
		{"S3_SlowDown", slowDown, true},
		{"RateLimited", slowDown, true},
		{"5xx", slowDown, false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s matches %s %s: %v", test.name, test.fault.Class, test.fault.Code, test.want), func(t *testing.T) {
			var p Pattern
			if err := p.UnmarshalText([]byte(test.name)); err != nil {
				t.Fatal(err)
			}
			if got := p.Match(test.fault); got != test.want {
				t.Errorf("got %v", got)
			}
			if !p.Known([]string{"S3_SlowDown"}) {
				t.Error("it is not known")
			}
		})
	}
	t.Run("a name that no module declares is unknown", func(t *testing.T) {
		var p Pattern
		if err := p.UnmarshalText([]byte("ConectionError")); err != nil {
			t.Fatal(err)
		}
		if p.Known([]string{"S3_SlowDown"}) {
			t.Error("it passes for known")
		}
	})
	t.Run("an empty name is refused", func(t *testing.T) {
		if err := new(Pattern).UnmarshalText([]byte(" ")); err == nil {
			t.Error("it was taken")
		}
	})
}
