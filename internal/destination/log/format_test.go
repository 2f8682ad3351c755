package log

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/grapnel-dev/grapnel/internal/event"
)

// Whatever a sender sends, it is one line of text that does nothing to a terminal.
func FuzzLine(f *testing.F) {
	f.Add("application/json", `{"a":[{"password":"x"}],"b":"\u001b[31m\u2028"}`, true)
	f.Add("application/x-www-form-urlencoded", "token=%0a&b=\x1b", true)
	f.Add("text/plain", "a\r\nb\u202e\u009b", false)
	f.Add("\xff\n", "\xff\x00", false)
	f.Fuzz(func(t *testing.T, contentType, body string, redact bool) {
		e := &event.Event{ID: "1", Webhook: "orders", Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}
		got := line(e, redact)
		text, ended := bytes.CutSuffix(got, []byte("\n"))
		if !ended || !utf8.Valid(text) || strings.IndexFunc(string(text), active) >= 0 {
			t.Errorf("%q", got)
		}
	})
}
