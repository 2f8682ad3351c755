package cli

import (
	"cmp"
	"context"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

// filter selects deliveries.
type filter struct {
	Webhook     string `help:"Only those of this webhook." placeholder:"ID"`
	Destination string `help:"Only those for this destination." placeholder:"NAME"`
	Class       string `help:"Only those whose last attempt failed with this class." placeholder:"CLASS"`
	Code        string `help:"Only those whose last attempt failed with this code, as in http_503." placeholder:"CODE"`
	After       moment `help:"Only those received since then: a time, or how long ago." placeholder:"TIME"`
	Before      moment `help:"Only those received before then." placeholder:"TIME"`
}

func (f filter) request(states ...event.State) api.DeliveryFilter {
	return api.DeliveryFilter{
		Webhook: f.Webhook, Destination: f.Destination, States: states,
		Class: fault.Class(f.Class), Code: f.Code, After: f.After.Time, Before: f.Before.Time,
	}
}

// dead lists dead letters.
type dead struct {
	gateway
	output
	page
	filter
}

// Help is shown by kong.
func (*dead) Help() string {
	return `A dead letter is a delivery that ended without success. It is kept with its history until it is replayed, discarded
or past its retention.

Examples:

    grapnel dead
    grapnel dead --destination orders.http_webhook --class AuthenticationError
    grapnel replay --destination orders.http_webhook     once the cause is gone`
}

// Run is called by kong.
func (d *dead) Run(ctx context.Context, t *terminal) error {
	client, err := d.client()
	if err != nil {
		return err
	}
	found, err := client.Dead(ctx, d.filter.request(), d.page.request())
	if err != nil {
		return err
	}
	return d.print(t, found, func() {
		printDeliveries(t, found.Items)
		d.more(t, found.Next)
	})
}

func printDeliveries(t *terminal, found []api.Delivery) {
	if len(found) == 0 {
		t.printf("No dead letters.\n")
		return
	}
	rows := [][]cell{heading("ENDED", "DELIVERY", "DESTINATION", "ATTEMPTS", "CLASS", "ERROR")}
	for _, d := range found {
		rows = append(rows, []cell{
			{clock(d.EndedAt), plain},
			{d.ID, plain},
			{d.Destination, plain},
			{number(d.Attempts), plain},
			{cmp.Or(string(d.LastClass), "-"), red},
			{clean(d.LastError, ""), plain},
		})
	}
	t.table(rows)
}
