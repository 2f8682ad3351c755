package ingress

import (
	"strings"

	"github.com/grapnel-dev/grapnel/internal/event"
)

const pathPrefix = "/webhook/"

// find gives the webhook of a path as it was sent: /webhook/{id} or /webhook/{namespace}/{id}. An escaped character is
// none that an id may have. The rules of ids matter for the catch-all, which takes every other id.
func (t *Table) find(escapedPath string) *Webhook {
	id, ok := strings.CutPrefix(escapedPath, pathPrefix)
	if !ok {
		return nil
	}
	if hook := t.Webhooks[id]; hook != nil {
		return hook
	}
	if event.CheckWebhookID(id) != nil {
		return nil
	}
	return t.Webhooks[CatchAll]
}
