// Package event holds the words of the product: an event, its deliveries, their states and attempts.
//
// It knows nothing of where events are stored, how they travel, or what decides about them. It imports only the
// standard library.
package event

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Event is one accepted request, byte for byte as received. It never changes once it is made: whoever holds one may
// read it from any goroutine and must not write to it, its header or its body.
type Event struct {
	// ID is a UUIDv7 in its text form. It travels to every destination as the idempotency key.
	ID string
	// Webhook is the endpoint that received the event: "orders", or "shop/orders" when it is namespaced.
	Webhook string
	// ReceivedAt is when the request had been read and verified.
	ReceivedAt time.Time
	// Method and URL are those of the request; URL is the path and the query as sent.
	Method string
	URL    string
	// Header holds the request's headers without the secret ones (see SecretHeaders).
	Header http.Header
	// Body is the request's body, byte for byte.
	Body []byte
	// DedupeKey is what makes two requests the same event within the webhook's window; empty: never a duplicate.
	DedupeKey string
}

// ContentType is the content type of the body as the sender gave it; empty when it gave none.
func (e *Event) ContentType() string { return e.Header.Get("Content-Type") }

// SecretHeaders are the request headers that are never stored, logged or forwarded.
func SecretHeaders() []string { return []string{"Authorization", "Cookie", "Proxy-Authorization"} }

// DeliveryID names a delivery: one event for one step of its webhook.
type DeliveryID struct {
	Event string
	Step  int // counted from 0
}

// String is the form that people and the API use: "<event id>/<step>".
func (d DeliveryID) String() string { return d.Event + "/" + strconv.Itoa(d.Step) }

// ParseDeliveryID reads the form that String writes.
func ParseDeliveryID(s string) (DeliveryID, error) {
	id, step, ok := strings.Cut(s, "/")
	n, err := strconv.Atoi(step)
	if !ok || id == "" || err != nil || n < 0 || n >= MaxSteps {
		return DeliveryID{}, fmt.Errorf("delivery %q: want <event id>/<step>, as in 0198c7a2-…/0", s)
	}
	return DeliveryID{Event: id, Step: n}, nil
}

// Delivery is one event for one destination: the unit that is retried.
type Delivery struct {
	ID          DeliveryID
	Webhook     string
	Destination string // name of the destination, as in "orders.rabbitmq"
	State       State
	// Attempts counts every attempt that was made, also those before a replay.
	Attempts int
	// Spent counts the attempts that the retry policy has to reckon with: those since the delivery was accepted or
	// replayed, without the ones that our own shutdown cut.
	Spent int
	// ReceivedAt is when the event was received, Since when this life of the delivery began: then, or at its replay.
	ReceivedAt, Since time.Time
	// NextAttemptAt is when a pending delivery is due; while it is leased, when the lease ends. Zero in other states.
	NextAttemptAt time.Time
	// Leased says that a worker has it now.
	Leased bool
	// EndedAt is when the delivery reached its terminal state; zero before.
	EndedAt time.Time
	// LastClass, LastCode and LastError tell how the last attempt failed; empty when none did.
	LastClass, LastCode, LastError string
}

// Attempt is one try of a delivery with its outcome.
type Attempt struct {
	Number    int // counted from 1 over the whole life of the delivery
	StartedAt time.Time
	Took      time.Duration
	// Outcome says what the attempt came to.
	Outcome Outcome
	// Class, Code and Error tell how it failed; empty for a success.
	Class, Code, Error string
	// Receipt is what the destination confirmed with, Response an excerpt of its answer (at most 4 KiB).
	Receipt, Response string
	// NextAttemptAt is when the next attempt was scheduled; zero when none was.
	NextAttemptAt time.Time
}

// Outcome is what an attempt came to.
type Outcome string

// The outcomes of an attempt.
const (
	OutcomeDelivered   Outcome = "delivered"
	OutcomeRetry       Outcome = "retry"       // failed, will be tried again
	OutcomeDead        Outcome = "dead"        // failed for good, or the last one allowed
	OutcomeInterrupted Outcome = "interrupted" // cut by our own shutdown or reload: not spent
)
