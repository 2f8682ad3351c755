package chaos

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/test/gatewaytest"
)

// settleTime bounds how long after its confirmation an attempt may still be unsettled: the commit of its group, on a
// machine that is busy with other tests. A duplicate of an older confirmation is a lost settlement.
const settleTime = 5 * time.Second

// drain waits until nothing is under way, replays what a single attempt was not enough for, and waits again.
func drain(t *testing.T, g *gatewaytest.Gateway) {
	t.Helper()
	awaitEnd(t, g)
	replayed, err := g.Admin.Replay(t.Context(), api.BulkRequest{All: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("replayed %d dead letters", replayed.Count)
	awaitEnd(t, g)
}

func awaitEnd(t *testing.T, g *gatewaytest.Gateway) {
	t.Helper()
	gatewaytest.Eventually(t, 2*time.Minute, "every delivery has ended", func() bool {
		counts, err := g.Admin.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return counts.Total.States[event.Pending]+counts.Total.States[event.Waiting] == 0
	})
}

// checkConservation holds the gateway's own books against the ledger.
func checkConservation(t *testing.T, g *gatewaytest.Gateway, l *ledger) {
	t.Helper()
	recount, err := g.Admin.Recount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !recount.Agree || !recount.Rows.Total.Balanced || !recount.Counters.Total.Balanced {
		t.Errorf("the equation does not hold: counters %+v, rows %+v", recount.Counters.Total, recount.Rows.Total)
	}
	want := int64(0)
	for key := range l.acked {
		want += int64(stepsOf(key))
	}
	total := recount.Rows.Total
	if total.Accepted != want || total.States[event.Delivered] != want {
		t.Errorf("accepted %d deliveries, delivered %d; senders were promised %d", total.Accepted, total.States[event.Delivered], want)
	}
}

// checkDelivered: every event that was answered 2xx was confirmed by every destination, under the id that was answered.
func checkDelivered(t *testing.T, l *ledger) {
	t.Helper()
	lost := 0
	for key, id := range l.acked {
		for step := range stepsOf(key) {
			arrivals := l.arrived[place{webhookOf(key), step, key}]
			if !slices.ContainsFunc(arrivals, func(a arrival) bool { return !a.confirmedAt.IsZero() }) {
				lost++
				t.Logf("LOST: %s (event %s) at step %d, after %d attempts", key, id, step, len(arrivals))
			}
			if slices.ContainsFunc(arrivals, func(a arrival) bool { return a.eventID != id }) {
				t.Errorf("%s was answered with event %s and delivered under another id", key, id)
			}
		}
	}
	if lost > 0 {
		t.Errorf("%d deliveries of events that were answered 2xx never arrived", lost)
	}
}

// duplicates are deliveries that were attempted again although they had been confirmed.
type duplicates struct {
	total   int
	atOnce  int           // the most at one destination after one kill
	longest time.Duration // from a confirmation to the kill that took its settlement
}

// concurrency is the default of a destination: so many attempts may be under way, or unsettled, when a process ends.
const concurrency = 16

// checkDuplicates: what was confirmed is attempted again only when the process was killed before it was settled.
func checkDuplicates(t *testing.T, l *ledger) (d duplicates) {
	t.Helper()
	type destination struct {
		webhook    string
		step, life int
	}
	perKill := map[destination]int{}
	for p, arrivals := range l.arrived {
		for _, confirmed := range repeated(arrivals) {
			d.total++
			again := arrivals[slices.Index(arrivals, confirmed)+1]
			if again.life == confirmed.life {
				t.Errorf("%v was attempted again by the process that had it confirmed, %v later", p, again.at.Sub(confirmed.confirmedAt))
				continue
			}
			unsettled := l.ended[confirmed.life].Sub(confirmed.confirmedAt)
			if unsettled > settleTime {
				t.Errorf("%v was confirmed %v before the kill and attempted again: a lost settlement", p, unsettled)
			}
			d.longest = max(d.longest, unsettled)
			kill := destination{p.webhook, p.step, confirmed.life}
			perKill[kill]++
			d.atOnce = max(d.atOnce, perKill[kill])
		}
	}
	if d.atOnce > concurrency {
		t.Errorf("%d duplicates of one destination after one kill: no more than %d can have been in flight", d.atOnce, concurrency)
	}
	return d
}

// repeated lists the confirmed arrivals after which others came.
func repeated(arrivals []arrival) (confirmed []arrival) {
	for _, a := range arrivals[:len(arrivals)-1] {
		if !a.confirmedAt.IsZero() {
			confirmed = append(confirmed, a)
		}
	}
	return confirmed
}

// checkChains: a step begins after the one before it was confirmed, and nothing of it is attempted once the next began,
// for then its settlement is durable.
func checkChains(t *testing.T, l *ledger) {
	t.Helper()
	for p, arrivals := range l.arrived {
		next := l.arrived[place{p.webhook, p.step + 1, p.key}]
		if len(next) == 0 {
			continue
		}
		first, last := next[0].at, arrivals[len(arrivals)-1].at
		if last.After(first) {
			t.Errorf("%v was attempted again after its next step had begun", p)
		}
		if !slices.ContainsFunc(arrivals, func(a arrival) bool { return !a.confirmedAt.IsZero() && a.confirmedAt.Before(first) }) {
			t.Errorf("%v: its next step began before it was confirmed", p)
		}
	}
}

// figures prints what happened.
func figures(t *testing.T, l *ledger, s *senders, d duplicates) {
	t.Helper()
	attempts, confirmed := 0, 0
	for arrivals := range maps.Values(l.arrived) {
		attempts += len(arrivals)
		for _, a := range arrivals {
			if !a.confirmedAt.IsZero() {
				confirmed++
			}
		}
	}
	t.Logf("%d processes ended, %d requests sent, %d events promised, %d attempts seen, %d confirmed; %d duplicates (at most %d of one destination at one kill; longest from confirmation to kill: %v)",
		len(l.ended), s.sent.Load(), len(l.acked), attempts, confirmed, d.total, d.atOnce, d.longest.Round(time.Millisecond))
}

func webhookOf(key string) string {
	webhook, _, _ := strings.Cut(key, "-")
	return webhook
}

func stepsOf(key string) int {
	for _, w := range webhooks() {
		if w.name == webhookOf(key) {
			return w.steps
		}
	}
	return 0
}
