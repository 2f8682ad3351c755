// Package e2e uses the real gateway as senders, destinations and operators do: over HTTP, by signals, by files and disks.
package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/test/gatewaytest"
)

func TestMain(m *testing.M) { os.Exit(gatewaytest.Main(m)) }

// soon is how long a condition is waited for that should hold at once.
const soon = 20 * time.Second

// gateway starts one with these webhooks; SINK stands for the sink's address.
func gateway(t *testing.T, webhooks string, sink *gatewaytest.Sink) *gatewaytest.Gateway {
	t.Helper()
	if sink != nil {
		webhooks = strings.ReplaceAll(webhooks, "SINK", sink.URL)
	}
	g := gatewaytest.New(t, webhooks)
	g.Start()
	return g
}

// delivery waits until the only delivery of an event has a state, and gives it.
func delivery(t *testing.T, g *gatewaytest.Gateway, id string, state event.State) api.Timeline {
	t.Helper()
	var found api.Timeline
	gatewaytest.Eventually(t, soon, "event "+id+" is "+state.String(), func() bool {
		e, err := g.Admin.Event(t.Context(), id)
		if err != nil || len(e.Deliveries) != 1 {
			t.Fatalf("event %s: %v, %d deliveries", id, err, len(e.Deliveries))
		}
		found = e.Deliveries[0]
		return found.State == state
	})
	return found
}

// nothingStored ends the test's claim when the gateway has kept anything.
func nothingStored(t *testing.T, g *gatewaytest.Gateway) {
	t.Helper()
	counts, err := g.Admin.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events, err := g.Admin.Events(t.Context(), api.EventFilter{}, api.PageRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if counts.Total.Accepted != 0 || len(events.Items) != 0 {
		t.Errorf("something was stored: %d deliveries, %d events", counts.Total.Accepted, len(events.Items))
	}
}

// linesWith gives the lines of the gateway's log that hold all the words.
func linesWith(g *gatewaytest.Gateway, words ...string) (found []string) {
	for line := range strings.Lines(g.Log()) {
		all := true
		for _, word := range words {
			all = all && strings.Contains(line, word)
		}
		if all {
			found = append(found, line)
		}
	}
	return found
}
