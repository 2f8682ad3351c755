// Package breaker decides how many attempts a destination may get now: all, one at a time, or none: no clock, no lock,
// and no knowledge of what an attempt is.
//
// It gates the claim, not the call: whoever claims deliveries asks Permits first, and tells Success or Failure of each
// attempt later. While the circuit is open deliveries stay in the store and spend no attempts.
//
//	             too many failures
//	┌──────── closed ───────────────► open ◄─────────┐
//	│           ▲                      │             │
//	│           │ ramp reached max     │ cooldown    │ failure
//	│           │                      ▼             │
//	│       recovering ◄─────────── half-open ───────┘
//	│        │  │  ▲    success    (one attempt)
//	│        │  └──┘
//	│        │   success: one permit more (1, 2, 4, 8 … by rounds)
//	│        │   failure: back to one permit
//	└────────┴── too many failures ──► open
package breaker

import (
	"time"

	"github.com/grapnel-dev/grapnel/internal/units"
)

// Config is a destination's circuit breaker.
type Config struct {
	// Enabled turns the breaker on.
	Enabled bool `yaml:"enabled"`
	// Failures opens the circuit after this many failures in a row.
	Failures int `yaml:"failures" range:"1..10000"`
	// FailureRate opens it when this share of the attempts in the window failed, of at least 20.
	FailureRate float64 `yaml:"failure_rate" range:"0.01..1"`
	// Window is how far back the failure rate looks.
	Window units.Duration `yaml:"window" range:"1s..1h"`
	// Cooldown is how long the circuit stays open before one delivery is let through to try.
	Cooldown units.Duration `yaml:"cooldown" range:"1s..1h"`
}

// rateMinimum is how many attempts the window must hold before their failure rate means anything.
const rateMinimum = 20

// Default is the breaker of a destination that configures none.
func Default() Config {
	return Config{
		Enabled:     true,
		Failures:    10,
		FailureRate: 0.5,
		Window:      units.Duration(30 * time.Second),
		Cooldown:    units.Duration(30 * time.Second),
	}
}

// State is where the circuit stands.
type State uint8

// The states.
const (
	Closed     State = iota // all permits
	HalfOpen                // one attempt at a time, to try
	Open                    // none
	Recovering              // closed again, with few permits that become more with each success
)

// String is the state's name in the API and the logs.
func (s State) String() string {
	return [...]string{"closed", "half_open", "open", "recovering"}[s]
}

// Breaker is the circuit of one destination. Its owner guards it: it must not be used concurrently.
type Breaker struct {
	config  Config
	max     int
	state   State
	retryAt time.Time
	inARow  int // failures since the last success
	ramp    int // permits while recovering
	window  window
}

// New makes a closed circuit that gives up to max permits.
func New(config Config, most int) *Breaker {
	return &Breaker{config: config, max: most, window: window{width: config.Window.Std()}}
}

// With gives a circuit of another configuration that stands where this one does, for a reload.
func (b *Breaker) With(config Config, most int) *Breaker {
	next := New(config, most)
	if config.Enabled {
		next.state, next.retryAt, next.inARow, next.ramp = b.state, b.retryAt, b.inARow, b.ramp
	}
	return next
}

// Permits is how many attempts may begin now besides those in flight. Half-open gives one only when nothing else is in
// flight, so that what it hears is the answer to the attempt it let through.
func (b *Breaker) Permits(now time.Time, inFlight int) int {
	if b.state == Open && !now.Before(b.retryAt) {
		b.state = HalfOpen
	}
	return max(b.limit()-inFlight, 0)
}

func (b *Breaker) limit() int {
	switch b.state {
	case Open:
		return 0
	case HalfOpen:
		return 1
	case Recovering:
		return min(b.ramp, b.max)
	default:
		return b.max
	}
}

// State is where the circuit stands since the last call of another method.
func (b *Breaker) State() State { return b.state }

// RetryAt is when an open circuit lets one attempt through; zero in other states.
func (b *Breaker) RetryAt() time.Time {
	if b.state != Open {
		return time.Time{}
	}
	return b.retryAt
}

// Success tells that the destination works. What began before the circuit opened and ends while it is open is ignored,
// here and in Failure.
func (b *Breaker) Success(now time.Time) {
	if !b.config.Enabled || b.state == Open {
		return
	}
	b.inARow = 0
	b.window.add(now, 0)
	if b.state == HalfOpen {
		b.state, b.ramp = Recovering, 0
	}
	if b.state == Recovering {
		b.rampUp()
	}
}

func (b *Breaker) rampUp() {
	b.ramp++
	if b.ramp >= b.max {
		b.state = Closed
	}
}

// Failure tells that the destination failed. What is wrong with a single event is no failure of the destination and
// must not be told.
func (b *Breaker) Failure(now time.Time) {
	if !b.config.Enabled || b.state == Open {
		return
	}
	b.inARow++
	b.ramp = 1
	b.window.add(now, 1)
	if b.state == HalfOpen || b.inARow >= b.config.Failures || b.window.rate(now) >= b.config.FailureRate {
		b.open(now)
	}
}

func (b *Breaker) open(now time.Time) {
	b.state, b.retryAt = Open, now.Add(b.config.Cooldown.Std())
	b.inARow, b.window = 0, window{width: b.window.width}
}
