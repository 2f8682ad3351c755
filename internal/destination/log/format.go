package log

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/grapnel-dev/grapnel/internal/event"
)

// What is longer than these many bytes is cut, with a note: one text within a body, and a whole body.
const (
	maxText = 10_000
	maxBody = 64 << 10
)

// line is an event as a single line: control characters are escaped, so that no sender can forge a second one.
func line(e *event.Event, redact bool) []byte {
	headers, body := encode(headerValues(e.Header, redact), ""), bodyText(e, redact, "")
	return fmt.Appendf(nil, "%s webhook=%s event=%s headers=%s body=%s\n",
		e.ReceivedAt.UTC().Format(time.RFC3339Nano), inert(e.Webhook), inert(e.ID), inert(headers), inert(body))
}

// block is an event as several lines for people.
func block(e *event.Event, redact bool) []byte {
	rule := strings.Repeat("=", 80)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nWEBHOOK RECEIVED  %s  %s  %s\n%s\n\nHeaders:\n", rule, inert(e.Webhook), inert(e.ID),
		e.ReceivedAt.UTC().Format(time.RFC3339Nano), rule)
	writeIndented(&b, encode(headerValues(e.Header, redact), "  "))
	b.WriteString("\nBody:\n")
	writeIndented(&b, bodyText(e, redact, "  "))
	b.WriteString(rule + "\n")
	return b.Bytes()
}

// writeIndented keeps every line of a sender's text away from the left margin, where our own headings are.
func writeIndented(b *bytes.Buffer, text string) {
	for part := range strings.Lines(text) {
		b.WriteString("  " + inert(strings.TrimSuffix(part, "\n")) + "\n")
	}
}

func headerValues(header http.Header, redact bool) map[string]any {
	values := make(map[string]any, len(header))
	for name, value := range header {
		values[name] = strings.Join(value, ", ")
	}
	return visible(values, redact).(map[string]any) //nolint:forcetypeassert // a map stays a map
}

// bodyText shows a body as what it is: JSON, a form, text, or bytes. Text in which nothing is to be changed stays as it
// was sent.
func bodyText(e *event.Event, redact bool, indent string) string {
	if redact || indent != "" {
		if value, ok := parseJSON(e.Body); ok {
			return cut(encode(visible(value, redact), indent), maxBody)
		}
	}
	kind, _, _ := mime.ParseMediaType(e.ContentType())
	switch {
	case redact && kind == "application/x-www-form-urlencoded":
		return cut(formText(string(e.Body)), maxBody)
	case utf8.Valid(e.Body):
		return cut(string(e.Body), maxBody)
	default:
		return bytesText(e.Body)
	}
}

func parseJSON(body []byte) (value any, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber() // numbers are shown as they were written
	if decoder.Decode(&value) != nil {
		return nil, false
	}
	_, err := decoder.Token()
	return value, errors.Is(err, io.EOF) // nothing may follow
}

func encode(value any, indent string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprintf("[cannot be shown: %v]", err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// formText writes a form with its fields in order of their names.
func formText(body string) string {
	form, err := url.ParseQuery(body)
	if err != nil {
		return "[not a form]"
	}
	var fields []string
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			if sensitive(name) {
				value = redacted
			}
			fields = append(fields, name+"="+cut(value, maxText))
		}
	}
	return strings.Join(fields, "&")
}

func bytesText(body []byte) string {
	const shown = 256
	return fmt.Sprintf("[%d bytes, hex: %s]", len(body), cut(hex.EncodeToString(body), 2*shown))
}

// visible gives a decoded JSON value with secrets redacted and long texts cut.
func visible(value any, redact bool) any {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if redact && sensitive(key) {
				v[key] = redacted
				continue
			}
			v[key] = visible(inner, redact)
		}
	case []any:
		for i := range v {
			v[i] = visible(v[i], redact)
		}
	case string:
		return cut(v, maxText)
	}
	return value
}

// cut shortens a text to at most so many bytes, at the border of a character.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return fmt.Sprintf("%s… [%d more bytes]", text[:limit], len(text)-limit)
}

// inert escapes what a terminal or a reader of lines would act upon: control characters, line separators and the marks
// that turn the direction of writing. What is not UTF-8 becomes U+FFFD.
func inert(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	if strings.IndexFunc(text, active) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if active(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func active(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || unicode.Is(unicode.Bidi_Control, r)
}
