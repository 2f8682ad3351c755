package event

import "testing"

func TestDeliveryID(t *testing.T) {
	t.Run("what String writes can be read again", func(t *testing.T) {
		want := DeliveryID{Event: "0198c7a2-0000-7000-8000-000000000000", Step: 3}
		if got, err := ParseDeliveryID(want.String()); err != nil || got != want {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	})
	for _, bad := range []string{"", "id", "id/", "/1", "id/x", "id/-1", "id/20"} {
		t.Run("refuses "+bad, func(t *testing.T) {
			if got, err := ParseDeliveryID(bad); err == nil {
				t.Errorf("read as %v", got)
			}
		})
	}
}

func TestStateNames(t *testing.T) {
	for _, want := range States() {
		var got State
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Errorf("%v was read as %v, %v", want, got, err)
		}
	}
}
