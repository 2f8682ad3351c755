package ingress

import (
	"sync"
	"time"
)

// Rate bounds how many authentic requests a webhook accepts; zero is no bound.
type Rate struct {
	Requests int
	Window   time.Duration
}

// limiters are those of the webhooks that have a rate, by id.
type limiters struct {
	mu   sync.Mutex
	byID map[string]*limiter
}

// swap makes the limiters of a table. One whose rate has not changed goes on counting: a reload forgives nothing.
func (l *limiters) swap(t *Table) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.byID
	l.byID = map[string]*limiter{}
	for id, hook := range t.Webhooks {
		if hook.Rate.Requests <= 0 {
			continue
		}
		if old := before[id]; old != nil && old.rate == hook.Rate {
			l.byID[id] = old
			continue
		}
		l.byID[id] = &limiter{rate: hook.Rate}
	}
}

// take counts a request, or says when to come again.
func (l *limiters) take(hook *Webhook, now time.Time) error {
	if hook.Rate.Requests <= 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if one := l.byID[hook.ID]; one != nil {
		return one.take(now)
	}
	return nil // the webhook is gone: this request began before a reload
}

// limiter counts requests in windows. Those of the window before count for the share of it that lies within the last
// window's length, so that the turn of a window lets no double load through.
type limiter struct {
	rate           Rate
	start          time.Time
	before, within int
}

func (l *limiter) take(now time.Time) error {
	l.turn(now)
	elapsed := now.Sub(l.start)
	rest := l.rate.Window - elapsed
	carried := float64(l.before) * float64(rest) / float64(l.rate.Window)
	if carried+float64(l.within) >= float64(l.rate.Requests) {
		return errRateLimited(rest)
	}
	l.within++
	return nil
}

// turn begins the window that now lies in.
func (l *limiter) turn(now time.Time) {
	switch passed := now.Sub(l.start) / l.rate.Window; {
	case l.start.IsZero() || passed > 1:
		l.start, l.before, l.within = now, 0, 0
	case passed == 1:
		l.start, l.before, l.within = l.start.Add(l.rate.Window), l.within, 0
	}
}
