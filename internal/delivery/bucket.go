package delivery

import (
	"math"
	"time"
)

// bucket is a token bucket whose tokens can be given back, since a claim may bring less than it had tokens for. It has no
// lock and no clock. A rate of 0 means no limit.
type bucket struct {
	rate   float64 // tokens per second
	burst  float64
	tokens float64
	at     time.Time // when tokens was true
}

// newBucket makes a full bucket. It holds a tenth of a second's worth, so that a high rate is not bound by the
// resolution of timers and a low one stays even.
func newBucket(rate float64, now time.Time) bucket {
	burst := max(rate/10, 1)
	return bucket{rate: rate, burst: burst, tokens: burst, at: now}
}

// available is how many tokens there are now.
func (b *bucket) available(now time.Time) int {
	if b.rate == 0 {
		return math.MaxInt
	}
	if elapsed := now.Sub(b.at).Seconds(); elapsed > 0 {
		b.tokens = min(b.tokens+elapsed*b.rate, b.burst)
		b.at = now
	}
	const rounding = 1e-6
	return int(b.tokens + rounding)
}

// next is when there will be a token; zero when there is one or no limit.
func (b *bucket) next(now time.Time) time.Time {
	if b.available(now) > 0 {
		return time.Time{}
	}
	return now.Add(time.Duration(math.Ceil((1 - b.tokens) / b.rate * float64(time.Second))))
}

func (b *bucket) take(n int) { b.tokens -= float64(n) }

func (b *bucket) giveBack(n int) { b.tokens = min(b.tokens+float64(n), b.burst) }
