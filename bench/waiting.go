package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/store/sqlite"
)

// waiting is what a large backlog costs.
type waiting struct {
	resident, peak     float64 // MiB
	claimP50, claimP99 time.Duration
	reopen             time.Duration
}

// claims is how often a batch is claimed.
const claims = 300

// measureWaiting fills a store with deliveries that are due, claims some of them as a lane does, and then runs a gateway
// on it whose destination is paused, so that the rest goes on waiting.
func (b *bench) measureWaiting(ctx context.Context) (w waiting, err error) {
	dir := filepath.Join(b.dir, "waiting")
	s, err := sqlite.Open(ctx, dir, sqlite.Options{})
	if err != nil {
		return w, err
	}
	start := time.Now()
	if err := fill(ctx, s, b.waiting+claims*100); err != nil {
		return w, errors.Join(err, s.Close())
	}
	fmt.Printf("stored %d events in %.1f s\n", b.waiting+claims*100, time.Since(start).Seconds())
	times, err := claim(ctx, s)
	if err := errors.Join(err, s.SetPaused(ctx, destination, true, time.Now()), s.Close()); err != nil {
		return w, err
	}
	w.claimP50, w.claimP99 = percentile(times, 0.5), percentile(times, 0.99)
	return w, b.reopen(ctx, dir, &w)
}

// fill accepts so many events from 256 callers.
func fill(ctx context.Context, s store.Store, events int) error {
	const callers = 256
	errs := make([]error, callers)
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for n := caller; n < events && errs[caller] == nil; n += callers {
				errs[caller] = acceptOne(ctx, s)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func acceptOne(ctx context.Context, s store.Store) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	_, err = s.Accept(ctx, store.Entry{
		Event: &event.Event{
			ID: id.String(), Webhook: "bench", ReceivedAt: time.Now(), Method: http.MethodPost, URL: "/webhook/bench",
			Header: http.Header{"Content-Type": {"application/json"}}, Body: payload(),
		},
		Steps: []store.Step{{Destination: destination}},
	})
	return err
}

// claim takes 100 deliveries at a time and settles them, and tells how long the claims took.
func claim(ctx context.Context, s store.Store) ([]time.Duration, error) {
	times := make([]time.Duration, claims)
	for i := range times {
		now := time.Now()
		jobs, _, err := s.Claim(ctx, store.Claim{Destination: destination, Limit: 100, Now: now, Until: now.Add(time.Minute)})
		times[i] = time.Since(now)
		if err == nil && len(jobs) != 100 {
			err = fmt.Errorf("claimed %d deliveries instead of 100", len(jobs))
		}
		if err != nil {
			return nil, err
		}
		if err := settleAll(ctx, s, jobs); err != nil {
			return nil, err
		}
	}
	return times, nil
}

func settleAll(ctx context.Context, s store.Store, jobs []store.Job) error {
	errs := make([]error, len(jobs))
	var group sync.WaitGroup
	for i, job := range jobs {
		group.Go(func() {
			_, errs[i] = s.Settle(ctx, store.Settlement{
				Lease: job.Lease, State: event.Delivered, Spent: true,
				Attempt: event.Attempt{StartedAt: time.Now(), Outcome: event.OutcomeDelivered},
			})
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// reopen starts a gateway on the store, kills it under load, starts it again and waits for its first answer.
func (b *bench) reopen(ctx context.Context, dir string, w *waiting) error {
	g, err := b.gateway(ctx, settings{sink: b.sinkURL(), within: "0s", store: dir})
	if err != nil {
		return err
	}
	if _, err := b.drive(ctx, g.address(), "/webhook/bench", 64, false); err != nil {
		return errors.Join(err, g.kill())
	}
	if w.resident, w.peak, err = memory(g.cmd.Process.Pid); err != nil {
		return errors.Join(err, g.kill())
	}
	loaded := make(chan error, 1)
	go func() {
		_, err := b.load.drive(ctx, load{address: g.address(), path: "/webhook/bench", connections: 64, duration: b.duration})
		loaded <- err
	}()
	time.Sleep(b.duration / 2) // the kill hits a gateway at work, not an idle one
	if err := g.kill(); err != nil {
		return err
	}
	if err := <-loaded; err == nil {
		return errors.New("the kill came after the load: choose a longer -duration")
	}
	start := time.Now()
	if err := b.run(ctx, g); err != nil {
		return err
	}
	if err := firstAnswer(ctx, g.address()); err != nil {
		return errors.Join(err, g.kill())
	}
	w.reopen = time.Since(start)
	return g.kill()
}

// firstAnswer sends events until one is answered 2xx.
func firstAnswer(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return poll(ctx, time.Millisecond, func() (bool, error) {
		c, err := dial(ctx, load{address: address, path: "/webhook/bench"}, 0)
		if err != nil {
			return false, nil
		}
		defer func() { _ = c.Close() }()
		status, err := c.exchange()
		return err == nil && status/100 == 2, nil
	})
}
