package cli

import "context"

// replay starts ended deliveries again.
type replay struct{ bulk }

// Help is shown by kong.
func (*replay) Help() string {
	return `A replayed delivery is due at once, with a fresh budget of attempts, and carries the original bytes. Without --state
only dead letters are taken; a delivery that is named by its id is taken in any state that allows it. More than one are
replayed only after a question or with --yes.

Examples:

    grapnel replay 0198c7a2-5d0e-7000-8000-000000000001
    grapnel replay --destination orders.http_webhook --after 2h --dry-run
    grapnel replay --destination orders.http_webhook --limit 5    try a few first
    grapnel replay --webhook orders --state delivered --after 2026-05-01 --yes`
}

// Run is called by kong.
func (r *replay) Run(ctx context.Context, t *terminal) error {
	client, err := r.client()
	if err != nil {
		return err
	}
	return r.run(ctx, t, client.Replay, words{"replay", "replayed"})
}
