package ingress

import (
	"slices"
	"strings"
)

const pathPrefix = "/webhook/"

// maxIDLength is the classic format's bound on a webhook id and on a namespace.
const maxIDLength = 64

// find gives the webhook of a path as it was sent: /webhook/{id} or /webhook/{namespace}/{id}. An escaped character is
// none that an id may have.
func (t *Table) find(escapedPath string) *Webhook {
	name, ok := strings.CutPrefix(escapedPath, pathPrefix)
	if !ok {
		return nil
	}
	if hook := t.Webhooks[name]; hook != nil {
		return hook
	}
	first, second, namespaced := strings.Cut(name, "/")
	if !validID(first) || namespaced && !validID(second) {
		return nil
	}
	return t.Webhooks[CatchAll]
}

// validID holds the rules of the classic format: what it refuses could never be called there. They matter for the
// catch-all, which takes every other id.
func validID(id string) bool {
	if id == "" || len(id) > maxIDLength || id[0] == '-' || id[0] == '_' {
		return false
	}
	for i := range len(id) {
		if !idByte(id[i]) || i > 0 && id[i] == id[i-1] && (id[i] == '-' || id[i] == '_') {
			return false
		}
	}
	return !reservedID(strings.ToLower(id))
}

func idByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

func reservedID(lower string) bool {
	for _, word := range []string{"internal", "system", "admin"} {
		if strings.HasPrefix(lower, word+"_") || strings.HasSuffix(lower, "_"+word) {
			return true
		}
	}
	return slices.Contains([]string{"stats", "health", "docs", "redoc", "api", "admin", "root", "system", "internal"}, lower)
}
