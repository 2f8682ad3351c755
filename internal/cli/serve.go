package cli

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	"github.com/grapnel-dev/grapnel/internal/app"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
)

// serve runs the gateway.
type serve struct {
	source
	settings
	logging
}

// Help is shown by kong.
func (*serve) Help() string {
	return `It runs until SIGINT or SIGTERM: then it takes no more requests, ends what is under way and stops. A second signal
ends it at once, which loses nothing that was answered 2xx. SIGHUP, a change of the files and POST /api/v1/reload load the
configuration anew; one that is wrong changes nothing.

Examples:

    grapnel serve --config grapnel.yaml
    grapnel serve --webhooks webhooks.json --connections connections.json --listen 0.0.0.0:8000 --store /var/lib/grapnel`
}

// Run is called by kong.
func (s *serve) Run(ctx context.Context, t *terminal) error {
	files, err := s.files()
	if err != nil {
		return err
	}
	files.Overrides = s.overrides()
	return runGateway(ctx, app.Options{Source: files, Logger: s.logger(t), Version: buildVersion()}, func() {})
}

// runGateway runs a gateway until it is told to stop. started is called once senders can connect.
func runGateway(ctx context.Context, options app.Options, started func()) error {
	tuneCollector()
	ctx, release := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer release()
	// After the first signal the next one has its usual effect: the end, at once.
	context.AfterFunc(ctx, release)
	gateway, err := app.New(ctx, options)
	if err != nil {
		return err
	}
	started()
	reloads := reloadOnHangup(ctx, gateway)
	defer reloads.Wait()
	defer release() // ends the reloads also when the gateway stopped by itself
	return gateway.Run(ctx)
}

// tuneCollector trades memory for time: what waits is in the store, so the live heap is a few MiB, and the usual setting
// collects it dozens of times a second under load (measured: 5 % of the durable answers). The soft limit takes the trade
// back when large bodies fill the heap. GOGC and GOMEMLIMIT win.
func tuneCollector() {
	const percent, limit = 400, 1 << 30
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}

// reloadOnHangup loads the configuration anew at each SIGHUP, until ctx ends. How it went is logged by the gateway.
func reloadOnHangup(ctx context.Context, gateway *app.App) *sync.WaitGroup {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	var reloads sync.WaitGroup
	reloads.Go(func() {
		defer signal.Stop(hangups)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
				_ = gateway.Reload(ctx)
			}
		}
	})
	return &reloads
}

// logging are the flags of what a gateway says about itself, on standard error.
type logging struct {
	LogLevel  slog.Level `help:"The least important that is logged: debug, info, warn or error." default:"info" placeholder:"LEVEL"`
	LogFormat string     `help:"text, json, or auto: text on a terminal and json elsewhere." enum:"auto,text,json" default:"auto"`
}

func (l logging) logger(t *terminal) *slog.Logger {
	text := l.LogFormat == "text" || l.LogFormat == "auto" && isTerminal(t.err)
	return telemetry.NewLogger(t.err, text, l.LogLevel)
}
