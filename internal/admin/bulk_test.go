package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// stateOfDelivery asks the store.
func (g *gateway) stateOfDelivery(t *testing.T, n, step int) event.State {
	t.Helper()
	return may(g.store.Deliveries(t.Context(), eventID(n)))(t)[step].State
}

func TestReplay(t *testing.T) {
	for _, test := range []struct {
		rule    string
		request api.BulkRequest
		count   int
	}{
		{"by filter takes dead ones only", api.BulkRequest{Filter: api.DeliveryFilter{Webhook: "orders"}}, deadEvents},
		{"everything takes dead ones only", api.BulkRequest{All: true}, deadEvents},
		{"by class takes what failed so", api.BulkRequest{Filter: api.DeliveryFilter{Class: fault.NotFound}}, deadEvents},
		{"by class takes nothing else", api.BulkRequest{Filter: api.DeliveryFilter{Class: fault.TimeoutError}}, 0},
		{"takes no more than the limit", api.BulkRequest{All: true, Limit: 3}, 3},
		{"takes other states when they are named", api.BulkRequest{All: true, Filter: api.DeliveryFilter{States: []event.State{event.Delivered, event.Dead}}}, deadEvents + 1},
		{"of an event takes its dead ones", api.BulkRequest{IDs: []string{eventID(0), eventID(1)}}, 2},
		{"of a delivered event takes nothing", api.BulkRequest{IDs: []string{eventID(deliveredEvent)}}, 0},
		{"of a delivered event takes it when that is said", api.BulkRequest{IDs: []string{eventID(deliveredEvent)}, Filter: api.DeliveryFilter{States: []event.State{event.Delivered}}}, 1},
		{"of a named delivery takes it, however it ended", api.BulkRequest{IDs: []string{deliveryID(deliveredEvent, 0)}}, 1},
		{"of several ids obeys the limit over all of them", api.BulkRequest{IDs: []string{eventID(0), eventID(1), eventID(2)}, Limit: 2}, 2},
	} {
		t.Run(test.rule, func(t *testing.T) {
			g := start(t, nil)
			before := may(g.client.Counts(t.Context()))(t).Total.States
			test.request.DryRun = true
			if dry := may(g.client.Replay(t.Context(), test.request))(t); !dry.DryRun || dry.Count != test.count || len(dry.IDs) != test.count {
				t.Errorf("dry run: %+v, want %d", dry, test.count)
			}
			if after := may(g.client.Counts(t.Context()))(t).Total.States; after[event.Pending] != before[event.Pending] {
				t.Error("the dry run changed something")
			}
			test.request.DryRun = false
			if done := may(g.client.Replay(t.Context(), test.request))(t); done.DryRun || done.Count != test.count || len(done.IDs) != test.count {
				t.Errorf("%+v, want %d", done, test.count)
			}
			if after := may(g.client.Counts(t.Context()))(t).Total.States; after[event.Pending] != before[event.Pending]+int64(test.count) {
				t.Errorf("%d are pending, %d were before", after[event.Pending], before[event.Pending])
			}
		})
	}
}

