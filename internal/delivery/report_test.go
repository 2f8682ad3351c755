package delivery

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/grapnel-dev/grapnel/internal/event"
)

func TestMetrics(t *testing.T) {
	inWorld(t, "retries, ends and what is under way are counted", func(w *world) {
		w.start(
			spec("orders.flaky", newTarget(failsWith(unavailable(), 1))),
			spec("orders.down", newTarget(failsWith(unavailable(), -1))),
			spec("orders.slow", newTarget(takes(5*time.Second))),
		)
		w.accept(event.Parallel, "orders.flaky", "orders.down", "orders.slow")
		w.wait(4 * time.Second)
		const want = `
# HELP grapnel_deliveries_ended_total Deliveries that ended, by state.
# TYPE grapnel_deliveries_ended_total counter
grapnel_deliveries_ended_total{destination="orders.down",module="fake",state="dead",webhook="orders"} 1
grapnel_deliveries_ended_total{destination="orders.flaky",module="fake",state="delivered",webhook="orders"} 1
# HELP grapnel_in_flight Attempts under way.
# TYPE grapnel_in_flight gauge
grapnel_in_flight{destination="orders.down",module="fake",webhook="orders"} 0
grapnel_in_flight{destination="orders.flaky",module="fake",webhook="orders"} 0
grapnel_in_flight{destination="orders.slow",module="fake",webhook="orders"} 1
# HELP webhook_retry_attempts_total Attempts after the first one.
# TYPE webhook_retry_attempts_total counter
webhook_retry_attempts_total{module="fake",webhook="orders"} 3
# HELP webhook_retry_failure_total Deliveries that were retried and given up.
# TYPE webhook_retry_failure_total counter
webhook_retry_failure_total{module="fake",webhook="orders"} 1
# HELP webhook_retry_success_total Deliveries that succeeded after at least one retry.
# TYPE webhook_retry_success_total counter
webhook_retry_success_total{module="fake",webhook="orders"} 1
`
		if err := testutil.GatherAndCompare(w.metrics.Gatherer(), strings.NewReader(want), "grapnel_deliveries_ended_total",
			"grapnel_in_flight", "webhook_retry_attempts_total", "webhook_retry_failure_total", "webhook_retry_success_total"); err != nil {
			t.Error(err)
		}
	})
	inWorld(t, "a circuit that opens is shown and counted", func(w *world) {
		w.start(spec("orders.a", newTarget(failsWith(unavailable(), 10)), noRetry))
		w.acceptMany(10, "orders.a")
		w.breaker("2", "1")
		w.wait(30 * time.Second)
		w.acceptMany(2, "orders.a")
		w.breaker("0", "1")
		if w.log.count("WARN circuit breaker opened") != 1 || w.log.count("INFO circuit breaker changed") < 2 {
			t.Errorf("the log has %v", w.log.lines)
		}
	})
}

// breaker fails the test unless the metrics show the state and how often it opened.
func (w *world) breaker(state, opened string) {
	w.t.Helper()
	labels := `{destination="orders.a",module="fake",webhook="orders"} `
	want := `
# HELP grapnel_breaker_opened_total Times the circuit breaker opened.
# TYPE grapnel_breaker_opened_total counter
grapnel_breaker_opened_total` + labels + opened + `
# HELP grapnel_breaker_state Circuit breaker: 0 closed, 1 half-open, 2 open.
# TYPE grapnel_breaker_state gauge
grapnel_breaker_state` + labels + state + "\n"
	if err := testutil.GatherAndCompare(w.metrics.Gatherer(), strings.NewReader(want),
		"grapnel_breaker_opened_total", "grapnel_breaker_state"); err != nil {
		w.t.Error(err)
	}
}
