package ingress

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// longestKey is the longest value that is kept as it is; of a longer one its hash is kept.
const longestKey = 255

// dedupeKey gives what makes two requests the same event, with where it was found: equal values of different kinds are
// different events. It is empty when the request has nothing of the sort.
func (w *Webhook) dedupeKey(header http.Header, body []byte) string {
	if w.Dedupe.Off {
		return ""
	}
	for _, name := range w.Dedupe.Headers {
		if value := header.Get(name); value != "" {
			return key(http.CanonicalHeaderKey(name), value)
		}
	}
	if w.Dedupe.JSONPointer != "" && w.DataType == JSON {
		if value, ok := lookup(body, w.Dedupe.JSONPointer); ok && value != "" {
			return key(w.Dedupe.JSONPointer, value)
		}
	}
	if value := header.Get("Idempotency-Key"); value != "" {
		return key("Idempotency-Key", value)
	}
	if value := header.Get("Webhook-Id"); value != "" {
		return key("webhook-id", value)
	}
	return ""
}

func key(kind, value string) string {
	if len(value) <= longestKey {
		return kind + ":" + value
	}
	sum := sha256.Sum256([]byte(value))
	return kind + ":sha256:" + hex.EncodeToString(sum[:])
}
