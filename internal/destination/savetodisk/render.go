package savetodisk

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/grapnel-dev/grapnel/internal/event"
)

// render gives the function that makes the content of a file.
func (c *Config) render() func(*event.Event) ([]byte, error) {
	if c.Format == formatJSON {
		return envelope
	}
	return func(e *event.Event) ([]byte, error) { return e.Body, nil }
}

// envelope is an event as a JSON object. The body is a text in it, so that its bytes can be had back exactly.
func envelope(e *event.Event) ([]byte, error) {
	object := struct {
		ID         string      `json:"id"`
		Webhook    string      `json:"webhook"`
		ReceivedAt time.Time   `json:"received_at"`
		Method     string      `json:"method"`
		URL        string      `json:"url"`
		Headers    http.Header `json:"headers"`
		Body       *string     `json:"body,omitempty"`
		BodyBase64 []byte      `json:"body_base64,omitempty"`
	}{ID: e.ID, Webhook: e.Webhook, ReceivedAt: e.ReceivedAt.UTC(), Method: e.Method, URL: e.URL, Headers: e.Header}
	if utf8.Valid(e.Body) {
		object.Body = new(string(e.Body))
	} else {
		object.BodyBase64 = e.Body
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(object)
	return b.Bytes(), err
}
