package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
)

// table runs everything and prints it.
func (b *bench) table(ctx context.Context) error {
	fmt.Printf("%d processors, %s, %s; %d runs of %v each, median; load by %s\n",
		runtime.NumCPU(), runtime.Version(), runtime.GOOS, b.runs, b.duration, b.load.name)
	if err := b.printDisk(); err != nil {
		return err
	}
	most := 0.0
	for _, connections := range []int{64, 256} {
		if b.only != "" && b.only != "throughput" {
			break
		}
		accepted, err := b.throughput(ctx, connections)
		if err != nil {
			return err
		}
		if most == 0 {
			most = accepted
		}
	}
	if b.only == "" || b.only == "latency" {
		if err := b.printLatency(ctx, most); err != nil {
			return err
		}
	}
	if b.only == "" || b.only == "waiting" {
		return b.printWaiting(ctx)
	}
	return nil
}

func (b *bench) printDisk() error {
	times, err := syncTimes(b.dir)
	if err != nil {
		return err
	}
	middle := percentile(times, 0.5)
	fmt.Printf("disk: fdatasync of 4 KiB takes %.3f ms (median), %.3f ms (p99): %.0f per second from one caller\n\n",
		milliseconds(middle), milliseconds(percentile(times, 0.99)), 1/middle.Seconds())
	return nil
}

// throughput prints the figures for so many connections and gives the rate of durable answers.
func (b *bench) throughput(ctx context.Context, connections int) (accepted float64, err error) {
	rates := map[string][]float64{}
	for range b.runs {
		for _, f := range figures() {
			r, err := f.run(ctx, b, connections)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", f.name, err)
			}
			rates[f.name] = append(rates[f.name], r.perSecond)
		}
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "figure, %d connections\tper second\tratio\tat least\tprototype\truns\n", connections)
	for _, f := range figures() {
		fmt.Fprintf(out, "%s\t%.0f\t%s\t%s\t%s\t%s\n", f.name, median(rates[f.name]),
			ratio(median(rates[f.name]), median(rates[f.baseline])), known(f.atLeast), known(f.bare), list(rates[f.name], 0))
	}
	fmt.Fprintln(out)
	return median(rates[accepting]), out.Flush()
}

func (b *bench) printLatency(ctx context.Context, most float64) error {
	if most == 0 {
		r, err := accept(false)(ctx, b, 64)
		if err != nil {
			return err
		}
		most = r.perSecond
	}
	p99s, err := b.latency(ctx, most)
	if err != nil {
		return err
	}
	fmt.Printf("p99 of the durable answer at %.0f/s, half of the most (open loop, 64 connections): %.1f ms (at most 10; prototype 6.6, saturated); runs: %s\n\n",
		most/2, median(p99s), list(p99s, 1))
	return nil
}

func (b *bench) printWaiting(ctx context.Context) error {
	w, err := b.measureWaiting(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(out, "%d deliveries waiting\tmeasured\tat most\tprototype\n", b.waiting)
	fmt.Fprintf(out, "memory of the gateway (resident; the most it was: %.0f MiB)\t%.0f MiB\t250\t163\n", w.peak, w.resident)
	fmt.Fprintf(out, "claim of 100 that are due, p99 (p50: %.1f ms)\t%.1f ms\t5\t3.4\n", milliseconds(w.claimP50), milliseconds(w.claimP99))
	fmt.Fprintf(out, "reopen after kill -9 until the first answer\t%.2f s\t1\t0.06\n", w.reopen.Seconds())
	return errors.Join(out.Flush(), ctx.Err())
}

func ratio(figure, baseline float64) string {
	if math.IsNaN(baseline) { // it is a baseline itself
		return ""
	}
	return fmt.Sprintf("%.2f", figure/baseline)
}

func known(ratio float64) string {
	if ratio == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", ratio)
}

// list writes the runs one after the other, with so many decimals.
func list(figures []float64, decimals int) string {
	texts := make([]string, len(figures))
	for i, f := range figures {
		texts[i] = strconv.FormatFloat(f, 'f', decimals, 64)
	}
	return strings.Join(texts, " ")
}
