// Command bench measures the gateway against plain net/http servers that do the same work without keeping anything.
//
// It knows nothing of how the gateway works inside: every server is a process of its own on loopback, driven by the same
// load generator in the same run, and what counts are ratios of medians. The README has the commands and the reasons.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options are what a run of the benchmark is told.
type options struct {
	runs      int
	duration  time.Duration // of one run
	waiting   int           // deliveries that wait in the store
	generator string
	only      string
	profile   string
	dir       string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 && roles()[os.Args[1]] != nil {
		exit(roles()[os.Args[1]](ctx, os.Args[2:]))
	}
	exit(measure(ctx, parse(os.Args[1:])))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parse(args []string) options {
	o := options{}
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	flags.IntVar(&o.runs, "runs", 3, "runs of each figure; the median counts")
	flags.DurationVar(&o.duration, "duration", 5*time.Second, "length of one run")
	flags.IntVar(&o.waiting, "waiting", 1_000_000, "deliveries that wait in the store")
	flags.StringVar(&o.generator, "generator", "auto", "closed-loop load generator: wrk, own, or auto (wrk where it is installed)")
	flags.StringVar(&o.only, "only", "", "only one part: throughput, latency or waiting")
	flags.StringVar(&o.profile, "profile", "", "write a CPU profile of the gateway's hot path to this file, and measure nothing else")
	flags.StringVar(&o.dir, "dir", ".cache", "where the stores are put: on the disk that is to be measured")
	_ = flags.Parse(args) // ExitOnError
	return o
}

// measure runs what was asked for, in a directory of its own.
func measure(ctx context.Context, o options) error {
	if err := os.MkdirAll(o.dir, 0o750); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "bench-")
	if err != nil {
		return err
	}
	b := &bench{options: o, dir: dir, load: generator(o.generator)}
	defer b.close()
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if o.profile != "" {
		return b.profileHotPath(ctx, o.profile)
	}
	return b.table(ctx)
}
