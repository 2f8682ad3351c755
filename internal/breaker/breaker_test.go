package breaker

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

const most = 16

func at(seconds float64) time.Time {
	return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

func TestClosed(t *testing.T) {
	t.Run("it gives all permits that are not in use", func(t *testing.T) {
		permits(t, New(Default(), most), 0, 5, 11)
	})
	t.Run("it opens on the configured number of failures in a row", func(t *testing.T) {
		b := New(Default(), most)
		fail(b, 0, 9)
		state(t, b, Closed)
		fail(b, 0, 1)
		state(t, b, Open)
	})
	t.Run("a success ends the row", func(t *testing.T) {
		b := New(Default(), most)
		fail(b, 0, 9)
		b.Success(at(0))
		fail(b, 0, 1)
		state(t, b, Closed)
	})
	t.Run("it opens on the failure rate over twenty attempts", func(t *testing.T) {
		b := New(Default(), most)
		for range 9 {
			b.Success(at(1))
			b.Failure(at(2))
		}
		state(t, b, Closed)
		b.Success(at(3))
		b.Failure(at(3))
		state(t, b, Open)
	})
	t.Run("failures that left the window do not count for the rate", func(t *testing.T) {
		b := New(Default(), most)
		for range 9 {
			b.Failure(at(0))
			b.Success(at(0))
		}
		for range 11 {
			b.Success(at(31))
		}
		b.Failure(at(32))
		state(t, b, Closed)
	})
	t.Run("a disabled breaker never opens", func(t *testing.T) {
		b := New(Config{}, most)
		fail(b, 0, 1000)
		permits(t, b, 0, 0, most)
	})
}

func TestOpen(t *testing.T) {
	t.Run("it gives no permit until the cooldown is over", func(t *testing.T) {
		b := opened()
		permits(t, b, 29.9, 0, 0)
		if got := b.RetryAt(); !got.Equal(at(30)) {
			t.Errorf("tries again at %v", got)
		}
		permits(t, b, 30, 0, 1)
		state(t, b, HalfOpen)
	})
	t.Run("what began before it opened changes nothing", func(t *testing.T) {
		b := opened()
		b.Success(at(1))
		b.Failure(at(20))
		state(t, b, Open)
		permits(t, b, 30, 0, 1)
	})
}

func TestHalfOpen(t *testing.T) {
	t.Run("it gives exactly one permit", func(t *testing.T) {
		b := halfOpen()
		permits(t, b, 30, 0, 1)
		permits(t, b, 30, 1, 0)
		permits(t, b, 30, 7, 0)
	})
	t.Run("an attempt without a verdict gives the permit back", func(t *testing.T) {
		b := halfOpen()
		permits(t, b, 31, 1, 0)
		permits(t, b, 32, 0, 1)
	})
	t.Run("a failure opens it for another cooldown", func(t *testing.T) {
		b := halfOpen()
		b.Failure(at(35))
		permits(t, b, 64.9, 0, 0)
		permits(t, b, 65, 0, 1)
	})
	t.Run("a success begins the recovery", func(t *testing.T) {
		b := halfOpen()
		b.Success(at(31))
		state(t, b, Recovering)
		permits(t, b, 31, 0, 1)
	})
}

func TestRecovering(t *testing.T) {
	t.Run("each round of successes doubles the permits until all are given", func(t *testing.T) {
		b := recovering()
		for _, want := range []int{1, 2, 4, 8} {
			permits(t, b, 31, 0, want)
			for range want {
				b.Success(at(31))
			}
		}
		state(t, b, Closed)
		permits(t, b, 31, 0, most)
	})
	t.Run("a failure goes back to one permit", func(t *testing.T) {
		b := recovering()
		for range 5 {
			b.Success(at(31))
		}
		permits(t, b, 31, 0, 6)
		b.Failure(at(31))
		permits(t, b, 31, 0, 1)
		state(t, b, Recovering)
	})
	t.Run("too many failures open it again", func(t *testing.T) {
		b := recovering()
		fail(b, 31, 10)
		state(t, b, Open)
	})
	t.Run("a single permit needs no ramp", func(t *testing.T) {
		b := New(Default(), 1)
		fail(b, 0, 10)
		permits(t, b, 30, 0, 1)
		b.Success(at(30))
		state(t, b, Closed)
	})
}

func TestReload(t *testing.T) {
	t.Run("the circuit stands where it did", func(t *testing.T) {
		b := opened().With(Default(), 4)
		permits(t, b, 29, 0, 0)
		permits(t, b, 30, 0, 1)
	})
	t.Run("a breaker that is turned off closes", func(t *testing.T) {
		permits(t, opened().With(Config{}, 4), 1, 0, 4)
	})
}

// Whatever happens, permits stay within what is free, an open circuit always comes to try again, and a destination that
// works again gets all its permits back.
func TestItAlwaysRecovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, now, inFlight := New(Default(), most), 0.0, 0
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			now += rapid.Float64Range(0, 10).Draw(t, "pause")
			n := b.Permits(at(now), inFlight)
			if n < 0 || n+inFlight > most && n > 0 {
				t.Fatalf("%d permits with %d in flight", n, inFlight)
			}
			inFlight += rapid.IntRange(0, n).Draw(t, "started")
			if inFlight > 0 && rapid.Bool().Draw(t, "ended") {
				inFlight--
				if rapid.Bool().Draw(t, "failed") {
					b.Failure(at(now))
				} else {
					b.Success(at(now))
				}
			}
		}
		now += 30
		for range most + 1 {
			if b.Permits(at(now), 0) == 0 {
				t.Fatalf("no permit in state %v", b.State())
			}
			b.Success(at(now))
		}
		if got := b.Permits(at(now), 0); got != most {
			t.Fatalf("%d permits after the recovery", got)
		}
	})
}

func opened() *Breaker {
	b := New(Default(), most)
	fail(b, 0, 10)
	return b
}

func halfOpen() *Breaker {
	b := opened()
	b.Permits(at(30), 0)
	return b
}

func recovering() *Breaker {
	b := halfOpen()
	b.Success(at(30))
	return b
}

func fail(b *Breaker, seconds float64, times int) {
	for range times {
		b.Failure(at(seconds))
	}
}

func permits(t *testing.T, b *Breaker, seconds float64, inFlight, want int) {
	t.Helper()
	if got := b.Permits(at(seconds), inFlight); got != want {
		t.Errorf("%d permits at %gs with %d in flight, want %d", got, seconds, inFlight, want)
	}
}

func state(t *testing.T, b *Breaker, want State) {
	t.Helper()
	if got := b.State(); got != want {
		t.Errorf("it is %v, want %v", got, want)
	}
}
