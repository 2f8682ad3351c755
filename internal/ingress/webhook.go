package ingress

import (
	"net/netip"
	"time"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

// CatchAll is the id of the webhook that takes the events of ids that no other one has, if there is one of that name.
const CatchAll = "default"

// Webhook is one endpoint, ready to receive. It is not changed once it is part of a Table.
type Webhook struct {
	// ID is the name it has in paths, metrics and events: "orders", or "shop/orders" with a namespace.
	ID string
	// Verifiers must all accept a request. Without any, everybody may send.
	Verifiers []verify.Verifier
	DataType  DataType
	Limits    Limits
	Dedupe    Dedupe
	Rate      Rate
	// Within is how long the answer waits for the deliveries; 0 answers as soon as the event is durable.
	Within time.Duration
	// Retries says that at least one step is tried again after a failure: such a webhook answers 200 only for what is
	// delivered, and 202 for the rest.
	Retries bool
	// Steps are the destinations in the order of the chain, at least one, and Chain the rule between them.
	Steps []string
	Chain event.Chain
}

// DataType is what the body of a request must be.
type DataType string

// The data types.
const (
	JSON DataType = "json" // a JSON text in UTF-8, whatever its content type
	Blob DataType = "blob" // any bytes
	Form DataType = "form" // application/x-www-form-urlencoded or multipart/form-data
	XML  DataType = "xml"  // well-formed, without a document type
	Text DataType = "text" // text/*, valid in its charset
)

// Limits bound the bodies that are accepted.
type Limits struct {
	// Body is the largest body, in bytes.
	Body int64
	// Depth is how deep objects and arrays, or elements, may nest.
	Depth int
	// String is the longest string in a JSON body, in bytes as it is written there.
	String int
}

// Dedupe says what makes two requests the same event: the first that a request has of the Headers, the value at the
// JSONPointer, Idempotency-Key and webhook-id.
type Dedupe struct {
	Headers []string
	// JSONPointer is where in a JSON body the event's name stands (RFC 6901); empty: nowhere.
	JSONPointer string
	// Window is how long an event is remembered.
	Window time.Duration
	// Off takes every request for a new event.
	Off bool
}

// Table is all that a reload may change, at once. It is not changed once a Handler has it.
type Table struct {
	// Webhooks are the endpoints by id; that of CatchAll takes the ids that are not there.
	Webhooks map[string]*Webhook
	// PublicURL is the address senders know, without a slash at its end; providers sign it.
	PublicURL string
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// MaxInFlight bounds the bytes of all bodies of requests under way; 0 is no bound.
	MaxInFlight int64
}
