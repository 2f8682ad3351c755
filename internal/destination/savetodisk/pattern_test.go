package savetodisk

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/event"
)

// Whatever an event is called, its file lies in the directory that the pattern names.
func FuzzNames(f *testing.F) {
	f.Add("0198c7a2-0000-7000-8000-000000000001", "shop/orders", "application/json")
	f.Add("..", "..", "")
	f.Add("../../etc/passwd\x00", "\\..\\x", "text/../x")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, id, webhook, contentType string) {
		e := &event.Event{ID: id, Webhook: webhook, Header: map[string][]string{"Content-Type": {contentType}}}
		for _, format := range []string{formatRaw, formatJSON} {
			name := pattern{dir: "in", text: "{date}/x-{webhook}-{id}.{ext}", format: format}.expand(e)
			if !filepath.IsLocal(name) || !strings.HasPrefix(name, "in/0001-01-01/x-") || strings.Count(name, "/") != 2 ||
				strings.ContainsAny(name, "\\\x00") {
				t.Errorf("file %q", name)
			}
		}
	})
}
