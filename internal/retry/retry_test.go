package retry

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/units"
)

func TestDelaysFollowTheFormula(t *testing.T) {
	tests := []struct {
		backoff Backoff
		want    []time.Duration
	}{
		{Exponential, []time.Duration{1, 2, 4, 8, 10, 10}},
		{Linear, []time.Duration{1, 2, 3, 4, 5, 6}},
		{Fixed, []time.Duration{1, 1, 1, 1, 1, 1}},
	}
	for _, test := range tests {
		t.Run(string(test.backoff), func(t *testing.T) {
			p := enabled(func(p *Policy) { p.Backoff, p.MaxDelay = test.backoff, seconds(10) })
			for i, want := range test.want {
				if got, again := p.Next(i+1, 0, unavailable(), 0); got != want*time.Second || !again {
					t.Errorf("after attempt %d: %v, %v; want %v", i+1, got, again, want*time.Second)
				}
			}
		})
	}
}

func TestNextGivesUp(t *testing.T) {
	tests := []struct {
		rule    string
		policy  Policy
		attempt int
		age     time.Duration
		fault   *fault.Error
		again   bool
	}{
		{"without retries there is one attempt", Default(), 1, 0, unavailable(), false},
		{"the last attempt allowed is the last", enabled(), 100, 0, unavailable(), false},
		{"the one before it is not", enabled(), 99, 0, unavailable(), true},
		{"a payload that is refused stays refused", enabled(), 1, 0, fault.New(fault.ValidationError, "answered 422"), false},
		{"an unclassified failure is tried again", enabled(), 1, 0, fault.New(fault.UnknownError, "odd"), true},
		{"max_age allows an attempt at its very end", aged(time.Minute), 1, 59 * time.Second, unavailable(), true},
		{"max_age forbids an attempt that would begin later", aged(time.Minute), 1, 59*time.Second + 1, unavailable(), false},
		{"max_age counts what the destination asks for", aged(time.Minute), 1, 0, retryAfter(2 * time.Minute), false},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			if _, again := test.policy.Next(test.attempt, test.age, test.fault, 0); again != test.again {
				t.Errorf("again is %v", again)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	tests := []struct {
		rule  string
		fault *fault.Error
		want  time.Duration
	}{
		{"is a floor", retryAfter(90 * time.Second), 90 * time.Second},
		{"does not shorten the formula", retryAfter(time.Millisecond), time.Second},
		{"is clamped to a day", retryAfter(48 * time.Hour), 24 * time.Hour},
		{"that is negative is ignored", retryAfter(-time.Hour), time.Second},
		{"missing from a 429 makes the wait four times as long", &fault.Error{Class: fault.RateLimited}, 4 * time.Second},
		{"of a 429 is not multiplied", &fault.Error{Class: fault.RateLimited, RetryAfter: 3 * time.Second}, 3 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			if got, again := enabled().Next(1, 0, test.fault, 0); got != test.want || !again {
				t.Errorf("got %v, %v; want %v", got, again, test.want)
			}
		})
	}
}

func TestRetryable(t *testing.T) {
	refused := &fault.Error{Class: fault.ConnectionRefused}
	status := func(code string) *fault.Error { return &fault.Error{Class: fault.ServiceUnavailable, Code: code} }
	notFound := &fault.Error{Class: fault.NotFound, Code: "http_404"}
	tests := []struct {
		rule      string
		retryable []fault.Pattern
		never     []fault.Pattern
		fault     *fault.Error
		want      bool
	}{
		{"a class has its default when nothing is written", nil, nil, refused, true},
		{"a written list is all that is retried", patterns("TimeoutError"), nil, refused, false},
		{"a written list may name what is not retried by default", patterns("404"), nil, notFound, true},
		{"an empty list retries nothing", []fault.Pattern{}, nil, refused, false},
		{"what both lists name is not retried", patterns("5xx"), patterns("503"), status("http_503"), false},
		{"what only the wider list names is", patterns("5xx"), patterns("503"), status("http_502"), true},
		{"names of a Python gateway are understood", patterns("httpx.ConnectError"), nil, refused, true},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			p := enabled(func(p *Policy) { p.RetryableErrors, p.NonRetryableErrors = test.retryable, test.never })
			if got := p.Retryable(test.fault); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// Whatever the policy and however high the attempt, a delay is at least the formula and the floor, and at most jitter
// longer.
func TestDelaysAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{
			Enabled:           true,
			MaxAttempts:       1000,
			InitialDelay:      units.Duration(rapid.Int64Range(0, int64(24*time.Hour)).Draw(t, "initial")),
			Backoff:           rapid.SampledFrom([]Backoff{Exponential, Linear, Fixed}).Draw(t, "backoff"),
			BackoffMultiplier: rapid.Float64Range(1, 10).Draw(t, "multiplier"),
			Jitter:            rapid.Float64Range(0, 1).Draw(t, "jitter"),
		}
		p.MaxDelay = units.Duration(rapid.Int64Range(int64(p.InitialDelay), int64(7*24*time.Hour)).Draw(t, "max"))
		f := retryAfter(time.Duration(rapid.Int64().Draw(t, "retry after")))
		attempt := rapid.IntRange(1, 999).Draw(t, "attempt")

		wait, again := p.Next(attempt, 0, f, rapid.Float64Range(0, 1).Draw(t, "random"))
		least := max(p.delay(attempt), Floor(f))
		most := least + time.Duration(float64(least)*p.Jitter)
		if !again || wait < least || wait > most || p.delay(attempt) > max(p.MaxDelay, p.InitialDelay).Std() {
			t.Fatalf("waits %v (%v), want %v to %v", wait, again, least, most)
		}
	})
}

