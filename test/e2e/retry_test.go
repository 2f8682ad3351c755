package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/test/gatewaytest"
)

const fast = `retry: {enabled: true, max_attempts: 3, initial_delay: 50ms, jitter: 0}, circuit_breaker: {enabled: false}, module: http_webhook`

func TestRetry(t *testing.T) {
	t.Run("a transient failure and then success: 200, processed", func(t *testing.T) {
		sink := gatewaytest.NewSink(t, gatewaytest.Fail(1, http.StatusServiceUnavailable))
		g := gateway(t, `  orders: {`+fast+`, module-config: {url: "SINK/orders"}}`, sink)
		answer := g.Post("orders", `{"n":1}`)
		if answer.Code != http.StatusOK || answer.Status != "processed" || answer.ID == "" {
			t.Errorf("answered %+v, want 200, processed, with an id", answer)
		}
		got := sink.Arrivals("/orders")
		if len(got) != 2 || string(got[1].Body) != `{"n":1}` || got[1].EventID != answer.ID {
			t.Fatalf("%d arrivals, want 2 with the body and the id of the event", len(got))
		}
		if gap := got[1].At.Sub(got[0].At); gap < 50*time.Millisecond {
			t.Errorf("the second attempt came after %v, before the delay had passed", gap)
		}
		delivery(t, g, answer.ID, event.Delivered)
	})
	t.Run("all retries fail: 202, a dead letter, one ERROR line", func(t *testing.T) {
		sink := gatewaytest.NewSink(t, gatewaytest.Fail(99, http.StatusServiceUnavailable))
		g := gateway(t, `  orders: {`+fast+`, module-config: {url: "SINK/orders"}}`, sink)
		answer := g.Post("orders", `{}`)
		if answer.Code != http.StatusAccepted || answer.Status != "accepted" || answer.Note == "" {
			t.Errorf("answered %+v, want 202, accepted, with a note", answer)
		}
		dead := delivery(t, g, answer.ID, event.Dead)
		if len(dead.History) != 3 || len(sink.Arrivals("/orders")) != 3 {
			t.Errorf("%d attempts in the history, %d at the destination, want 3", len(dead.History), len(sink.Arrivals("/orders")))
		}
		gatewaytest.Eventually(t, soon, "an ERROR line tells of the dead letter", func() bool {
			return len(linesWith(g, `"level":"ERROR"`, answer.ID)) == 1
		})
	})
	t.Run("not retryable: 202 at once, no second attempt", func(t *testing.T) {
		sink := gatewaytest.NewSink(t, gatewaytest.Fail(99, http.StatusUnprocessableEntity))
		g := gateway(t, `  orders: {retry: {enabled: true, initial_delay: 5s}, module: http_webhook, module-config: {url: "SINK/orders"}}`, sink)
		answer := g.Post("orders", `{}`)
		if answer.Code != http.StatusAccepted || answer.Took > 3*time.Second {
			t.Errorf("answered %d after %v, want 202 at once", answer.Code, answer.Took)
		}
		if dead := delivery(t, g, answer.ID, event.Dead); len(dead.History) != 1 || dead.LastClass != "ValidationError" || dead.LastCode != "http_422" {
			t.Errorf("ended with %+v, want one attempt, ValidationError, http_422", dead)
		}
	})
	t.Run("retry off: 200, one attempt, a dead letter", func(t *testing.T) {
		sink := gatewaytest.NewSink(t, gatewaytest.Fail(99, http.StatusServiceUnavailable))
		g := gateway(t, `  orders: {module: http_webhook, module-config: {url: "SINK/orders"}}`, sink)
		answer := g.Post("orders", `{}`)
		if answer.Code != http.StatusOK || answer.Message != "200 OK" || answer.Status != "" {
			t.Errorf("answered %+v, want 200 without a status", answer)
		}
		if dead := delivery(t, g, answer.ID, event.Dead); len(dead.History) != 1 || len(sink.Arrivals("/orders")) != 1 {
			t.Errorf("%d attempts, want 1", len(dead.History))
		}
	})
	t.Run("the sender is gone: the delivery goes on", func(t *testing.T) {
		sink := gatewaytest.NewSink(t, gatewaytest.Fail(1, http.StatusServiceUnavailable))
		g := gateway(t, `  orders: {respond: {within: 0s}, `+fast+`, module-config: {url: "SINK/orders"}}`, sink)
		answer := g.Post("orders", `{}`)
		if answer.Code != http.StatusAccepted {
			t.Errorf("answered %d, want 202 before anything was delivered", answer.Code)
		}
		delivery(t, g, answer.ID, event.Delivered)
	})
	t.Run("a replayed dead letter is delivered", func(t *testing.T) {
		sink := gatewaytest.NewSink(t, gatewaytest.Fail(1, http.StatusServiceUnavailable))
		g := gateway(t, `  orders: {module: http_webhook, module-config: {url: "SINK/orders"}}`, sink)
		id := g.Post("orders", `{}`).ID
		delivery(t, g, id, event.Dead)
		if output, code := g.Run("replay", id, "--admin", g.AdminURL); code != 0 {
			t.Fatalf("grapnel replay: exit code %d: %s", code, output)
		}
		if again := delivery(t, g, id, event.Delivered); len(again.History) != 2 {
			t.Errorf("%d attempts, want 2", len(again.History))
		}
	})
}

