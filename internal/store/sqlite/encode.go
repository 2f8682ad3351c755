package sqlite

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"

	"github.com/grapnel-dev/grapnel/internal/event"
)

// stepBits is how far an event's number is shifted in the keys of its deliveries.
const stepBits = 5

func keyOf(seq int64, step int) int64 { return seq<<stepBits | int64(step) }

// keysOf are the first and the last key that deliveries of an event can have.
func keysOf(seq int64) (first, last int64) { return keyOf(seq, 0), keyOf(seq, 1<<stepBits-1) }

func seqOf(key int64) int64 { return key >> stepBits }

func stepOf(key int64) int { return int(key & (1<<stepBits - 1)) }

// encodeID gives the stored form of an event's id: the 16 bytes of a UUID in its usual text form, any other as it is.
func encodeID(id string) []byte {
	var packed [16]byte
	if len(id) != 36 {
		return []byte(id)
	}
	digits := []byte(id[:8] + id[9:13] + id[14:18] + id[19:23] + id[24:])
	if _, err := hex.Decode(packed[:], digits); err != nil || decodeID(packed[:]) != id {
		return []byte(id)
	}
	return packed[:]
}

// decodeID reads what encodeID wrote. No text form of an id is 16 bytes long, but for foreign ones that are kept as they
// are: see refuseID.
func decodeID(stored []byte) string {
	if len(stored) != 16 {
		return string(stored)
	}
	var text [36]byte
	hex.Encode(text[:], stored[:4])
	hex.Encode(text[9:], stored[4:6])
	hex.Encode(text[14:], stored[6:8])
	hex.Encode(text[19:], stored[8:10])
	hex.Encode(text[24:], stored[10:])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

var errHeader = errors.New("a stored header is damaged")

// encodeHeader writes names and values with their lengths, byte for byte, without the secret ones: ingress has removed
// those already, and they must not be stored whoever calls.
func encodeHeader(h http.Header) []byte {
	secret := event.SecretHeaders()
	out := make([]byte, 0, 512)
	for name, values := range h {
		if slices.Contains(secret, http.CanonicalHeaderKey(name)) {
			continue
		}
		for _, value := range values {
			out = append(binary.AppendUvarint(out, uint64(len(name))), name...)
			out = append(binary.AppendUvarint(out, uint64(len(value))), value...)
		}
	}
	return out
}

// decodeHeader reads what encodeHeader wrote.
func decodeHeader(stored []byte) (http.Header, error) {
	h := http.Header{}
	for len(stored) > 0 {
		name, rest, ok := cutString(stored)
		if !ok {
			return nil, errHeader
		}
		value, rest, ok := cutString(rest)
		if !ok {
			return nil, errHeader
		}
		h[name] = append(h[name], value)
		stored = rest
	}
	return h, nil
}

func cutString(b []byte) (string, []byte, bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return "", nil, false
	}
	return string(b[size : size+int(n)]), b[size+int(n):], true
}
