package httpwebhook

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/grapnel-dev/grapnel/internal/destination"
)

// Whatever a server answers, what is kept of it is text within the limit and without our secrets.
func FuzzClean(f *testing.F) {
	const secret = "token-5f1d0a"
	s := &sender{redact: strings.NewReplacer(secret, "[redacted]")}
	f.Add("thank you")
	f.Add("a\xff\x00\x1b[31m" + secret)
	f.Add(strings.Repeat("é\xff", 5000))
	f.Add("token-5f\x001d0a")
	f.Fuzz(func(t *testing.T, answer string) {
		got := s.clean(answer)
		control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
		if len(got) > destination.ResponseLimit || !utf8.ValidString(got) || strings.ContainsFunc(got, control) || strings.Contains(got, secret) {
			t.Errorf("kept %q", got)
		}
	})
}
