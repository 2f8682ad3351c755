package app

import (
	"context"
	"time"

	"github.com/grapnel-dev/grapnel/internal/store"
)

const (
	// keepInterval is how often the store is looked through for what is old enough to be deleted.
	keepInterval = time.Minute
	// keepPause is how long the writer is left alone between two batches, so that senders do not wait behind them.
	keepPause = 20 * time.Millisecond
)

// keep deletes what is old enough, by the retention that is configured at the time, until ctx ends.
func (a *App) keep(ctx context.Context) error {
	for sleep(ctx, keepInterval) {
		a.sweep(ctx)
	}
	return nil
}

func (a *App) sweep(ctx context.Context) {
	total := 0
	for more := true; more && sleep(ctx, keepPause); {
		r := a.running.Load().config.Retention
		var deleted int
		var err error
		deleted, more, err = a.store.Retain(ctx, store.Retention{
			Delivered: r.Delivered.Std(), Dead: r.Dead.Std(), MaxBytes: int64(r.MaxBytes),
		}, time.Now())
		total += deleted
		if err != nil {
			a.log.Error("could not delete what is past its retention, will try again", "error", err)
			break
		}
	}
	if total > 0 {
		a.log.Info("deleted events past their retention", "events", total)
	}
}

// sleep waits, and says whether it could to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
