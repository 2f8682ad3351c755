package cli

import (
	"context"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
)

// pause stops deliveries to a destination.
type pause struct {
	gateway
	output
	Destination string `arg:"" help:"The destination's name, as in orders.http_webhook."`
}

// Help is shown by kong.
func (*pause) Help() string {
	return `Events keep being accepted; what arrives for the destination waits and spends no attempts. A pause outlasts a restart.

Examples:

    grapnel pause orders.http_webhook
    grapnel resume orders.http_webhook`
}

// Run is called by kong.
func (p *pause) Run(ctx context.Context, t *terminal) error {
	client, err := p.client()
	if err != nil {
		return err
	}
	paused, err := client.Pause(ctx, p.Destination)
	if err != nil {
		return err
	}
	return p.print(t, paused, func() { printDestination(t, paused) })
}

// printDestination is one line about a destination that was paused or resumed.
func printDestination(t *terminal, d api.Destination) {
	state := "takes deliveries"
	if d.Paused {
		state = "is paused"
	}
	t.printf("%s %s; %s pending, %d under way.\n", d.Name, state, deliveries(int(d.Backlog)), d.InFlight)
}
