// Package secret holds the type of configuration values that must never be shown.
//
// It knows nothing of where a secret is used. Every way of printing one gives "[redacted]".
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// Redacted is what stands where a secret would.
const Redacted = "[redacted]"

// Value is a secret. The zero Value is empty: whoever needs a secret refuses it (fail closed).
//
// The text is behind a pointer because package fmt does not call the methods of unexported fields: it would print the
// text of a secret inside another struct.
type Value struct{ text *string }

// New makes a secret of a text.
func New(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{text: &text}
}

// Empty says whether there is no secret.
func (v Value) Empty() bool { return v.text == nil }

// Reveal gives the secret itself: call it where the secret is used and nowhere else.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// Equal compares in a time that depends on neither the content nor the length of the secret. An empty secret equals
// nothing.
func (v Value) Equal(given string) bool {
	want, got := sha256.Sum256([]byte(v.Reveal())), sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(want[:], got[:]) == 1 && !v.Empty()
}

// UnmarshalText takes the text itself, or the content of the file that "file:/path" names without its last line break.
// An empty or unreadable file is an error, so that a secret that was not mounted is noticed at the start.
func (v *Value) UnmarshalText(text []byte) error {
	path, isFile := strings.CutPrefix(string(text), "file:")
	if !isFile {
		*v = New(string(text))
		return nil
	}
	content, err := os.ReadFile(path) //nolint:gosec // the operator names the file in the configuration
	if err != nil {
		return fmt.Errorf("secret file: %w", err)
	}
	*v = New(strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r"))
	if v.Empty() {
		return fmt.Errorf("secret file %s is empty", path)
	}
	return nil
}

// String prints the placeholder, or nothing for an empty secret.
func (v Value) String() string {
	if v.Empty() {
		return ""
	}
	return Redacted
}

// GoString keeps %#v from printing the secret.
func (v Value) GoString() string { return fmt.Sprintf("secret.Value(%q)", v.String()) }

// Format keeps every other verb from printing the secret.
func (v Value) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, v.String()) }

// LogValue keeps loggers from printing the secret.
func (v Value) LogValue() slog.Value { return slog.StringValue(v.String()) }

// MarshalText writes the placeholder.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }
