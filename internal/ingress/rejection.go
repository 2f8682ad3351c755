package ingress

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/units"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

// rejection is a request that is not accepted: the answer to the sender, and what the operator is told besides.
type rejection struct {
	status int
	// reason is the label in metrics and logs; one of a fixed set.
	reason string
	// detail tells the sender which rule was broken, and where.
	detail     string
	retryAfter time.Duration
	challenge  string // WWW-Authenticate
	// cause is for the operator alone.
	cause error
}

func (r *rejection) Error() string { return r.reason + ": " + r.detail }

func (r *rejection) Unwrap() error { return r.cause }

func errNotFound() error {
	return &rejection{status: http.StatusNotFound, reason: "unknown_webhook", detail: "there is no webhook at this address"}
}

func errMethod() error {
	return &rejection{status: http.StatusMethodNotAllowed, reason: "method", detail: "a webhook takes POST"}
}

func errTooLarge(limit int64) error {
	return &rejection{
		status: http.StatusRequestEntityTooLarge, reason: "too_large",
		detail: fmt.Sprintf("the body is larger than %s", units.Size(limit)),
	}
}

func errTooSlow() error {
	return &rejection{status: http.StatusRequestTimeout, reason: "too_slow", detail: "the body did not arrive in time"}
}

func errCut(err error) error {
	return &rejection{status: http.StatusBadRequest, reason: "cut", detail: "the body could not be read to its end", cause: err}
}

func errMalformed(format string, args ...any) error {
	return &rejection{status: http.StatusBadRequest, reason: "malformed", detail: fmt.Sprintf(format, args...)}
}

func errContentType(detail string) error {
	return &rejection{status: http.StatusUnsupportedMediaType, reason: "content_type", detail: detail}
}

func errRateLimited(wait time.Duration) error {
	return &rejection{
		status: http.StatusTooManyRequests, reason: "rate_limited",
		detail: "more requests than this webhook accepts", retryAfter: wait,
	}
}

func errOverloaded() error {
	return &rejection{
		status: http.StatusServiceUnavailable, reason: "overloaded",
		detail: "too much is under way; send it again", retryAfter: time.Second,
	}
}

func errDraining() error {
	return &rejection{
		status: http.StatusServiceUnavailable, reason: "draining",
		detail: "shutting down; send it again", retryAfter: 5 * time.Second,
	}
}

func errUnavailable(cause error) error {
	return &rejection{
		status: http.StatusServiceUnavailable, reason: "unavailable",
		detail: "the event cannot be kept now; send it again", retryAfter: 5 * time.Second, cause: cause,
	}
}

// errUnauthentic answers what a verifier said. The sender learns no more than the status: the reason is the operator's.
func errUnauthentic(err error) error {
	denied, ok := verify.AsDenied(err)
	switch {
	case !ok:
		return &rejection{
			status: http.StatusServiceUnavailable, reason: "unverifiable",
			detail: "the request cannot be verified now; send it again", retryAfter: 5 * time.Second, cause: err,
		}
	case denied.Status() == http.StatusForbidden:
		return &rejection{status: http.StatusForbidden, reason: string(denied.Reason), detail: "the request is not allowed", cause: err}
	default:
		return &rejection{
			status: http.StatusUnauthorized, reason: string(denied.Reason),
			detail: "the request is not authenticated", challenge: denied.Challenge, cause: err,
		}
	}
}

// reject answers a request that is not accepted, counts it and logs it.
func (x *exchange) reject(err error) {
	r, ok := errors.AsType[*rejection](err)
	if !ok {
		r = &rejection{status: http.StatusInternalServerError, reason: "bug", detail: internalDetail, cause: err}
	}
	x.metrics.Rejected(x.hookID(), r.reason)
	x.note(r)
	header := x.w.Header()
	if r.status == http.StatusMethodNotAllowed {
		header.Set("Allow", http.MethodPost)
	}
	if r.retryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int((r.retryAfter+time.Second-1)/time.Second)))
	}
	if r.challenge != "" {
		header.Set("WWW-Authenticate", r.challenge)
	}
	if r.reason == "draining" || r.reason == "too_slow" || r.reason == "cut" {
		header.Set("Connection", "close")
	}
	x.discardRest()
	x.answerError(r.status, r.detail)
}

const internalDetail = "an internal error; the operator finds the id in the log"

// contain keeps a bug in one request from ending the process, and tells where to look for it.
func (x *exchange) contain() {
	caught := recover() //nolint:revive // this method is what is deferred
	if caught == nil {
		return
	}
	if caught == http.ErrAbortHandler { //nolint:errorlint // net/http compares it in the same way
		panic(caught)
	}
	x.metrics.Rejected(x.hookID(), "bug")
	x.log.ErrorContext(x.r.Context(), "request panicked", "request", x.id, "webhook", x.hookID(), "panic", describe(caught),
		"stack", string(debug.Stack()))
	x.w.Header().Set("Connection", "close")
	x.answerError(http.StatusInternalServerError, internalDetail)
}

// describe tells of a panic what surely holds nothing of the request: the runtime's own words, or a type.
func describe(caught any) string {
	if err, ok := caught.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", caught)
}

func (x *exchange) answerError(status int, detail string) {
	body, err := json.Marshal(struct {
		Error  string `json:"error"`
		Detail string `json:"detail"`
		ID     string `json:"id"`
	}{strings.ToLower(http.StatusText(status)), detail, x.id})
	if err != nil {
		body = nil // three strings always encode
	}
	writeJSON(x.w, status, body)
}

func (x *exchange) hookID() string {
	if x.hook == nil {
		return ""
	}
	return x.hook.ID
}

// note logs a rejected request: the sender's faults as INFO and ours as WARN.
func (x *exchange) note(r *rejection) {
	line, ok := x.paced(slog.String("request", x.id), slog.String("webhook", x.hookID()), slog.Int("status", r.status),
		slog.String("reason", r.reason), slog.String("detail", r.detail), slog.String("client", x.client().String()))
	if !ok {
		return
	}
	if r.cause != nil {
		line = append(line, slog.Any("cause", r.cause))
	}
	level := slog.LevelInfo
	if r.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	x.log.LogAttrs(x.r.Context(), level, "request rejected", line...)
}
