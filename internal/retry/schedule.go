package retry

import (
	"time"

	"github.com/grapnel-dev/grapnel/internal/fault"
)

// Planned is one attempt of the timetable of an event that keeps failing. How long the attempts themselves take comes
// on top.
type Planned struct {
	// Attempt counts from 1.
	Attempt int
	// DelayMin and DelayMax bound the wait since the attempt before: without jitter and with all of it.
	DelayMin, DelayMax time.Duration
	// AfterMin and AfterMax bound the time since the first attempt.
	AfterMin, AfterMax time.Duration
}

// Schedule is the whole timetable of a delivery whose every attempt fails in a way that is tried again and names no
// Retry-After. The last entry holds the totals.
func (p Policy) Schedule() []Planned {
	plan := []Planned{{Attempt: 1}}
	failed := &fault.Error{Class: fault.ServiceUnavailable}
	for attempt := 1; attempt < p.Attempts(); attempt++ {
		last := plan[len(plan)-1]
		shortest := p.base(attempt, failed)
		next := Planned{
			Attempt:  attempt + 1,
			DelayMin: shortest,
			DelayMax: p.lengthen(shortest, 1),
			AfterMin: last.AfterMin + shortest,
			AfterMax: last.AfterMax + p.lengthen(shortest, 1),
		}
		if p.MaxAge > 0 && next.AfterMin > p.MaxAge.Std() {
			break
		}
		plan = append(plan, next)
	}
	return plan
}
