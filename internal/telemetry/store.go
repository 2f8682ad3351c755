package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// scrapeTimeout bounds how long a scrape waits for the store.
const scrapeTimeout = 5 * time.Second

// StoreReader is what the store is asked at a scrape.
type StoreReader interface {
	Counts(ctx context.Context) (store.Counts, error)
	Backlogs(ctx context.Context) (map[string]store.Backlog, error)
	Paused(ctx context.Context) (map[string]time.Time, error)
}

// storeCollector reads the state of the deliveries when it is scraped. A store that does not answer gives
// grapnel_store_up 0 and no figures, rather than old ones.
type storeCollector struct {
	store StoreReader
	// configured gives the names of the destinations that the running configuration has.
	configured func() []string
	directory  string

	up, deliveries, backlog, age, paused, orphaned, free, used *prometheus.Desc
}

// NewStoreCollector makes a collector of backlogs, counts and paused destinations, and of the room in the store's
// directory unless that is empty. configured gives the names of the destinations of the running configuration.
func NewStoreCollector(reader StoreReader, configured func() []string, directory string) prometheus.Collector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &storeCollector{
		store: reader, configured: configured, directory: directory,
		up:         describe("grapnel_store_up", "Whether the store answers."),
		deliveries: describe("grapnel_deliveries", "Deliveries since the store was made, by the state in which they are or ended.", "destination", "state"),
		backlog:    describe("grapnel_backlog", "Deliveries that are pending, attempts under way included.", "destination"),
		age:        describe("grapnel_oldest_pending_age_seconds", "Since the event of the oldest pending delivery was received; 0 without any.", "destination"),
		paused:     describe("grapnel_destination_paused", "Whether an operator paused the destination.", "destination"),
		orphaned:   describe("grapnel_orphaned_deliveries", "Deliveries that are pending or waiting for a destination that is no longer configured.", "destination"),
		free:       describe("grapnel_store_free_bytes", "Room on the file system of the store."),
		used:       describe("grapnel_store_size_bytes", "Size of the files of the store."),
	}
}

// Describe implements prometheus.Collector.
func (c *storeCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.up, c.deliveries, c.backlog, c.age, c.paused, c.orphaned, c.free, c.used} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (c *storeCollector) Collect(metrics chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	c.collectDisk(send)
	state, err := c.read()
	if err != nil {
		send(c.up, 0)
		return
	}
	send(c.up, 1)
	c.collectDeliveries(state, send)
	c.collectConfigured(state, send)
}

type sender func(d *prometheus.Desc, value float64, labels ...string)

// collectDisk tells nothing when there is nothing to measure.
func (c *storeCollector) collectDisk(send sender) {
	if c.directory == "" {
		return
	}
	if disk, err := MeasureDisk(c.directory); err == nil {
		send(c.free, float64(disk.Free))
		send(c.used, float64(disk.Used))
	}
}

// storeState is what the store said.
type storeState struct {
	counts   store.Counts
	backlogs map[string]store.Backlog
	paused   map[string]time.Time
}

func (c *storeCollector) read() (state storeState, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	if state.counts, err = c.store.Counts(ctx); err != nil {
		return state, err
	}
	if state.backlogs, err = c.store.Backlogs(ctx); err != nil {
		return state, err
	}
	state.paused, err = c.store.Paused(ctx)
	return state, err
}

// collectDeliveries tells of every destination that the store knows.
func (c *storeCollector) collectDeliveries(state storeState, send sender) {
	orphans := map[string]store.Count{}
	for destination, count := range state.counts {
		for _, s := range event.States() {
			send(c.deliveries, float64(count.States[s]), destination, s.String())
		}
		orphans[destination] = count
	}
	for _, destination := range c.configured() {
		delete(orphans, destination)
	}
	for destination, count := range orphans {
		if n := count.States[event.Pending] + count.States[event.Waiting]; n > 0 {
			send(c.orphaned, float64(n), destination)
		}
	}
}

// collectConfigured tells of every destination of the configuration, so that a series is there before it is needed.
func (c *storeCollector) collectConfigured(state storeState, send sender) {
	for _, destination := range c.configured() {
		backlog := state.backlogs[destination]
		age := 0.0
		if backlog.Pending > 0 {
			age = max(0, time.Since(backlog.OldestReceivedAt).Seconds())
		}
		_, paused := state.paused[destination]
		send(c.backlog, float64(backlog.Pending), destination)
		send(c.age, age, destination)
		send(c.paused, map[bool]float64{true: 1}[paused], destination)
	}
}