func TestSchedule(t *testing.T) {
	t.Run("it tells every delay and the totals", func(t *testing.T) {
		p := enabled(func(p *Policy) { p.MaxAttempts = 3 })
		want := []Planned{
			{Attempt: 1},
			{2, time.Second, 1100 * time.Millisecond, time.Second, 1100 * time.Millisecond},
			{3, 2 * time.Second, 2200 * time.Millisecond, 3 * time.Second, 3300 * time.Millisecond},
		}
		if got := p.Schedule(); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	t.Run("without retries it is one attempt", func(t *testing.T) {
		if got := Default().Schedule(); len(got) != 1 {
			t.Errorf("got %v", got)
		}
	})
	t.Run("it ends at max_age", func(t *testing.T) {
		if got := aged(5 * time.Second).Schedule(); len(got) != 3 {
			t.Errorf("got %v", got)
		}
	})
}

func TestValidate(t *testing.T) {
	t.Run("the defaults are valid", func(t *testing.T) {
		if err := Default().Validate(); err != nil {
			t.Error(err)
		}
	})
	t.Run("max_delay must not be shorter than initial_delay", func(t *testing.T) {
		p := enabled(func(p *Policy) { p.InitialDelay = seconds(120) })
		const want = "max_delay (1m) is shorter than initial_delay (2m): raise max_delay or lower initial_delay"
		if err := p.Validate(); err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a fixed backoff has no use for max_delay", func(t *testing.T) {
		p := enabled(func(p *Policy) { p.InitialDelay, p.Backoff = seconds(120), Fixed })
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
	})
}

func TestCheck(t *testing.T) {
	codes := []string{"KafkaError", "S3_SlowDown"}
	tests := map[string]string{
		"ConectionError": "ConnectionError",
		"timeouterror":   "TimeoutError",
		"S3SlowDown":     "S3_SlowDown",
		"httpx.ConnErr":  "httpx.ConnectError",
	}
	for name, nearest := range tests {
		t.Run(name+" suggests "+nearest, func(t *testing.T) {
			p := enabled(func(p *Policy) { p.NonRetryableErrors = patterns(name) })
			err := p.Check(codes)
			want := fmt.Sprintf("non_retryable_errors: unknown error name %q, did you mean %q?", name, nearest)
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
	t.Run("every unknown name is told", func(t *testing.T) {
		p := enabled(func(p *Policy) { p.RetryableErrors, p.NonRetryableErrors = patterns("A", "B"), patterns("C") })
		if err := p.Check(nil); err == nil || strings.Count(err.Error(), "unknown") != 3 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("classes, statuses and the module's codes are known", func(t *testing.T) {
		p := enabled(func(p *Policy) { p.RetryableErrors = patterns("TimeoutError", "503", "5xx", "KafkaError", "OSError") })
		if err := p.Check(codes); err != nil {
			t.Error(err)
		}
	})
}

// enabled is the default policy with retries, 100 attempts and the changes.
func enabled(changes ...func(*Policy)) Policy {
	p := Default()
	p.Enabled, p.MaxAttempts = true, 100
	for _, change := range changes {
		change(&p)
	}
	return p
}

func aged(limit time.Duration) Policy {
	return enabled(func(p *Policy) { p.MaxAge = units.Duration(limit) })
}

func seconds(n int) units.Duration { return units.Duration(time.Duration(n) * time.Second) }

func unavailable() *fault.Error { return &fault.Error{Class: fault.ServiceUnavailable} }

func retryAfter(d time.Duration) *fault.Error {
	return &fault.Error{Class: fault.ServiceUnavailable, RetryAfter: d}
}

func patterns(names ...string) []fault.Pattern {
	list := make([]fault.Pattern, len(names))
	for i, name := range names {
		if err := list[i].UnmarshalText([]byte(name)); err != nil {
			panic(err)
		}
	}
	return list
}