func TestDiscard(t *testing.T) {
	t.Run("by filter takes dead ones only", func(t *testing.T) {
		g := start(t, nil)
		if done := may(g.client.Discard(t.Context(), api.BulkRequest{All: true}))(t); done.Count != deadEvents {
			t.Errorf("%+v", done)
		}
		if state := g.stateOfDelivery(t, pendingEvent, 0); state != event.Pending {
			t.Errorf("what was pending is %s", state)
		}
	})
	t.Run("takes a pending one that is named", func(t *testing.T) {
		g := start(t, nil)
		may(g.client.Discard(t.Context(), api.BulkRequest{IDs: []string{deliveryID(pendingEvent, 0)}}))(t)
		if state := g.stateOfDelivery(t, pendingEvent, 0); state != event.Discarded {
			t.Errorf("it is %s", state)
		}
	})
	t.Run("refuses one that is named while its attempt is under way, and says so", func(t *testing.T) {
		g := start(t, nil)
		now := receivedAt(allEvents)
		may(first(g.store.Claim(t.Context(), store.Claim{Destination: "orders.kafka", Limit: 1, Now: now, Until: now.Add(time.Minute)})))(t)
		_, err := g.client.Discard(t.Context(), api.BulkRequest{IDs: []string{deliveryID(pendingEvent, 0)}})
		if problem, ok := errors.AsType[*api.Problem](err); !ok || problem.Status != http.StatusConflict || !strings.Contains(problem.Detail, "under way") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("takes one step of a chain and leaves the other", func(t *testing.T) {
		g := start(t, nil)
		may(g.client.Discard(t.Context(), api.BulkRequest{IDs: []string{deliveryID(chainEvent, 1)}}))(t)
		if first, second := g.stateOfDelivery(t, chainEvent, 0), g.stateOfDelivery(t, chainEvent, 1); first != event.Pending || second != event.Discarded {
			t.Errorf("they are %s and %s", first, second)
		}
	})
}

// first leaves out what a claim says besides its jobs.
func first[A, B any](a A, _ B, err error) (A, error) { return a, err }

func TestBulkRequestsThatAreRefused(t *testing.T) {
	g := start(t, nil)
	many := make([]string, maxIDs+1)
	for _, test := range []struct {
		rule    string
		request api.BulkRequest
		status  int
		detail  string
	}{
		{"nothing is said", api.BulkRequest{}, 400, `"all": true`},
		{"only states are said, which is everything in them", api.BulkRequest{Filter: api.DeliveryFilter{States: []event.State{event.Dead}}}, 400, `"all": true`},
		{"ids and a filter", api.BulkRequest{IDs: []string{eventID(0)}, Filter: api.DeliveryFilter{Webhook: "orders"}}, 400, "either"},
		{"ids and all", api.BulkRequest{IDs: []string{eventID(0)}, All: true}, 400, "either"},
		{"too many ids", api.BulkRequest{IDs: many}, 400, "use a filter"},
		{"a limit below zero", api.BulkRequest{All: true, Limit: -1}, 400, "limit"},
		{"a state that cannot be replayed", api.BulkRequest{All: true, Filter: api.DeliveryFilter{States: []event.State{event.Pending}}}, 400, "[delivered dead discarded]"},
		{"an event that does not exist", api.BulkRequest{IDs: []string{eventID(0), eventID(99)}}, 404, eventID(99)},
		{"a step that does not exist", api.BulkRequest{IDs: []string{eventID(0), deliveryID(0, 1)}}, 404, deliveryID(0, 1)},
		{"a named delivery that is in no state for it", api.BulkRequest{IDs: []string{eventID(0), deliveryID(pendingEvent, 0)}}, 409, "is pending"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			_, err := g.client.Replay(t.Context(), test.request)
			problem, ok := errors.AsType[*api.Problem](err)
			if !ok || problem.Status != test.status || !strings.Contains(problem.Detail, test.detail) {
				t.Errorf("got %v", err)
			}
		})
	}
	if state := g.stateOfDelivery(t, 0, 0); state != event.Dead {
		t.Errorf("a refused request changed something: %s", state)
	}
}

func TestBulkThatStopsMidway(t *testing.T) {
	g := start(t, func(o *Options) { o.Operator = stopping{o.Operator} })
	_, err := g.client.Replay(t.Context(), api.BulkRequest{All: true})
	problem, ok := errors.AsType[*api.Problem](err)
	if !ok || problem.Status != http.StatusServiceUnavailable || !strings.Contains(problem.Detail, "after 2 deliveries") {
		t.Errorf("got %v", err)
	}
	if log := g.log.String(); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "moved=2") {
		t.Errorf("the log does not tell how far it came: %s", log)
	}
}

// stopping is a store that fails after two deliveries.
type stopping struct{ Operator }

func (s stopping) Replay(ctx context.Context, f store.Filter, _ int) ([]store.Moved, error) {
	moved, err := s.Operator.Replay(ctx, f, 2)
	return moved, errors.Join(err, store.ErrUnavailable)
}

func TestAudit(t *testing.T) {
	g := start(t, nil)
	may(g.client.Replay(t.Context(), api.BulkRequest{All: true, DryRun: true}))(t)
	if g.log.Len() > 0 {
		t.Errorf("a dry run is no change: %s", g.log)
	}
	may(g.client.Replay(t.Context(), api.BulkRequest{IDs: []string{eventID(0)}}))(t)
	may(g.client.Discard(t.Context(), api.BulkRequest{All: true}))(t)
	may(g.client.Pause(t.Context(), "orders.kafka"))(t)
	may(g.client.Resume(t.Context(), "orders.kafka"))(t)
	may(g.client.Reload(t.Context()))(t)
	for _, action := range []string{"replay", "discard", "pause", "resume", "reload"} {
		if !strings.Contains(g.log.String(), "action="+action+" remote=127.0.0.1:") {
			t.Errorf("the log does not tell of the %s: %s", action, g.log)
		}
	}
}
