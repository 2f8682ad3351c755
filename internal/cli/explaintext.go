package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/config"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/retry"
)

// gates are the checks in the order in which a request meets them: what is cheap to refuse first, and nothing is parsed
// before it is known who sent it.
func gates(c *config.Config, w *config.Webhook) []gate {
	list := []gate{
		{"a header of at most " + c.Server.MaxHeader.String() + ", within " + c.Server.HeaderTimeout.String(), "the connection is cut"},
		{"a body of at most " + min(w.Limits.Body, c.Server.MaxBody).String() + ", within " + c.Server.BodyTimeout.String(), "413, 408"},
	}
	for _, v := range w.Verifiers {
		list = append(list, gate{"it is authentic: " + v.Name, "401, 403"})
	}
	if len(w.Verifiers) == 0 {
		list = append(list, gate{"(nothing proves who sent it: everybody may send)", "-"})
	}
	if w.RequestLimit != nil {
		list = append(list, gate{fmt.Sprintf("at most %s in %s", count(w.RequestLimit.MaxRequests, "request"), w.RequestLimit.Window), "429"})
	}
	if w.DataType != config.Blob {
		list = append(list, bodyCheck(w))
	}
	if w.Dedupe.Enabled {
		list = append(list, gate{"not received before: " + dedupeText(w.Dedupe), `the first one's answer, "duplicate": true`})
	}
	return list
}

func bodyCheck(w *config.Webhook) gate {
	if w.DataType != config.JSON {
		return gate{"a body of type " + string(w.DataType) + ", and declared as such", "400, 415"}
	}
	return gate{fmt.Sprintf("a JSON body, at most %d deep, strings of at most %s", w.Limits.Depth, w.Limits.String), "400"}
}

func dedupeText(d config.Dedupe) string {
	keys := []string{}
	for _, key := range []string{d.Header, d.JSONPointer, "Idempotency-Key", "webhook-id"} {
		if key != "" {
			keys = append(keys, key)
		}
	}
	return strings.Join(keys, ", ") + " (" + d.Window.String() + ")"
}

// answers are how the sender is answered once the event is durable.
func answers(w *config.Webhook) []givenAnswer {
	if !retries(w) {
		return []givenAnswer{{200, "it is on disk; retry is off, so a failure becomes a dead letter"}}
	}
	if w.Respond.Within == 0 {
		return []givenAnswer{{202, "it is on disk"}}
	}
	within := w.Respond.Within.String()
	return []givenAnswer{
		{200, "every destination has confirmed within " + within},
		{202, "one has failed for good, or not all have confirmed within " + within},
	}
}

func retries(w *config.Webhook) bool {
	for _, s := range w.Steps {
		if s.Retry.Enabled {
			return true
		}
	}
	return false
}

func limits(s *config.Step) string {
	text := fmt.Sprintf("%d at once, %s for an attempt", s.Concurrency, s.Timeout)
	if s.RateLimit > 0 {
		text += ", " + rate(float64(s.RateLimit))
	}
	return text
}

// rate is a number per second as people say it.
func rate(perSecond float64) string {
	if perSecond >= 1 {
		return fmt.Sprintf("%.3g in a second", perSecond)
	}
	return "one in " + length(time.Duration(float64(time.Second)/perSecond))
}

func breakerText(s *config.Step) string {
	b := s.CircuitBreaker
	if !b.Enabled {
		return "off"
	}
	return fmt.Sprintf("opens after %d failures in a row, or when %g %% of at least 20 attempts in %s fail; tries again after %s",
		b.Failures, b.FailureRate*100, b.Window, b.Cooldown)
}

// partition says which classes of errors are retried and which are not. Narrower names that the lists hold come last.
func partition(p retry.Policy) (retried, not []string) {
	for _, class := range fault.Classes() {
		if p.Retryable(&fault.Error{Class: class}) {
			retried = append(retried, string(class))
		} else {
			not = append(not, string(class))
		}
	}
	return append(retried, narrower(p.RetryableErrors)...), append(not, narrower(p.NonRetryableErrors)...)
}

// narrower are the patterns that name a code and not a class.
func narrower(patterns []fault.Pattern) []string {
	var names []string
	for _, p := range patterns {
		if !matchesClass(p) {
			names = append(names, p.String())
		}
	}
	return names
}

func matchesClass(p fault.Pattern) bool {
	for _, class := range fault.Classes() {
		if p.Match(&fault.Error{Class: class}) {
			return true
		}
	}
	return false
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
