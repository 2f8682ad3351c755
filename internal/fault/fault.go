// Package fault says how a delivery failed, in one type that carries meaning: a class that decides about retries, an
// optional narrower code, and what the destination asked for.
//
// It knows nothing of policy: whether a class is tried again is decided in package retry. It imports only the standard
// library.
package fault

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Class is what kind of failure it was. Modules classify their own errors once, where they know what happened.
type Class string

// The classes.
const (
	ConnectionError    Class = "ConnectionError"
	ConnectionRefused  Class = "ConnectionRefused"
	NetworkError       Class = "NetworkError"
	TimeoutError       Class = "TimeoutError"
	ServiceUnavailable Class = "ServiceUnavailable"
	RateLimited        Class = "RateLimited"
	ResourceExhausted  Class = "ResourceExhausted"

	AuthenticationError Class = "AuthenticationError"
	PermissionDenied    Class = "PermissionDenied"
	ValidationError     Class = "ValidationError"
	NotFound            Class = "NotFound"
	ConfigurationError  Class = "ConfigurationError"

	// UnknownError is anything unclassified: tried again, the safe default.
	UnknownError Class = "UnknownError"
)

// Classes lists all classes, the retryable ones first.
func Classes() []Class {
	return []Class{
		ConnectionError, ConnectionRefused, NetworkError, TimeoutError, ServiceUnavailable, RateLimited, ResourceExhausted,
		UnknownError,
		AuthenticationError, PermissionDenied, ValidationError, NotFound, ConfigurationError,
	}
}

// Transient says whether a failure of this class may pass by itself, so that trying again makes sense by default.
func (c Class) Transient() bool {
	switch c {
	case AuthenticationError, PermissionDenied, ValidationError, NotFound, ConfigurationError:
		return false
	default:
		return true
	}
}

// Error is a failed attempt. Its text never holds a secret or a payload.
type Error struct {
	Class Class
	// Code narrows the class, as in "http_503" or "S3_SlowDown"; may be empty.
	Code string
	// RetryAfter is how long the destination asked to be left alone; zero when it did not say.
	RetryAfter time.Duration
	// Response is an excerpt of what the destination answered, for the operator; at most 4 KiB.
	Response string
	// Err is what happened.
	Err error
}

// New makes a fault of a class with a message.
func New(class Class, format string, args ...any) *Error {
	return &Error{Class: class, Err: fmt.Errorf(format, args...)}
}

// Wrap gives an error a class and a code; it keeps err in its chain.
func Wrap(class Class, code string, err error) *Error {
	return &Error{Class: class, Code: code, Err: err}
}

// Error is the message alone; class and code are fields.
func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Class)
	}
	return e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// From finds the fault in an error's chain, or classifies what every network client has in common: deadlines, refused
// and reset connections, DNS, TLS, a full disk. Anything else is UnknownError. It returns nil for nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Error](err); ok {
		return f
	}
	class, code := classify(err)
	return &Error{Class: class, Code: code, Err: err}
}

func classify(err error) (Class, string) {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return TimeoutError, ""
	case errors.Is(err, syscall.ECONNREFUSED):
		return ConnectionRefused, ""
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNABORTED),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return ConnectionError, "connection_reset"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return ResourceExhausted, "disk_full"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return ResourceExhausted, "too_many_open_files"
	case errors.Is(err, os.ErrPermission):
		return PermissionDenied, ""
	}
	return classifyByType(err)
}

func classifyByType(err error) (Class, string) {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return NetworkError, "dns"
	}
	if isCertificateError(err) {
		return NetworkError, "tls_certificate"
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return TimeoutError, ""
	}
	// Every error number of the system is a net.Error, also those of files: only what a connection wraps counts here.
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return NetworkError, ""
	}
	return UnknownError, ""
}

func isCertificateError(err error) bool {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	return unknown || host || invalid
}

// FromHTTP classifies an HTTP status that is not 2xx (RFC 9110 section 15; 429 is RFC 6585) with its Retry-After.
// now is needed for the form of Retry-After that is a date.
func FromHTTP(status int, header http.Header, now time.Time) *Error {
	return &Error{
		Class:      classOfStatus(status),
		Code:       "http_" + strconv.Itoa(status),
		RetryAfter: RetryAfter(header.Get("Retry-After"), now),
		Err:        fmt.Errorf("answered %d %s", status, http.StatusText(status)),
	}
}

func classOfStatus(status int) Class {
	switch status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return AuthenticationError
	case http.StatusForbidden:
		return PermissionDenied
	case http.StatusNotFound, http.StatusGone:
		return NotFound
	case http.StatusRequestTimeout:
		return TimeoutError
	case http.StatusTooEarly:
		return ServiceUnavailable
	case http.StatusTooManyRequests:
		return RateLimited
	case http.StatusInsufficientStorage:
		return ResourceExhausted
	}
	switch {
	case status >= 500:
		return ServiceUnavailable
	case status >= 400:
		return ValidationError
	case status >= 300:
		return ConfigurationError // a redirect: the configured address is not the right one, and none is followed
	default:
		return UnknownError
	}
}

// RetryAfter reads a Retry-After header (RFC 9110 section 10.2.3): seconds or a date. A date in the past, a negative
// number and garbage are 0. The caller clamps it.
func RetryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		const most = int64(365 * 24 * time.Hour / time.Second)
		return time.Duration(min(max(seconds, 0), most)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
