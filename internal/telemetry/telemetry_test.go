package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
)

// storeReader is a store that says what a test tells it to.
type storeReader struct {
	counts   store.Counts
	backlogs map[string]store.Backlog
	paused   map[string]time.Time
	err      error
}

func (s storeReader) Counts(context.Context) (store.Counts, error) { return s.counts, s.err }

func (s storeReader) Backlogs(context.Context) (map[string]store.Backlog, error) {
	return s.backlogs, s.err
}

func (s storeReader) Paused(context.Context) (map[string]time.Time, error) { return s.paused, s.err }

func reader() storeReader {
	return storeReader{
		counts: store.Counts{
			"orders.kafka": {Accepted: 5, States: map[event.State]int64{event.Delivered: 2, event.Pending: 3}},
			"old.kafka":    {Accepted: 9, States: map[event.State]int64{event.Dead: 1, event.Pending: 6, event.Waiting: 2}},
			"done.kafka":   {Accepted: 1, States: map[event.State]int64{event.Delivered: 1}},
		},
		backlogs: map[string]store.Backlog{"orders.kafka": {Pending: 3, OldestReceivedAt: time.Now().Add(-time.Minute)}},
		paused:   map[string]time.Time{"orders.kafka": time.Now()},
	}
}

func configured() []string { return []string{"orders.kafka", "new.kafka"} }

// everything is a registry in which every metric has a value.
func everything(t *testing.T) *telemetry.Metrics {
	t.Helper()
	m := telemetry.New()
	m.Register(telemetry.NewStoreCollector(reader(), configured, t.TempDir()))
	m.RegisterProcess("v1.2.3")
	m.RegisterConfig(time.Now, func() bool { return true })
	lane := telemetry.Lane{Webhook: "orders", Module: "kafka", Destination: "orders.kafka"}
	m.Accepted("orders", time.Millisecond)
	m.Duplicate("orders")
	m.Rejected("orders", "signature")
	m.AttemptStarted(lane, true)
	m.AttemptEnded(lane, event.OutcomeRetry, fault.TimeoutError, time.Second)
	m.Ended(lane, event.Delivered, true, time.Minute)
	m.Ended(lane, event.Dead, true, time.Minute)
	m.Breaker(lane, 2, true)
	m.Committed(60, time.Millisecond)
	return m
}

func TestMetricsFollowTheConventionsOfPrometheus(t *testing.T) {
	problems, err := testutil.GatherAndLint(everything(t).Gatherer())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestStoreCollector(t *testing.T) {
	m := telemetry.New()
	m.Register(telemetry.NewStoreCollector(reader(), configured, ""))

	t.Run("tells what is pending for every configured destination, also when nothing is", func(t *testing.T) {
		expect(t, m, `
# HELP grapnel_backlog Deliveries that are pending, attempts under way included.
# TYPE grapnel_backlog gauge
grapnel_backlog{destination="new.kafka"} 0
grapnel_backlog{destination="orders.kafka"} 3
`, "grapnel_backlog")
	})
	t.Run("tells of paused destinations", func(t *testing.T) {
		expect(t, m, `
# HELP grapnel_destination_paused Whether an operator paused the destination.
# TYPE grapnel_destination_paused gauge
grapnel_destination_paused{destination="new.kafka"} 0
grapnel_destination_paused{destination="orders.kafka"} 1
`, "grapnel_destination_paused")
	})
	t.Run("tells what waits for a destination that nobody configures any more", func(t *testing.T) {
		expect(t, m, `
# HELP grapnel_orphaned_deliveries Deliveries that are pending or waiting for a destination that is no longer configured.
# TYPE grapnel_orphaned_deliveries gauge
grapnel_orphaned_deliveries{destination="old.kafka"} 8
`, "grapnel_orphaned_deliveries")
	})
	t.Run("tells the age of the oldest pending delivery", func(t *testing.T) {
		if age := value(t, m, "grapnel_oldest_pending_age_seconds", "orders.kafka"); age < 60 || age > 120 {
			t.Errorf("%v s, want about 60", age)
		}
	})
	t.Run("tells the deliveries of every destination by state", func(t *testing.T) {
		if n, err := testutil.GatherAndCount(m.Gatherer(), "grapnel_deliveries"); err != nil || n != 3*len(event.States()) {
			t.Errorf("%d series, %v", n, err)
		}
	})
	t.Run("tells nothing but that the store is down when it does not answer", func(t *testing.T) {
		m := telemetry.New()
		m.Register(telemetry.NewStoreCollector(storeReader{err: errors.New("disk on fire")}, configured, ""))
		expect(t, m, `
# HELP grapnel_store_up Whether the store answers.
# TYPE grapnel_store_up gauge
grapnel_store_up 0
`, "grapnel_store_up", "grapnel_backlog", "grapnel_deliveries")
	})
}

func expect(t *testing.T, m *telemetry.Metrics, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(m.Gatherer(), strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

// value is that of a metric for a destination.
func value(t *testing.T, m *telemetry.Metrics, name, destination string) float64 {
	t.Helper()
	families, err := m.Gatherer().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			named := func(l *dto.LabelPair) bool { return l.GetValue() == destination }
			if family.GetName() == name && slices.ContainsFunc(metric.GetLabel(), named) {
				return metric.GetGauge().GetValue()
			}
		}
	}
	t.Fatalf("there is no %s of %s", name, destination)
	return 0
}

func TestMeasureDisk(t *testing.T) {
	t.Run("sums the files and tells the room that is left", func(t *testing.T) {
		directory := t.TempDir()
		for _, name := range []string{"a", "b"} {
			if err := os.WriteFile(filepath.Join(directory, name), make([]byte, 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		disk, err := telemetry.MeasureDisk(directory)
		if err != nil || disk.Used != 2000 || disk.Free <= 0 {
			t.Errorf("%+v, %v", disk, err)
		}
	})
	t.Run("a folder that is not there is an error", func(t *testing.T) {
		if _, err := telemetry.MeasureDisk(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
}

func TestNewLogger(t *testing.T) {
	t.Run("writes JSON for programs", func(t *testing.T) {
		var out bytes.Buffer
		telemetry.NewLogger(&out, false, slog.LevelInfo).Info("started", "address", "127.0.0.1:8000")
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["msg"] != "started" {
			t.Errorf("%s: %v", out.String(), err)
		}
	})
	t.Run("writes text for people", func(t *testing.T) {
		var out bytes.Buffer
		telemetry.NewLogger(&out, true, slog.LevelInfo).Info("started")
		if !strings.Contains(out.String(), "level=INFO msg=started") {
			t.Error(out.String())
		}
	})
	t.Run("drops what is below the level", func(t *testing.T) {
		var out bytes.Buffer
		telemetry.NewLogger(&out, true, slog.LevelWarn).Info("started")
		if out.Len() > 0 {
			t.Error(out.String())
		}
	})
}
