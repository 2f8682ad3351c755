package delivery

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However tokens are taken and given back, no more are spent than the rate allows in the time that passed, and whoever
// waits until next gets one.
func TestBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		rate := rapid.Float64Range(0.001, 5000).Draw(t, "rate")
		b, now, spent := newBucket(rate, start), start, 0
		burst := b.burst
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "pause")))
			if at := b.next(now); !at.IsZero() {
				now = at
			}
			free := b.available(now)
			if free < 1 {
				t.Fatalf("no token at the time that next gave")
			}
			n := rapid.IntRange(1, free).Draw(t, "take")
			back := rapid.IntRange(0, n).Draw(t, "give back")
			b.take(n)
			b.giveBack(back)
			spent += n - back
			if most := burst + rate*now.Sub(start).Seconds() + 1e-3; float64(spent) > most {
				t.Fatalf("%d tokens in %v, want at most %.3f", spent, now.Sub(start), most)
			}
		}
	})
}
