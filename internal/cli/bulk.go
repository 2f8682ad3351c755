package cli

import (
	"bufio"
	"context"
	"errors"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/event"
)

// bulk is what replay and discard have in common: which deliveries, and how sure the person is.
type bulk struct {
	gateway
	output
	filter
	IDs    []string      `arg:"" optional:"" name:"id" help:"Ids of events, or of deliveries: <event id>/<step>."`
	State  []event.State `help:"Only those in these states, instead of dead ones." placeholder:"STATE"`
	All    bool          `help:"All of them, when neither ids nor a filter say which."`
	Limit  int           `help:"How many at most; 0: no limit." default:"0" short:"n"`
	DryRun bool          `help:"Only say how many it would be."`
	Yes    bool          `help:"Do not ask." short:"y"`
}

// operation is client.Replay or client.Discard.
type operation func(context.Context, api.BulkRequest) (api.BulkResult, error)

// words are how an operation is called: "replay", "replayed".
type words struct{ verb, done string }

func (b *bulk) run(ctx context.Context, t *terminal, do operation, w words) error {
	request := b.bulkRequest()
	if !b.DryRun && !b.Yes && !b.single() {
		if err := confirm(ctx, t, do, request, w); err != nil {
			return err
		}
	}
	result, err := do(ctx, request)
	if err != nil {
		return err
	}
	if err := b.print(t, result, func() { printResult(t, result, w) }); err != nil {
		return err
	}
	if result.Count == 0 {
		return errNegative
	}
	return nil
}

func (b *bulk) bulkRequest() api.BulkRequest {
	return api.BulkRequest{IDs: b.IDs, Filter: b.filter.request(b.State...), All: b.All, Limit: b.Limit, DryRun: b.DryRun}
}

// single says that the person named the one delivery that is meant.
func (b *bulk) single() bool {
	return len(b.IDs) == 1 && strings.Contains(b.IDs[0], "/") || b.Limit == 1
}

// confirm asks the person when more than one delivery would be taken.
func confirm(ctx context.Context, t *terminal, do operation, request api.BulkRequest, w words) error {
	request.DryRun = true
	planned, err := do(ctx, request)
	if err != nil || planned.Count <= 1 {
		return err
	}
	question := strings.ToUpper(w.verb[:1]) + w.verb[1:] + " " + deliveries(planned.Count) + "? [y/N] "
	_, _ = t.err.Write([]byte(question))
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer == "y" || answer == "yes" {
		return nil
	}
	if err != nil {
		return usageError{errors.New("nothing was done: say --yes to go on without being asked")}
	}
	return errors.New("nothing was done")
}

func printResult(t *terminal, result api.BulkResult, w words) {
	switch {
	case result.Count == 0:
		t.printf("No delivery matches.\n")
	case result.DryRun:
		t.printf("Would %s %s.\n", w.verb, deliveries(result.Count))
	default:
		t.printf("%s %s.\n", strings.ToUpper(w.done[:1])+w.done[1:], deliveries(result.Count))
	}
	for _, id := range result.IDs {
		t.printf("  %s\n", id)
	}
	if more := result.Count - len(result.IDs); more > 0 && len(result.IDs) > 0 {
		t.printf("  and %d more\n", more)
	}
}

func deliveries(n int) string { return count(n, "delivery") }
