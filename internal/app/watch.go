package app

import (
	"context"
	"sync"
)

// watch reloads the configuration whenever its files change, until ctx ends.
func (a *App) watch(ctx context.Context) error {
	var reloads sync.WaitGroup
	reloads.Go(func() { a.reloadOn(ctx, a.files.Changes()) })
	defer reloads.Wait()
	if err := a.files.Run(ctx); err != nil {
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
