package event

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// MaxWebhookID is how long a webhook's id and its namespace may be, each.
const MaxWebhookID = 64

var wellFormedID = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]*$`)

// CheckWebhookID says what is wrong with a webhook's id, "orders" or "shop/orders". The rules are those of the classic format,
// where an id that breaks them could be configured but never called.
func CheckWebhookID(id string) error {
	namespace, rest, namespaced := strings.Cut(id, "/")
	if !namespaced {
		return checkIDPart(id)
	}
	if err := checkIDPart(namespace); err != nil {
		return err
	}
	return checkIDPart(rest)
}

func checkIDPart(id string) error {
	lower := strings.ToLower(id)
	switch {
	case len(id) > MaxWebhookID:
		return fmt.Errorf("the id is %d characters long: want at most %d", len(id), MaxWebhookID)
	case !wellFormedID.MatchString(id):
		return fmt.Errorf("the id %q must begin with a letter or a digit and have only letters, digits, - and _", id)
	case strings.Contains(id, "--"), strings.Contains(id, "__"):
		return fmt.Errorf("the id %q must not have -- or __ in it", id)
	case slices.Contains(reservedIDs(), lower):
		return fmt.Errorf("the id %q is reserved: choose another", id)
	}
	for _, word := range []string{"internal", "system", "admin"} {
		if strings.HasPrefix(lower, word+"_") || strings.HasSuffix(lower, "_"+word) {
			return fmt.Errorf("the id %q is reserved, as all are that begin with %s_ or end in _%s: choose another", id, word, word)
		}
	}
	return nil
}

func reservedIDs() []string {
	return []string{"stats", "health", "docs", "openapi.json", "redoc", "api", "admin", "root", "system", "internal", "favicon.ico", "robots.txt"}
}
