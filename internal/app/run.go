package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/grapnel-dev/grapnel/internal/config"
	"github.com/grapnel-dev/grapnel/internal/ingress"
)

// Run receives and delivers until ctx ends, the store fails, or a part does. Then it stops in the order in which the
// data flows: no more requests, then no more attempts, then the store.
func (a *App) Run(ctx context.Context) error {
	if err := a.engine.Apply(context.WithoutCancel(ctx), a.plan.specs); err != nil {
		return errors.Join(err, a.close())
	}
	failed := make(chan error, 1)
	// The parts outlive ctx: each is stopped when those before it have.
	parts := a.parts(context.WithoutCancel(ctx), failed)
	for _, p := range slices.Backward(parts) {
		p.start()
	}
	var errs []error
	select {
	case <-ctx.Done():
	case <-a.store.Failed():
		errs = append(errs, fmt.Errorf("the store failed: %w", a.store.Err()))
	case err := <-failed:
		errs = append(errs, err)
	}
	a.beginStop()
	for _, p := range parts {
		errs = append(errs, p.stop())
	}
	return errors.Join(append(errs, a.store.Close())...)
}

// beginStop starts the one deadline that all parts share.
func (a *App) beginStop() {
	deadline := time.Now().Add(a.running.Load().config.Server.DrainTimeout.Std())
	a.deadline.Store(&deadline)
	a.log.Info("stopping", "at_the_latest", deadline)
}

// patience is how long a part that stops may wait for what is under way: what is left until the deadline when the
// gateway stops, all the time there is when a reload replaces it.
func (a *App) patience() time.Duration {
	if deadline := a.deadline.Load(); deadline != nil {
		return max(time.Until(*deadline), 0)
	}
	return a.running.Load().config.Server.DrainTimeout.Std()
}

// parts are in the order in which the data flows, which is the order in which they stop; they start in the other one.
func (a *App) parts(ctx context.Context, failed chan<- error) []*part {
	cfg := a.running.Load().config
	return []*part{
		newPart(ctx, "ingress", a.server(cfg).Run, failed),
		newPart(ctx, "configuration watcher", a.watch, failed),
		newPart(ctx, "delivery", a.engine.Run, failed),
		newPart(ctx, "retention", a.keep, failed),
		newPart(ctx, "admin", a.admin.Run, failed),
	}
}

func (a *App) server(cfg *config.Config) *ingress.Server {
	s := cfg.Server
	return &ingress.Server{
		Listener: a.public,
		Handler:  a.handler,
		Log:      a.log,
		Limits: ingress.ServerLimits{
			HeaderBytes: int(s.MaxHeader),
			Connections: s.MaxConnections,
			Header:      s.HeaderTimeout.Std(),
			Body:        s.BodyTimeout.Std(),
			Idle:        s.IdleTimeout.Std(),
		},
		Patience: a.patience,
	}
}

// part is something that runs as long as the gateway does.
type part struct {
	name   string
	run    func(context.Context) error
	ctx    context.Context //nolint:containedctx // the part's own life, between start and stop
	cancel context.CancelFunc
	failed chan<- error
	done   chan struct{}
	err    error // once done is closed
}

func newPart(ctx context.Context, name string, run func(context.Context) error, failed chan<- error) *part {
	ctx, cancel := context.WithCancel(ctx)
	return &part{name: name, run: run, ctx: ctx, cancel: cancel, failed: failed, done: make(chan struct{})}
}

// start runs the part. One that ends although nobody stopped it has failed, and takes the gateway with it.
func (p *part) start() {
	go func() {
		defer close(p.done)
		err := p.run(p.ctx)
		switch {
		case err != nil:
			p.err = fmt.Errorf("%s: %w", p.name, err)
		case p.ctx.Err() == nil:
			p.err = fmt.Errorf("%s ended unasked", p.name)
		}
		if p.ctx.Err() == nil {
			select {
			case p.failed <- p.err:
			default: // another part has failed already
			}
		}
	}()
}

// stop ends the part and waits for it.
func (p *part) stop() error {
	p.cancel()
	<-p.done
	return p.err
}
