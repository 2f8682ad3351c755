package delivery

import (
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/retry"
	"github.com/grapnel-dev/grapnel/internal/store"
)

func TestJudge(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	policy := retry.Default()
	policy.Enabled, policy.Jitter = true, 0
	throttled := &fault.Error{Class: fault.RateLimited, RetryAfter: time.Minute}
	tests := []struct {
		rule   string
		spent  int
		result result
		want   outcome
	}{
		{
			"a confirmed attempt ends the delivery", 2,
			result{},
			outcome{name: event.OutcomeDelivered, state: event.Delivered, spent: true, verdict: works},
		},
		{
			"a confirmed attempt counts although we meant to cut it", 0,
			result{interrupted: true},
			outcome{name: event.OutcomeDelivered, state: event.Delivered, spent: true, verdict: works},
		},
		{
			"a failure waits for its next attempt", 1,
			result{fault: unavailable()},
			outcome{name: event.OutcomeRetry, state: event.Pending, next: now.Add(2 * time.Second), spent: true, verdict: fails},
		},
		{
			"the last failure ends the delivery", 2,
			result{fault: unavailable()},
			outcome{name: event.OutcomeDead, state: event.Dead, spent: true, verdict: fails},
		},
		{
			"what we cut is not spent, due at once, and says nothing of the destination", 2,
			result{fault: unavailable(), interrupted: true},
			outcome{name: event.OutcomeInterrupted, state: event.Pending, next: now},
		},
		{
			"Retry-After holds the delivery and the destination", 0,
			result{fault: throttled},
			outcome{
				name: event.OutcomeRetry, state: event.Pending, next: now.Add(time.Minute), spent: true,
				holdUntil: now.Add(time.Minute), verdict: fails,
			},
		},
		{
			"Retry-After holds the destination also when the delivery has ended", 2,
			result{fault: throttled},
			outcome{name: event.OutcomeDead, state: event.Dead, spent: true, holdUntil: now.Add(time.Minute), verdict: fails},
		},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			job := store.Job{Spent: test.spent, Since: now.Add(-time.Minute)}
			if got := judge(job, test.result, policy, now, 0.5); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestBlame(t *testing.T) {
	innocent := map[fault.Class]bool{fault.ValidationError: true, fault.NotFound: true, fault.ConfigurationError: true}
	for _, class := range fault.Classes() {
		want := fails
		if innocent[class] {
			want = noVerdict
		}
		if got := blame(&fault.Error{Class: class}); got != want {
			t.Errorf("%s: got %v, want %v", class, got, want)
		}
	}
	t.Run("a panic says nothing of the destination", func(t *testing.T) {
		if got := blame(&fault.Error{Class: fault.UnknownError, Code: panicked}); got != noVerdict {
			t.Errorf("got %v", got)
		}
	})
}
