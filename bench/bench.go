package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// bench is one run of the benchmark.
type bench struct {
	options

	dir    string
	binary string
	load   generating
	sink   *process
}

// close ends what prepare started.
func (b *bench) close() {
	if b.sink != nil {
		_ = b.sink.kill()
	}
	_ = os.RemoveAll(b.dir)
}

// prepare builds the gateway and starts the sink, which all figures share.
func (b *bench) prepare(ctx context.Context) (err error) {
	if err := b.build(ctx); err != nil {
		return err
	}
	b.sink, err = b.role(ctx, "sink")
	return err
}

func (b *bench) sinkURL() string { return "http://" + b.sink.address + "/" }

// figure is one thing that is measured, in requests or events per second.
type figure struct {
	name     string
	baseline string  // the figure it is compared with; empty for a baseline
	atLeast  float64 // ratio to the baseline; 0: only reported
	bare     float64 // ratio of the bare prototype with the same engine; 0: unknown
	run      func(ctx context.Context, b *bench, connections int) (result, error)
}

const (
	answering  = "net/http: HMAC checked, answered 200"
	forwarding = "net/http: HMAC checked, forwarded to the sink, answered"
	accepting  = "accepted durably, HMAC checked, answered at once"
)

// figures are measured in this order, again and again, so that whatever the machine does meanwhile hits all of them.
func figures() []figure {
	return []figure{
		{name: answering, run: role("answer")},
		{name: forwarding, run: forward},
		{name: accepting, baseline: answering, atLeast: 0.45, bare: 0.56, run: accept(false)},
		{name: "delivered: answered 200 after the sink's 200", baseline: forwarding, atLeast: 0.50, bare: 0.61, run: deliver},
		{name: "accepted, delivered and settled in the background", baseline: forwarding, atLeast: 0.50, bare: 0.60, run: background},
		{name: accepting + ", Idempotency-Key on each", baseline: answering, run: accept(true)},
	}
}

func (b *bench) drive(ctx context.Context, address, path string, connections int, unique bool) (result, error) {
	r, err := b.load.drive(ctx, load{address: address, path: path, connections: connections, duration: b.duration, unique: unique})
	if err == nil && r.failed > 0 {
		err = fmt.Errorf("%d requests were not answered 2xx", r.failed)
	}
	return r, err
}

func role(name string, args ...string) func(context.Context, *bench, int) (result, error) {
	return func(ctx context.Context, b *bench, connections int) (result, error) {
		server, err := b.role(ctx, name, args...)
		if err != nil {
			return result{}, err
		}
		r, err := b.drive(ctx, server.address, "/", connections, false)
		return r, errors.Join(err, server.stop())
	}
}

func forward(ctx context.Context, b *bench, connections int) (result, error) {
	return role("forward", b.sinkURL())(ctx, b, connections)
}

// accept measures the durable answer alone: the destination is paused, so that deliveries take nothing of the machine.
func accept(unique bool) func(context.Context, *bench, int) (result, error) {
	return func(ctx context.Context, b *bench, connections int) (result, error) {
		return b.withGateway(ctx, settings{sink: b.sinkURL(), within: "0s"}, func(g *gateway) (result, error) {
			if _, err := g.admin.Pause(ctx, destination); err != nil {
				return result{}, err
			}
			return b.drive(ctx, g.address(), "/webhook/bench", connections, unique)
		})
	}
}

// deliver measures answers that waited for the sink's confirmation.
func deliver(ctx context.Context, b *bench, connections int) (result, error) {
	return b.withGateway(ctx, settings{sink: b.sinkURL(), within: "10s"}, func(g *gateway) (result, error) {
		return b.drive(ctx, g.address(), "/webhook/bench", connections, false)
	})
}

// background measures events from the first request until the last one is settled.
func background(ctx context.Context, b *bench, connections int) (result, error) {
	return b.withGateway(ctx, settings{sink: b.sinkURL(), within: "0s"}, func(g *gateway) (result, error) {
		start := time.Now()
		r, err := b.drive(ctx, g.address(), "/webhook/bench", connections, false)
		if err != nil {
			return r, err
		}
		delivered, err := g.settle(ctx)
		r.perSecond = float64(delivered) / time.Since(start).Seconds()
		return r, err
	})
}

func (b *bench) withGateway(ctx context.Context, s settings, use func(*gateway) (result, error)) (result, error) {
	g, err := b.gateway(ctx, s)
	if err != nil {
		return result{}, err
	}
	r, err := use(g)
	return r, errors.Join(err, g.stop())
}

// latency measures the durable answer at half of the rate that was the most.
func (b *bench) latency(ctx context.Context, most float64) (p99s []float64, err error) {
	for range b.runs {
		r, err := b.withGateway(ctx, settings{sink: b.sinkURL(), within: "0s"}, func(g *gateway) (result, error) {
			if _, err := g.admin.Pause(ctx, destination); err != nil {
				return result{}, err
			}
			return openLoop(ctx, load{address: g.address(), path: "/webhook/bench", connections: 64, duration: 2 * b.duration}, most/2)
		})
		if err != nil {
			return nil, err
		}
		if r.failed > 0 {
			return nil, fmt.Errorf("%d requests were not answered 2xx", r.failed)
		}
		p99s = append(p99s, milliseconds(r.p99))
	}
	return p99s, nil
}

// profileHotPath writes a CPU profile of a gateway that accepts, delivers and settles as fast as it can.
func (b *bench) profileHotPath(ctx context.Context, profile string) error {
	g, err := b.configure(ctx, settings{sink: b.sinkURL(), within: "10s"})
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if g.process, err = b.start(ctx, g.address(), self, "profile", profile, g.config); err != nil {
		return err
	}
	r, err := b.drive(ctx, g.address(), "/webhook/bench", 64, false)
	fmt.Printf("%.0f events/s accepted, delivered and answered; profile in %s (go tool pprof -top %s)\n", r.perSecond, profile, profile)
	return errors.Join(err, g.stop())
}
