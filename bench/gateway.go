package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/cli"
	"github.com/grapnel-dev/grapnel/internal/event"
)

// destination is where every event of the benchmark goes, under the name that its deliveries are stored with.
const destination = "bench.sink"

// gateway is a running gateway with a store of its own.
type gateway struct {
	*process

	config string
	admin  *api.Client
}

// settings are what differs between the figures.
type settings struct {
	sink   string // URL of the sink
	within string // respond.within
	store  string // its directory; a fresh one when empty
}

// build compiles the gateway as a release is built.
func (b *bench) build(ctx context.Context) error {
	b.binary = filepath.Join(b.dir, "grapnel")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.binary, "./cmd/grapnel") //nolint:gosec // our own path
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the gateway (run this from the root of the repository): %w\n%s", err, output)
	}
	return nil
}

// gateway starts one with the binary.
func (b *bench) gateway(ctx context.Context, s settings) (*gateway, error) {
	g, err := b.configure(ctx, s)
	if err != nil {
		return nil, err
	}
	return g, b.run(ctx, g)
}

// run starts a configured gateway, also one that was killed before.
func (b *bench) run(ctx context.Context, g *gateway) (err error) {
	g.process, err = b.start(ctx, g.address(), b.binary, "serve", "--config", g.config)
	return err
}

func (g *gateway) address() string { return g.process.address }

// configure writes a configuration and prepares the client of its admin API.
func (b *bench) configure(ctx context.Context, s settings) (*gateway, error) {
	listen, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	admin, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "gateway-")
	if err != nil {
		return nil, err
	}
	if s.store == "" {
		s.store = filepath.Join(dir, "store")
	}
	client, err := api.NewClient("http://"+admin, "")
	if err != nil {
		return nil, err
	}
	g := &gateway{process: &process{address: listen}, config: filepath.Join(dir, "grapnel.yaml"), admin: client}
	return g, os.WriteFile(g.config, fmt.Appendf(nil, template, listen, admin, s.store, secret, s.within, s.sink), 0o600)
}

const template = `server: {listen: "%s"}
admin: {listen: "%s"}
store: "%s"
webhooks:
  bench:
    hmac: {secret: "%s"}
    respond: {within: %s}
    retry: {enabled: true, max_attempts: 5}
    name: sink
    module: http_webhook
    concurrency: 256
    module-config: {url: "%s"}
`

// settle waits until every delivery has ended and says how many there were.
func (g *gateway) settle(ctx context.Context) (delivered int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	err = poll(ctx, 10*time.Millisecond, func() (bool, error) {
		counts, err := g.admin.Counts(ctx)
		delivered = counts.Total.States[event.Delivered]
		return err == nil && delivered == counts.Total.Accepted, err
	})
	return delivered, err
}

// profiledGateway runs a gateway inside of this program under the CPU profiler, until SIGTERM: the product needs no door
// for it.
func profiledGateway(profile, config string) error {
	file, err := os.Create(profile) //nolint:gosec // the user names it
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	if code := cli.Main([]string{"serve", "--config", config}, os.Stdin, os.Stdout, os.Stderr); code != 0 {
		return fmt.Errorf("the gateway ended with exit code %d", code)
	}
	return nil
}
