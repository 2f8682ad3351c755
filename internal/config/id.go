package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// maxID is how long a webhook's id and its namespace may be, each.
const maxID = 64

var wellFormed = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]*$`)

// checkID says what is wrong with a webhook's id, "orders" or "shop/orders". The rules are those of the classic format,
// where an id that breaks them could be configured but never called.
func checkID(id string) error {
	namespace, rest, namespaced := strings.Cut(id, "/")
	if !namespaced {
		return checkPart(id)
	}
	if err := checkPart(namespace); err != nil {
		return err
	}
	return checkPart(rest)
}

func checkPart(id string) error {
	lower := strings.ToLower(id)
	switch {
	case len(id) > maxID:
		return fmt.Errorf("the id is %d characters long: want at most %d", len(id), maxID)
	case !wellFormed.MatchString(id):
		return fmt.Errorf("the id %q must begin with a letter or a digit and have only letters, digits, - and _", id)
	case strings.Contains(id, "--"), strings.Contains(id, "__"):
		return fmt.Errorf("the id %q must not have -- or __ in it", id)
	case slices.Contains(reserved(), lower):
		return fmt.Errorf("the id %q is reserved: choose another", id)
	}
	for _, word := range []string{"internal", "system", "admin"} {
		if strings.HasPrefix(lower, word+"_") || strings.HasSuffix(lower, "_"+word) {
			return fmt.Errorf("the id %q is reserved, as all are that begin with %s_ or end in _%s: choose another", id, word, word)
		}
	}
	return nil
}

func reserved() []string {
	return []string{"stats", "health", "docs", "openapi.json", "redoc", "api", "admin", "root", "system", "internal", "favicon.ico", "robots.txt"}
}
