package cli

import "context"

// discard gives deliveries up.
type discard struct{ bulk }

// Help is shown by kong.
func (*discard) Help() string {
	return `A discarded delivery is not tried again, but it is still known, and can be replayed until it is past its retention.
Without --state only dead letters are taken. More than one are discarded only after a question or with --yes.

Examples:

    grapnel discard 0198c7a2-5d0e-7000-8000-000000000001/0
    grapnel discard --webhook orders --class ValidationError --dry-run
    grapnel discard --webhook orders --state pending --before 2026-05-01`
}

// Run is called by kong.
func (d *discard) Run(ctx context.Context, t *terminal) error {
	client, err := d.client()
	if err != nil {
		return err
	}
	return d.run(ctx, t, client.Discard, words{"discard", "discarded"})
}
