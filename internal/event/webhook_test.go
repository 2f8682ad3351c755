package event

import (
	"strings"
	"testing"
)

func TestWebhookIDs(t *testing.T) {
	longest := strings.Repeat("a", 64)
	for _, id := range []string{"a", "0", "shop/orders", "Orders-2_x", "adminx", "sys", "x-admin", "apis", longest} {
		t.Run("an id may be "+id, func(t *testing.T) {
			if err := CheckWebhookID(id); err != nil {
				t.Error(err)
			}
		})
	}
	for _, id := range []string{
		"", "-a", "_a", "a--b", "a__b", "a.b", "a b", "a%62", "é", "stats", "Health", "ADMIN", "internal_a",
		"System_a", "admin_a", "a_internal", "a_SYSTEM", "a_admin", "a/", "/a", "a/b/c", "shop/admin", longest + "a",
	} {
		t.Run("an id may not be "+id, func(t *testing.T) {
			if CheckWebhookID(id) == nil {
				t.Error("taken")
			}
		})
	}
}
