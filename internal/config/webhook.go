package config

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/config/document"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/units"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

// Webhook is one endpoint: who may send to it, what it accepts, and where its events go.
type Webhook struct {
	// ID is the key the webhook has in the configuration: "orders" or "shop/orders".
	ID string `yaml:"-"`
	// DataType is what a body must be: json is parsed, whatever its Content-Type; form, xml and text must have theirs and
	// be well-formed; blob is any bytes.
	DataType DataType `yaml:"data_type" enum:"json|blob|form|xml|text"`
	// Respond is when the sender is answered.
	Respond Respond `yaml:"respond"`
	// Dedupe is how a repetition of the same event is recognised.
	Dedupe Dedupe `yaml:"dedupe"`
	// Limits bound the bodies that are accepted.
	Limits Limits `yaml:"limits"`

	// Verifiers are the checks a request must pass, all of them. A webhook without any accepts everybody; Load warns.
	Verifiers []Verifier `yaml:"-"`
	// RequestLimit bounds how many requests are accepted; nil is no limit. It is the webhook's key rate_limit when that
	// is an object; a number or "100/m" there is the rate of deliveries instead.
	RequestLimit *RequestLimit `yaml:"-"`
	// Chain is the rule by which the steps depend on each other.
	Chain event.Chain `yaml:"-"`
	// Steps are the destinations, at least one.
	Steps []Step `yaml:"-"`

	node *document.Node // what it was read from
}

// DataType is what the body of a request must be.
type DataType string

// The data types.
const (
	JSON DataType = "json"
	Blob DataType = "blob"
	Form DataType = "form"
	XML  DataType = "xml"
	Text DataType = "text"
)

// Respond is when a sender is answered. The event is durable before, in any case.
type Respond struct {
	// Within is how long the answer may wait for the deliveries; 0 answers as soon as the event is durable.
	Within units.Duration `yaml:"within" range:"0s..5m"`
}

// Dedupe is how two requests are recognised as the same event. The key is the first that a request has of: the
// configured header, the value at the JSON pointer, Idempotency-Key, webhook-id.
type Dedupe struct {
	// Enabled says whether repetitions are recognised.
	Enabled bool `yaml:"enabled"`
	// Header is a request header whose value names the event, as X-GitHub-Delivery does.
	Header string `yaml:"header"`
	// JSONPointer is where in the body the event's name stands (RFC 6901), as in /id.
	JSONPointer string `yaml:"json_pointer"`
	// Window is how long an event is remembered.
	Window units.Duration `yaml:"window" range:"1s..90d"`
}

// Limits bound the bodies that are accepted.
type Limits struct {
	// Body is the largest body.
	Body units.Size `yaml:"body" range:"1..1GiB"`
	// Depth is how deep the objects and arrays of a JSON body may nest.
	Depth int `yaml:"depth" range:"1..1000"`
	// String is the longest string in a JSON body, in bytes.
	String units.Size `yaml:"string" range:"1..1GiB"`
}

// RequestLimit bounds how many requests a webhook accepts; beyond it senders get 429 with Retry-After.
type RequestLimit struct {
	// MaxRequests is how many requests are accepted in a window.
	MaxRequests int `yaml:"max_requests" range:"1..1000000000"`
	// Window is the length of a window; a number is seconds.
	Window units.Duration `yaml:"window_seconds" range:"1s..30d"`
}

// Verifier is one check a request must pass, with its configuration.
type Verifier struct {
	// Name is the method's, as in "hmac".
	Name   string
	Config verify.Config

	node *document.Node
}

func defaultWebhook() Webhook {
	return Webhook{
		DataType: JSON,
		Respond:  Respond{Within: seconds(4)},
		Dedupe:   Dedupe{Enabled: true, Window: days(7)},
		Limits:   Limits{Body: 10 << 20, Depth: 50, String: 1 << 20},
	}
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// Validate checks what names the event.
func (d Dedupe) Validate() error {
	if d.Header != "" && !headerName.MatchString(d.Header) {
		return fmt.Errorf("header: %q is not the name of a header", d.Header)
	}
	if d.JSONPointer != "" && !strings.HasPrefix(d.JSONPointer, "/") {
		return fmt.Errorf("json_pointer: %q must begin with a slash, as in /id or /data/order/id (RFC 6901)", d.JSONPointer)
	}
	return nil
}
