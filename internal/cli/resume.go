package cli

import "context"

// resume lets deliveries to a destination flow again.
type resume struct {
	gateway
	output
	Destination string `arg:"" help:"The destination's name, as in orders.http_webhook."`
}

// Help is shown by kong.
func (*resume) Help() string {
	return `What has waited is delivered now, the longest due first.

Example:

    grapnel resume orders.http_webhook`
}

// Run is called by kong.
func (r *resume) Run(ctx context.Context, t *terminal) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	resumed, err := client.Resume(ctx, r.Destination)
	if err != nil {
		return err
	}
	return r.print(t, resumed, func() { printDestination(t, resumed) })
}
