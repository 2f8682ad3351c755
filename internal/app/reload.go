package app

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin"
	"github.com/grapnel-dev/grapnel/internal/config"
)

// running is the configuration that runs, and what became of the last attempt to replace it.
type running struct {
	config   *config.Config
	loadedAt time.Time
	// refused is why the last reload failed, at failedAt; nil when it did not.
	refused  error
	failedAt time.Time
}

// Reload loads the configuration anew and puts it in place: all of it is built first, then swapped in, then what it
// replaces is drained and closed. After an error the running configuration is untouched.
func (a *App) Reload(ctx context.Context) error {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	err := a.reload(ctx)
	if err != nil {
		a.refuse(err)
		a.log.Error("configuration refused, the running one stays", "error", err)
	}
	return err
}

func (a *App) reload(ctx context.Context) error {
	cfg, err := config.Load(a.options.Source, Catalog())
	if err != nil {
		return err
	}
	next, err := compile(cfg, a.options)
	if err != nil {
		return err
	}
	if err := a.engine.Apply(ctx, next.specs); err != nil {
		return errors.Join(err, next.close())
	}
	a.handler.Swap(next.table)
	a.warnOfFixed(cfg)
	a.adopt(cfg)
	return nil
}

// adopt notes the configuration that runs now.
func (a *App) adopt(cfg *config.Config) {
	a.running.Store(&running{config: cfg, loadedAt: time.Now()})
	a.log.Info("configuration loaded", "webhooks", len(cfg.Webhooks), "warnings", len(cfg.Warnings))
	for _, warning := range cfg.Warnings {
		a.log.Warn("configuration", "warning", warning.String())
	}
}

func (a *App) refuse(err error) {
	now := *a.running.Load()
	now.refused, now.failedAt = err, time.Now()
	a.running.Store(&now)
}

// warnOfFixed tells of changed settings that hold only from the next start.
func (a *App) warnOfFixed(next *config.Config) {
	before := a.running.Load().config
	fixed := func(c *config.Config) config.Server {
		s := c.Server
		s.PublicURL, s.TrustedProxies, s.MaxInFlight, s.MaxBody = "", nil, 0, 0 // these are swapped with the table
		return s
	}
	if !reflect.DeepEqual(fixed(before), fixed(next)) || !reflect.DeepEqual(before.Admin, next.Admin) || before.Store != next.Store {
		a.log.Warn("server, admin and store settings have changed: they hold from the next start")
	}
}

// Loaded implements admin.Configuration.
func (a *App) Loaded() admin.Loaded {
	now := a.running.Load()
	loaded := admin.Loaded{
		Effective: now.config.Redacted(), LoadedAt: now.loadedAt, LastError: now.refused, FailedAt: now.failedAt,
	}
	for _, warning := range now.config.Warnings {
		loaded.Warnings = append(loaded.Warnings, warning.String())
	}
	return loaded
}
