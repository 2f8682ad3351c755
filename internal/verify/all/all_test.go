package all

import "testing"

func TestMethods(t *testing.T) {
	seen := map[string]bool{}
	for _, method := range Methods() {
		t.Run(method.Name, func(t *testing.T) {
			if seen[method.Name] {
				t.Error("two methods have this name")
			}
			seen[method.Name] = true
			if err := method.Config().Validate(); err == nil {
				t.Error("a configuration about which nothing is written is valid: it would let everybody in")
			}
		})
	}
}
