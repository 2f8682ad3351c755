package breaker

import "time"

// slots is into how many parts the window is divided: an attempt is forgotten at most a tenth of the window early.
const slots = 10

// window counts the attempts of the last width and how many of them failed.
type window struct {
	width time.Duration
	ring  [slots]slot
}

type slot struct {
	number             int64 // of the slot since 1970, telling a current one from one of an earlier round
	attempts, failures int
}

func (w *window) add(now time.Time, failures int) {
	number := w.number(now)
	s := &w.ring[number%slots]
	if s.number != number {
		*s = slot{number: number}
	}
	s.attempts++
	s.failures += failures
}

// rate is the share of the attempts in the window that failed; 0 when there were too few to tell.
func (w *window) rate(now time.Time) float64 {
	oldest := w.number(now) - slots + 1
	attempts, failures := 0, 0
	for _, s := range w.ring {
		if s.number >= oldest {
			attempts += s.attempts
			failures += s.failures
		}
	}
	if attempts < rateMinimum {
		return 0
	}
	return float64(failures) / float64(attempts)
}

func (w *window) number(now time.Time) int64 {
	return now.UnixNano() / max(int64(w.width/slots), 1)
}
