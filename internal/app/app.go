// Package app puts the gateway together: it loads the configuration, opens the store, wires the parts to each other,
// swaps what a reload changes, and stops everything in the order in which the data flows.
//
// It is the only package that knows all the others, and holds no logic of theirs.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin"
	"github.com/grapnel-dev/grapnel/internal/config"
	"github.com/grapnel-dev/grapnel/internal/config/watch"
	"github.com/grapnel-dev/grapnel/internal/delivery"
	destinations "github.com/grapnel-dev/grapnel/internal/destination/all"
	"github.com/grapnel-dev/grapnel/internal/ingress"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/store/sqlite"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
	methods "github.com/grapnel-dev/grapnel/internal/verify/all"
)

// Options are what a gateway is made of.
type Options struct {
	// Source is where the configuration comes from, now and at each reload.
	Source  config.Source
	Logger  *slog.Logger
	Version string
}

// Catalog is what this build can do.
func Catalog() config.Catalog {
	return config.Catalog{Modules: destinations.Modules(), Methods: methods.Methods()}
}

// App is a gateway.
type App struct {
	options Options
	log     *slog.Logger
	metrics *telemetry.Metrics
	files   *watch.Watcher

	store   store.Store
	plan    *plan // what Run begins with
	engine  *delivery.Engine
	handler *ingress.Handler
	public  net.Listener
	private net.Listener
	admin   *admin.Server

	reloading sync.Mutex // held while a configuration is loaded and put in place
	running   atomic.Pointer[running]
	deadline  atomic.Pointer[time.Time] // by when the gateway will have stopped; nil until it begins to
}

// New loads the configuration and opens all that it needs: the store, the destinations, the listeners. Nothing is
// received or delivered before Run. Its error is config.Problems when the configuration is wrong.
func New(ctx context.Context, o Options) (*App, error) {
	files := watch.New(o.Source.Files(), watch.Settle) // made before the files are read, so that no change falls in between
	cfg, err := config.Load(o.Source, Catalog())
	if err != nil {
		return nil, err
	}
	a := &App{options: o, log: o.Logger, metrics: telemetry.New(), files: files}
	if err := a.open(ctx, cfg); err != nil {
		return nil, errors.Join(err, a.close())
	}
	a.adopt(cfg)
	a.registerMetrics(cfg.Store)
	return a, nil
}

func (a *App) open(ctx context.Context, cfg *config.Config) (err error) {
	if a.plan, err = compile(cfg, a.options); err != nil {
		return err
	}
	embedded, err := sqlite.Open(ctx, cfg.Store, sqlite.Options{Logger: a.log, Observer: a.metrics})
	if err != nil {
		return err
	}
	a.store = embedded
	a.engine = delivery.New(a.store, delivery.Options{
		Logger: a.log, Metrics: a.metrics, Patience: a.patience,
	})
	// What can be reached is opened last: who gets a connection must not wait for a store, or find no admin surface.
	if a.private, err = listen(ctx, "admin.listen", cfg.Admin.Listen); err != nil {
		return err
	}
	if a.public, err = listen(ctx, "server.listen", cfg.Server.Listen); err != nil {
		return err
	}
	a.handler = ingress.NewHandler(a.engine, a.plan.table, a.metrics, a.log)
	a.admin, err = admin.New(a.adminOptions(cfg))
	return err
}

func listen(ctx context.Context, key, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: choose another address, or stop what uses this one", key, err)
	}
	return l, nil
}

func (a *App) adminOptions(cfg *config.Config) admin.Options {
	return admin.Options{
		Listener:       a.private,
		Token:          cfg.Admin.Token,
		Archive:        a.store,
		Operator:       operator{a.engine},
		Configuration:  a,
		Accepting:      a.accepting,
		StoreDirectory: cfg.Store,
		Metrics:        a.metrics.Handler(),
		Version:        a.options.Version,
		Logger:         a.log,
	}
}

func (a *App) registerMetrics(storeDirectory string) {
	a.metrics.RegisterProcess(a.options.Version)
	a.metrics.RegisterConfig(
		func() time.Time { return a.running.Load().loadedAt },
		func() bool { return a.running.Load().refused == nil },
	)
	a.metrics.Register(telemetry.NewStoreCollector(a.store, a.destinations, storeDirectory))
}

// close frees what open has opened, for an App that never ran.
func (a *App) close() error {
	var errs []error
	if a.plan != nil {
		errs = append(errs, a.plan.close())
	}
	for _, l := range []net.Listener{a.public, a.private} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	if a.store != nil {
		errs = append(errs, a.store.Close())
	}
	return errors.Join(errs...)
}

// Addresses are where senders and operators connect, also when the configuration let the system choose the port.
func (a *App) Addresses() (public, private net.Addr) { return a.public.Addr(), a.private.Addr() }

// accepting says why senders do not get 2xx now.
func (a *App) accepting() error {
	if a.deadline.Load() != nil {
		return errors.New("the gateway is stopping")
	}
	return a.store.Err()
}

// destinations are the names of those that are configured.
func (a *App) destinations() []string {
	var names []string
	for _, s := range a.engine.Status() {
		names = append(names, s.Name)
	}
	return names
}
