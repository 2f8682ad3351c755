package sqlite

import (
	"bytes"
	"maps"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestID(t *testing.T) {
	for id, size := range map[string]int{
		"0198c7a2-0000-7000-8000-00000000000a":  16,
		"0198C7A2-0000-7000-8000-00000000000A":  36, // another text than the one that would be read back
		"0198c7a2-0000-7000-8000-00000000000x":  36,
		"0198c7a2x0000-7000-8000-00000000000a":  36,
		"0198c7a2-0000-7000-8000-00000000000a0": 37,
		"e1":                                    2,
	} {
		stored := encodeID(id)
		if len(stored) != size || decodeID(stored) != id {
			t.Errorf("%q is stored in %d bytes and read as %q, want %d bytes", id, len(stored), decodeID(stored), size)
		}
	}
}

func FuzzHeader(f *testing.F) {
	for _, h := range []http.Header{{}, {"A": {"b", ""}}, {"": {"\xff"}}, {"Content-Type": {"application/json"}, "X": {"1"}}} {
		f.Add(encodeHeader(h))
	}
	f.Add([]byte{0x80})
	f.Add([]byte{1, 'A', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, stored []byte) {
		h, err := decodeHeader(bytes.Clone(stored))
		if err != nil {
			return
		}
		maps.DeleteFunc(h, func(name string, _ []string) bool { return len(encodeHeader(http.Header{name: {""}})) == 0 })
		again, err := decodeHeader(encodeHeader(h))
		if err != nil || !cmp.Equal(h, again) {
			t.Errorf("%v was read as %v, %v", h, again, err)
		}
	})
}
