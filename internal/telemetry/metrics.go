// Package telemetry holds the gateway's metrics.
//
// It knows nothing of what decides about the numbers; the engines tell it what happened, one method for each fact.
// Labels are bounded: webhooks, modules and destinations come from the configuration, reasons and classes from fixed
// sets.
package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

// Lane names the destination that a metric of the delivery is about.
type Lane struct{ Webhook, Module, Destination string }

// Metrics are the gateway's own numbers. All methods may be called concurrently.
type Metrics struct {
	registry *prometheus.Registry

	accepted   *prometheus.CounterVec
	duplicates *prometheus.CounterVec
	rejected   *prometheus.CounterVec
	acceptTime *prometheus.HistogramVec

	attempts    *prometheus.CounterVec
	attemptTime *prometheus.HistogramVec
	ended       *prometheus.CounterVec
	inFlight    *prometheus.GaugeVec
	breaker     *prometheus.GaugeVec
	trips       *prometheus.CounterVec

	retryAttempts *prometheus.CounterVec
	retrySuccess  *prometheus.CounterVec
	retryFailure  *prometheus.CounterVec
	retryDuration *prometheus.HistogramVec

	groupSize  prometheus.Histogram
	commitTime prometheus.Histogram
}

// New makes the metrics in a registry of their own.
func New() *Metrics {
	lane, byDestination := []string{"webhook", "module"}, []string{"webhook", "module", "destination"}
	latency := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	m := &Metrics{
		registry: prometheus.NewRegistry(),

		accepted:   counter("grapnel_accepted_total", "Events made durable.", "webhook"),
		duplicates: counter("grapnel_duplicates_total", "Requests that were the same event again.", "webhook"),
		rejected:   counter("grapnel_rejected_total", "Requests that were not accepted, by reason.", "webhook", "reason"),
		acceptTime: histogram("grapnel_accept_duration_seconds", "From the end of the request's body until the event is durable.",
			latency, "webhook"),

		attempts: counter("grapnel_attempts_total", "Attempts, by outcome and class of error.",
			append(byDestination, "outcome", "class")...),
		attemptTime: histogram("grapnel_attempt_duration_seconds", "How long attempts took.", latency, byDestination...),
		ended:       counter("grapnel_deliveries_ended_total", "Deliveries that ended, by state.", append(byDestination, "state")...),
		inFlight:    gauge("grapnel_in_flight", "Attempts under way.", byDestination...),
		breaker:     gauge("grapnel_breaker_state", "Circuit breaker: 0 closed, 1 half-open, 2 open.", byDestination...),
		trips:       counter("grapnel_breaker_opened_total", "Times the circuit breaker opened.", byDestination...),

		retryAttempts: counter("webhook_retry_attempts_total", "Attempts after the first one.", lane...),
		retrySuccess:  counter("webhook_retry_success_total", "Deliveries that succeeded after at least one retry.", lane...),
		retryFailure:  counter("webhook_retry_failure_total", "Deliveries that were retried and given up.", lane...),
		retryDuration: histogram("webhook_retry_duration_seconds", "From the first attempt to the end, of deliveries that were retried.",
			prometheus.ExponentialBuckets(.1, 4, 11), lane...),

		groupSize:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "grapnel_store_group_size", Help: "Writes per commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 11)}),
		commitTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "grapnel_store_commit_duration_seconds", Help: "Commit with its fsync.", Buckets: latency}),
	}
	m.registry.MustRegister(m.accepted, m.duplicates, m.rejected, m.acceptTime, m.attempts, m.attemptTime, m.ended, m.inFlight,
		m.breaker, m.trips, m.retryAttempts, m.retrySuccess, m.retryFailure, m.retryDuration, m.groupSize, m.commitTime)
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

// Register adds collectors that read their numbers when they are scraped.
func (m *Metrics) Register(collectors ...prometheus.Collector) {
	m.registry.MustRegister(collectors...)
}

// Handler serves the metrics in the Prometheus text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Gatherer gives the registry to tests and to other exporters.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// Accepted counts an event that was made durable and how long that took.
func (m *Metrics) Accepted(webhook string, took time.Duration) {
	m.accepted.WithLabelValues(webhook).Inc()
	m.acceptTime.WithLabelValues(webhook).Observe(took.Seconds())
}

// Duplicate counts a request that was the same event again.
func (m *Metrics) Duplicate(webhook string) { m.duplicates.WithLabelValues(webhook).Inc() }

// Rejected counts a request that was not accepted. webhook is empty when there is none of that name.
func (m *Metrics) Rejected(webhook, reason string) { m.rejected.WithLabelValues(webhook, reason).Inc() }

// AttemptStarted counts an attempt that begins; retry says that it is not the first one.
func (m *Metrics) AttemptStarted(l Lane, retry bool) {
	m.inFlight.WithLabelValues(l.Webhook, l.Module, l.Destination).Inc()
	if retry {
		m.retryAttempts.WithLabelValues(l.Webhook, l.Module).Inc()
	}
}

// AttemptEnded counts an attempt that ended; class is empty for a success.
func (m *Metrics) AttemptEnded(l Lane, outcome event.Outcome, class fault.Class, took time.Duration) {
	m.inFlight.WithLabelValues(l.Webhook, l.Module, l.Destination).Dec()
	m.attempts.WithLabelValues(l.Webhook, l.Module, l.Destination, string(outcome), string(class)).Inc()
	m.attemptTime.WithLabelValues(l.Webhook, l.Module, l.Destination).Observe(took.Seconds())
}

// Ended counts a delivery that an attempt ended, once that is durable. retried says that it took more than one
// attempt; sinceFirst is the time since the first one began.
func (m *Metrics) Ended(l Lane, state event.State, retried bool, sinceFirst time.Duration) {
	m.ended.WithLabelValues(l.Webhook, l.Module, l.Destination, state.String()).Inc()
	if !retried {
		return
	}
	m.retryDuration.WithLabelValues(l.Webhook, l.Module).Observe(sinceFirst.Seconds())
	if state == event.Delivered {
		m.retrySuccess.WithLabelValues(l.Webhook, l.Module).Inc()
	} else {
		m.retryFailure.WithLabelValues(l.Webhook, l.Module).Inc()
	}
}

// Breaker tells the state of a destination's circuit breaker: 0 closed, 1 half-open, 2 open.
func (m *Metrics) Breaker(l Lane, state int, opened bool) {
	m.breaker.WithLabelValues(l.Webhook, l.Module, l.Destination).Set(float64(state))
	if opened {
		m.trips.WithLabelValues(l.Webhook, l.Module, l.Destination).Inc()
	}
}

// Committed implements store.Observer.
func (m *Metrics) Committed(calls int, took time.Duration) {
	m.groupSize.Observe(float64(calls))
	m.commitTime.Observe(took.Seconds())
}
