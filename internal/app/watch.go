package app

import (
	"context"
	"sync"

	"github.com/grapnel-dev/grapnel/internal/config/watch"
)

// watch reloads the configuration whenever its files change, until ctx ends.
func (a *App) watch(ctx context.Context) error {
	files := watch.New(a.options.Source.Files(), watch.Settle)
	var reloads sync.WaitGroup
	reloads.Go(func() { a.reloadOn(ctx, files.Changes()) })
	defer reloads.Wait()
	if err := files.Run(ctx); err != nil {
		a.log.Warn("changes of the configuration files go unnoticed: reload by SIGHUP or the API", "error", err)
		<-ctx.Done()
	}
	return nil
}

func (a *App) reloadOn(ctx context.Context, changes <-chan struct{}) {
	for {
		select {
		case <-changes:
			_ = a.Reload(ctx) // it has logged and kept its error
		case <-ctx.Done():
			return
		}
	}
}
