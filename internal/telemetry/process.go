package telemetry

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// RegisterProcess adds what tells of the process: its version, the Go runtime, memory and file descriptors.
func (m *Metrics) RegisterProcess(version string) {
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "grapnel_build_info", Help: "Always 1; the labels tell what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	})
	build.Set(1)
	m.Register(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
}

// RegisterConfig adds when the running configuration was loaded, and whether the last attempt to load one succeeded,
// both read when they are scraped.
func (m *Metrics) RegisterConfig(loadedAt func() time.Time, lastOK func() bool) {
	m.Register(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "grapnel_config_last_reload_success_timestamp_seconds", Help: "When the running configuration was loaded.",
		}, func() float64 { return float64(loadedAt().UnixMilli()) / 1000 }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "grapnel_config_last_reload_successful", Help: "Whether the last attempt to load a configuration succeeded.",
		}, func() float64 { return map[bool]float64{true: 1}[lastOK()] }),
	)
}