func TestDelaysAreThoseOfTheFormula(t *testing.T) {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	for name, test := range map[string]struct {
		retry string
		gaps  []time.Duration
	}{
		"exponential":                      {`initial_delay: 100ms, backoff_multiplier: 3`, []time.Duration{ms(100), ms(300), ms(900)}},
		"exponential, never above the max": {`initial_delay: 100ms, max_delay: 150ms`, []time.Duration{ms(100), ms(150), ms(150)}},
		"linear":                           {`initial_delay: 100ms, backoff: linear`, []time.Duration{ms(100), ms(200), ms(300)}},
		"fixed":                            {`initial_delay: 100ms, backoff: fixed`, []time.Duration{ms(100), ms(100), ms(100)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := gatewaytest.NewSink(t, gatewaytest.Fail(99, http.StatusServiceUnavailable))
			g := gateway(t, `  orders: {respond: {within: 0s}, retry: {enabled: true, max_attempts: 4, jitter: 0, `+test.retry+
				`}, circuit_breaker: {enabled: false}, module: http_webhook, module-config: {url: "SINK/orders"}}`, sink)
			dead := delivery(t, g, g.Post("orders", `{}`).ID, event.Dead)
			for i, want := range test.gaps {
				// The timetable is exact: the next attempt is due the delay after the end of the one before.
				attempt := dead.History[i]
				due := attempt.NextAttemptAt.Sub(attempt.StartedAt) - time.Duration(attempt.TookSeconds*float64(time.Second))
				if due < want-ms(2) || due > want+ms(50) {
					t.Errorf("attempt %d was due %v after the one before had failed, want %v", i+2, due, want)
				}
				// What the destination saw is never early.
				if gap := dead.History[i+1].StartedAt.Sub(attempt.StartedAt); gap < want {
					t.Errorf("attempt %d began after %v, want at least %v", i+2, gap, want)
				}
			}
		})
	}
}

func TestThrottling(t *testing.T) {
	for name, test := range map[string]struct {
		header string
		least  time.Duration
	}{
		"429 with Retry-After waits that long":        {"2", 2 * time.Second},
		"429 without it waits four times the delay":   {"", 800 * time.Millisecond},
		"a shorter Retry-After shortens no own delay": {"0", 800 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := gatewaytest.NewSink(t, func(a gatewaytest.Arrival, w http.ResponseWriter) {
				if a.Number > 1 {
					return
				}
				if test.header != "" {
					w.Header().Set("Retry-After", test.header)
				}
				w.WriteHeader(http.StatusTooManyRequests)
			})
			g := gateway(t, `  orders: {retry: {enabled: true, initial_delay: 200ms, jitter: 0}, module: http_webhook, module-config: {url: "SINK/orders"}}`, sink)
			id := g.Post("orders", `{}`).ID
			delivery(t, g, id, event.Delivered)
			got := sink.Arrivals("/orders")
			if gap := got[1].At.Sub(got[0].At); gap < test.least {
				t.Errorf("tried again after %v, want at least %v", gap, test.least)
			}
		})
	}
}

func TestARestartInTheMiddleOfABackoffKeepsTheTimetable(t *testing.T) {
	for name, end := range map[string]func(*gatewaytest.Gateway){
		"kill -9": func(g *gatewaytest.Gateway) { g.Kill() },
		"SIGTERM": func(g *gatewaytest.Gateway) { g.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := gatewaytest.NewSink(t, gatewaytest.Fail(1, http.StatusServiceUnavailable))
			g := gateway(t, `  orders: {respond: {within: 0s}, retry: {enabled: true, backoff: fixed, initial_delay: 4s, jitter: 0}, `+
				`module: http_webhook, module-config: {url: "SINK/orders"}}`, sink)
			id := g.Post("orders", `{}`).ID
			var due time.Time
			gatewaytest.Eventually(t, soon, "the first attempt is settled", func() bool {
				e, err := g.Admin.Event(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				due = e.Deliveries[0].NextAttemptAt
				return e.Deliveries[0].Attempts == 1 // of the same row; the history is read after it
			})
			end(g)
			g.Start()
			if e, err := g.Admin.Event(t.Context(), id); err != nil || !e.Deliveries[0].NextAttemptAt.Equal(due) {
				t.Errorf("due at %v after the restart, before at %v (%v)", e.Deliveries[0].NextAttemptAt, due, err)
			}
			delivered := delivery(t, g, id, event.Delivered)
			if second := delivered.History[1].StartedAt; second.Before(due) || second.After(due.Add(3*time.Second)) {
				t.Errorf("the second attempt began at %v, due at %v", second, due)
			}
			if spent := delivered.Spent; spent != 2 || len(sink.Arrivals("/orders")) != 2 {
				t.Errorf("%d attempts spent, %d arrived, want 2", spent, len(sink.Arrivals("/orders")))
			}
		})
	}
}
