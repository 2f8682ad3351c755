// Package destination holds the contract of the modules that deliver events.
//
// It knows none of the modules and nothing of retries: a module delivers once and says what happened. Each module is a
// folder below this one; all of them pass destinationtest.
package destination

import (
	"context"
	"log/slog"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
)

// Destination is one configured module, open and ready.
type Destination interface {
	// Deliver brings the event to the destination and returns when it confirmed or failed. It is called concurrently,
	// never retries, obeys ctx, and returns a *fault.Error (or an error that fault.From classifies rightly). The text of
	// the error holds no secret and no payload. It keeps nothing of the event after it returned.
	Deliver(ctx context.Context, e *event.Event) (Receipt, error)
	// Close frees what the destination holds. It is called once, after the last Deliver returned.
	Close() error
}

// Receipt is what a destination confirmed with.
type Receipt struct {
	// ID is what the destination calls the event now: a message id, an offset, a file name. It may be empty.
	ID string
	// Response is an excerpt of the answer, at most 4 KiB.
	Response string
}

// ResponseLimit is how much of an answer is kept.
const ResponseLimit = 4 << 10

// Batcher is optional: DeliverBatch delivers several events in one go and returns an error for each, nil meaning
// delivered.
type Batcher interface {
	DeliverBatch(ctx context.Context, events []*event.Event) []error
}

// Prober is optional: Probe says whether the destination is reachable and lets us in, without delivering anything.
type Prober interface {
	Probe(ctx context.Context) error
}

// Config is the configuration of one destination: a pointer to a struct whose fields hold the defaults when
// Module.Config made it, and are then read from module-config (and from the connection, whose keys lie beneath).
type Config interface {
	// Validate says what is wrong with the values together; single values are checked by their tags.
	Validate() error
	// Open makes the destination. It does not wait for the other side: an unreachable server is a failed delivery, not a
	// configuration error.
	Open(env Env) (Destination, error)
}

// Timeouter is optional for a Config: its own timeout for one attempt, which holds unless the destination's timeout is
// configured. Zero means none.
type Timeouter interface {
	AttemptTimeout() time.Duration
}

// Env is what a module gets from the gateway.
type Env struct {
	// Name is the destination's name, Webhook the endpoint it belongs to.
	Name, Webhook string
	Logger        *slog.Logger
	// Version of the gateway, for user agents.
	Version string
}

// Module is one type of destination.
type Module struct {
	Name    string
	Aliases []string
	// Config makes a configuration that holds the defaults.
	Config func() Config
	// ConnectionTypes are the types of connections whose keys the module takes.
	ConnectionTypes []string
	// Codes are the narrower error codes the module may give besides HTTP statuses, for the retry lists.
	Codes []string
}
