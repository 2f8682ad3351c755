package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// openLoop sends requests at a fixed rate, whatever the server does, and measures each one from the time it was due:
// what a slow answer makes later requests wait for is counted (no coordinated omission), and so is what this generator
// itself is late by.
func openLoop(ctx context.Context, l load, perSecond float64) (result, error) {
	due := make(chan time.Time, int(perSecond*l.duration.Seconds())+1) // never blocks the schedule
	times := make([][]time.Duration, l.connections)
	errs := make([]error, l.connections)
	var failed atomic.Int64
	var senders sync.WaitGroup
	for i := range l.connections {
		c, err := dial(ctx, l, i)
		if err != nil {
			close(due)
			senders.Wait()
			return result{}, err
		}
		senders.Go(func() {
			defer func() { _ = c.Close() }()
			times[i], errs[i] = sendDue(c, due, &failed)
		})
	}
	start := time.Now()
	schedule(ctx, due, perSecond, l.duration)
	senders.Wait()
	took := time.Since(start)
	for _, err := range errs {
		if err != nil {
			return result{}, err
		}
	}
	all := concat(times)
	return result{perSecond: float64(len(all)) / took.Seconds(), p99: percentile(all, 0.99), failed: failed.Load()}, ctx.Err()
}

// schedule puts every arrival into the channel when it is due, and closes it after the last one.
func schedule(ctx context.Context, due chan<- time.Time, perSecond float64, duration time.Duration) {
	defer close(due)
	interval := time.Duration(float64(time.Second) / perSecond)
	start := time.Now()
	ticker := time.NewTicker(200 * time.Microsecond)
	defer ticker.Stop()
	for next := start; next.Before(start.Add(duration)); {
		for now := time.Now(); !next.After(now); next = next.Add(interval) {
			due <- next
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func sendDue(c *connection, due <-chan time.Time, failed *atomic.Int64) ([]time.Duration, error) {
	var times []time.Duration
	var err error
	for at := range due { // after an error the channel is still emptied: others go on
		if err != nil {
			continue
		}
		var status int
		status, err = c.exchange()
		times = append(times, time.Since(at))
		if status/100 != 2 {
			failed.Add(1)
		}
	}
	return times, err
}
