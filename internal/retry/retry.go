// Package retry decides whether a failed delivery is tried again, and when: no clock, no sleep, no state.
//
// A retry is a row in the store, so nothing here waits. The delays are a function of the attempt's number, which is why
// a restart in the middle of a backoff changes nothing.
package retry

import (
	"fmt"
	"math"
	"time"

	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/units"
)

// Policy is how a destination's failed deliveries are tried again. It is the configuration and the decision in one.
type Policy struct {
	// Enabled turns retries on. Without them one attempt is made, and a failure becomes a dead letter.
	Enabled bool `yaml:"enabled"`
	// MaxAttempts is how many attempts are made at most; the first one counts.
	MaxAttempts int `yaml:"max_attempts" range:"1..1000"`
	// InitialDelay is the delay before the second attempt.
	InitialDelay units.Duration `yaml:"initial_delay" range:"0s..24h"`
	// MaxDelay is the longest that a growing delay becomes. What a destination asks for by Retry-After may be longer.
	MaxDelay units.Duration `yaml:"max_delay" range:"0s..7d"`
	// Backoff is how delays grow: exponential (initial_delay · backoff_multiplier^(n-1)), linear (initial_delay · n) or
	// fixed (initial_delay), n counting the failed attempts.
	Backoff Backoff `yaml:"backoff" enum:"exponential|linear|fixed"`
	// BackoffMultiplier is the base of the exponential backoff.
	BackoffMultiplier float64 `yaml:"backoff_multiplier" range:"1..10"`
	// Jitter lengthens each delay at random by up to this share, so that deliveries that failed together do not come back
	// together. It never shortens one.
	Jitter float64 `yaml:"jitter" range:"0..1"`
	// MaxAge gives a delivery up when the next attempt would begin later than this after the event was received (or
	// replayed). 0 means no limit.
	MaxAge units.Duration `yaml:"max_age" range:"0s..365d"`
	// RetryableErrors, when written, lists all that is tried again: error classes, codes of the module, HTTP statuses
	// ("503", "5xx"). When not, each class has its default.
	RetryableErrors []fault.Pattern `yaml:"retryable_errors"`
	// NonRetryableErrors lists what is never tried again. What both lists name is not tried again.
	NonRetryableErrors []fault.Pattern `yaml:"non_retryable_errors"`
}

// Backoff is how delays grow.
type Backoff string

// The backoffs.
const (
	Exponential Backoff = "exponential"
	Linear      Backoff = "linear"
	Fixed       Backoff = "fixed"
)

// RetryAfterLimit is the longest Retry-After that is obeyed: one mistaken header must not stop a destination for weeks.
const RetryAfterLimit = 24 * time.Hour

// throttleFactor lengthens the delay after a 429 that does not say how long to wait.
const throttleFactor = 4

// Default is the policy of a webhook that writes none: retries are opt-in.
func Default() Policy {
	return Policy{
		MaxAttempts:       3,
		InitialDelay:      units.Duration(time.Second),
		MaxDelay:          units.Duration(time.Minute),
		Backoff:           Exponential,
		BackoffMultiplier: 2,
		Jitter:            0.1,
	}
}

// Next decides after a failed attempt. attempt counts the attempts that were spent, the failed one included; age is how
// long the delivery has existed; random is in [0, 1). When again is true the next attempt begins after wait.
func (p Policy) Next(attempt int, age time.Duration, f *fault.Error, random float64) (wait time.Duration, again bool) {
	if attempt >= p.Attempts() || !p.Retryable(f) {
		return 0, false
	}
	wait = p.lengthen(p.base(attempt, f), random)
	if p.MaxAge > 0 && age+wait > p.MaxAge.Std() {
		return 0, false
	}
	return wait, true
}

// Attempts is how many attempts are made at most.
func (p Policy) Attempts() int {
	if !p.Enabled {
		return 1
	}
	return p.MaxAttempts
}

// Retryable says whether a failure of this kind is tried again.
func (p Policy) Retryable(f *fault.Error) bool {
	if matches(p.NonRetryableErrors, f) {
		return false
	}
	if p.RetryableErrors != nil {
		return matches(p.RetryableErrors, f)
	}
	return f.Class.Transient()
}

func matches(patterns []fault.Pattern, f *fault.Error) bool {
	for _, p := range patterns {
		if p.Match(f) {
			return true
		}
	}
	return false
}

// base is the delay without jitter: by the formula, but never less than the destination asked for.
func (p Policy) base(attempt int, f *fault.Error) time.Duration {
	delay := p.delay(attempt)
	if floor := Floor(f); floor > 0 {
		return max(delay, floor)
	}
	if f.Class == fault.RateLimited {
		return delay * throttleFactor
	}
	return delay
}

// Floor is how long the destination asked to be left alone (RFC 9110 section 10.2.3), within reason.
func Floor(f *fault.Error) time.Duration {
	return min(max(f.RetryAfter, 0), RetryAfterLimit)
}

// delay is the formula. It is computed in floating point, where the 1000th power is infinite rather than negative.
func (p Policy) delay(attempt int) time.Duration {
	if p.Backoff == Fixed || p.InitialDelay <= 0 {
		return max(p.InitialDelay.Std(), 0)
	}
	growth := math.Pow(p.BackoffMultiplier, float64(attempt-1))
	if p.Backoff == Linear {
		growth = float64(attempt)
	}
	return time.Duration(min(float64(p.InitialDelay)*growth, float64(p.MaxDelay)))
}

func (p Policy) lengthen(delay time.Duration, random float64) time.Duration {
	return delay + time.Duration(float64(delay)*p.Jitter*random)
}

// Validate says what is wrong with the values together.
func (p Policy) Validate() error {
	if p.Backoff != Fixed && p.MaxDelay < p.InitialDelay {
		return fmt.Errorf("max_delay (%s) is shorter than initial_delay (%s): raise max_delay or lower initial_delay",
			p.MaxDelay, p.InitialDelay)
	}
	return nil
}
