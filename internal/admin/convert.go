package admin

import (
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/store"
)

// utc is a time as the API writes it: in UTC, to the microsecond.
func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// each converts a list; the answer is [] and never null.
func each[A, B any](in []A, convert func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = convert(a)
	}
	return out
}

func pageOf[A, B any](p store.Page[A], convert func(A) B) api.Page[B] {
	return api.Page[B]{Items: each(p.Items, convert), Next: p.Next}
}

func summaryOf(e store.EventSummary) api.EventSummary {
	return api.EventSummary{
		ID: e.ID, Webhook: e.Webhook, ReceivedAt: utc(e.ReceivedAt), DedupeKey: e.DedupeKey,
		ContentType: e.ContentType, SizeBytes: e.Size, States: e.States,
	}
}

func deliveryOf(d event.Delivery) api.Delivery {
	return api.Delivery{
		ID: d.ID.String(), Event: d.ID.Event, Step: d.ID.Step, Webhook: d.Webhook, Destination: d.Destination, State: d.State,
		Attempts: d.Attempts, Spent: d.Spent, ReceivedAt: utc(d.ReceivedAt), Since: utc(d.Since),
		NextAttemptAt: utc(d.NextAttemptAt), InFlight: d.Leased, EndedAt: utc(d.EndedAt),
		LastClass: fault.Class(d.LastClass), LastCode: d.LastCode, LastError: d.LastError,
	}
}

func attemptOf(a event.Attempt) api.Attempt {
	return api.Attempt{
		Number: a.Number, StartedAt: utc(a.StartedAt), TookSeconds: a.Took.Seconds(), Outcome: a.Outcome,
		Class: fault.Class(a.Class), Code: a.Code, Error: a.Error, Receipt: a.Receipt, Response: a.Response,
		NextAttemptAt: utc(a.NextAttemptAt),
	}
}

func countOf(c store.Count) api.Count {
	count := api.Count{Accepted: c.Accepted, States: map[event.State]int64{}, Retired: c.Retired, Balanced: c.Balanced()}
	for _, state := range event.States() {
		count.States[state] = c.States[state]
	}
	return count
}

func countsOf(c store.Counts) api.Counts {
	counts := api.Counts{Total: countOf(c.Total()), Destinations: map[string]api.Count{}}
	for destination, count := range c {
		counts.Destinations[destination] = countOf(count)
	}
	return counts
}

func configSummaryOf(l Loaded) api.ConfigSummary {
	summary := api.ConfigSummary{LoadedAt: utc(l.LoadedAt), Warnings: l.Warnings, FailedAt: utc(l.FailedAt)}
	if l.LastError != nil {
		summary.LastError = l.LastError.Error()
	}
	return summary
}
