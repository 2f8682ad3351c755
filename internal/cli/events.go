package cli

import (
	"context"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
)

// page is which part of a list is shown.
type page struct {
	Limit  int    `help:"How many at most, 1 to 1000." default:"50" short:"n"`
	Cursor string `help:"Go on where a list ended." placeholder:"CURSOR"`
}

func (p page) request() api.PageRequest { return api.PageRequest{Limit: p.Limit, Cursor: p.Cursor} }

// more tells how to see what did not fit.
func (p page) more(t *terminal, next string) {
	if next != "" {
		t.printf("There are more: --cursor %s\n", next)
	}
}

// events lists events.
type events struct {
	gateway
	output
	page
	Webhook   string `help:"Only those of this webhook." placeholder:"ID"`
	DedupeKey string `help:"Only those with this key: a provider's own id of the event." placeholder:"KEY"`
	After     moment `help:"Only those received since then: a time, or how long ago." placeholder:"TIME"`
	Before    moment `help:"Only those received before then." placeholder:"TIME"`
}

// Help is shown by kong.
func (*events) Help() string {
	return `Examples:

    grapnel events --webhook orders --after 24h
    grapnel events --dedupe-key evt_1PqXz2    did we receive it?
    grapnel events --output json | jq -r '.items[].id'`
}

// Run is called by kong.
func (e *events) Run(ctx context.Context, t *terminal) error {
	client, err := e.client()
	if err != nil {
		return err
	}
	filter := api.EventFilter{Webhook: e.Webhook, DedupeKey: e.DedupeKey, After: e.After.Time, Before: e.Before.Time}
	found, err := client.Events(ctx, filter, e.request())
	if err != nil {
		return err
	}
	return e.print(t, found, func() {
		printEvents(t, found.Items)
		e.more(t, found.Next)
	})
}

func printEvents(t *terminal, found []api.EventSummary) {
	if len(found) == 0 {
		t.printf("No events.\n")
		return
	}
	rows := [][]cell{heading("RECEIVED", "EVENT", "WEBHOOK", "SIZE", "STATE")}
	for _, e := range found {
		rows = append(rows, []cell{
			{clock(e.ReceivedAt), plain},
			{e.ID, plain},
			{e.Webhook, plain},
			{size(e.SizeBytes), plain},
			summarise(e.States),
		})
	}
	t.table(rows)
}

// summarise is the state of an event in one word when all its deliveries have the same, else all of them.
func summarise(states []event.State) cell {
	var words []string
	worst := plain
	for i, s := range states {
		if i == 0 || s != states[i-1] {
			words = append(words, s.String())
		}
		if worst == plain || s != event.Delivered {
			worst = styleOf(s)
		}
	}
	return cell{strings.Join(words, ", "), worst}
}
