package verifytest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/verify"
)

// denies sends requests that are authentic but for one thing.
func (s Suite) denies(t *testing.T) {
	verifier := open(t, s.Configure(first))
	for name, spoil := range s.spoilers() {
		t.Run(name, func(t *testing.T) {
			request := s.Prove(first, body())
			spoil(request)
			s.mustDeny(t, verifier, request)
		})
	}
	t.Run("another secret", func(t *testing.T) { s.mustDeny(t, verifier, s.Prove(second, body())) })
	t.Run("a secret of which the end is missing", func(t *testing.T) {
		s.mustDeny(t, verifier, s.Prove(first[:len(first)-1], body()))
	})
	t.Run("no header is called missing", func(t *testing.T) {
		request := s.Prove(first, body())
		request.Header.Del(s.Header)
		if denied, ok := verify.AsDenied(verifier.Verify(t.Context(), request)); !ok || denied.Reason != verify.Missing {
			t.Errorf("called %v", denied)
		}
	})
	t.Run("a flipped bit anywhere in the proof", func(t *testing.T) { s.flipped(t, verifier) })
}

func (s Suite) flipped(t *testing.T, verifier verify.Verifier) {
	proof := s.Prove(first, body()).Header.Get(s.Header)
	for i := range len(proof) {
		changed := []byte(proof)
		changed[i] ^= 1
		request := s.Prove(first, body())
		request.Header.Set(s.Header, string(changed))
		t.Run(fmt.Sprint("byte ", i), func(t *testing.T) { s.mustDeny(t, verifier, request) })
	}
}

type spoiler = func(*verify.Request)

func (s Suite) spoilers() map[string]spoiler {
	all := map[string]spoiler{
		"no header":                  func(r *verify.Request) { r.Header.Del(s.Header) },
		"an empty header":            s.proof(func(string) string { return "" }),
		"a blank header":             s.proof(func(string) string { return " " }),
		"the header twice":           func(r *verify.Request) { r.Header.Add(s.Header, r.Header.Get(s.Header)) },
		"a wrong header before it":   func(r *verify.Request) { r.Header[s.key()] = []string{"x", r.Header.Get(s.Header)} },
		"the proof twice in one":     s.proof(func(p string) string { return p + "," + p }),
		"a truncated proof":          s.proof(func(p string) string { return p[:len(p)-1] }),
		"a proof that goes on":       s.proof(func(p string) string { return p + "0" }),
		"a wrong prefix":             s.proof(func(p string) string { return "v0=" + p }),
		"a line break after it":      s.proof(func(p string) string { return p + "\n" }),
		"a line break within":        s.proof(func(p string) string { return p[:len(p)/2] + "\r\n" + p[len(p)/2:] }),
		"a zero byte after it":       s.proof(func(p string) string { return p + "\x00" }),
		"a header of many kilobytes": s.proof(func(p string) string { return p + strings.Repeat("0", 64<<10) }),
	}
	if s.SignsBody {
		maps.Copy(all, bodySpoilers())
	}
	switch s.Encoding {
	case Hex:
		maps.Copy(all, s.hexSpoilers())
	case Base64:
		maps.Copy(all, s.base64Spoilers())
	case Token:
	}
	return all
}

// key is the header's name as requests have it.
func (s Suite) key() string {
	for name := range s.Prove(first, nil).Header {
		if strings.EqualFold(name, s.Header) {
			return name
		}
	}
	return s.Header
}

func (s Suite) proof(change func(string) string) spoiler {
	return func(r *verify.Request) { r.Header.Set(s.Header, change(r.Header.Get(s.Header))) }
}

func bodySpoilers() map[string]spoiler {
	change := func(change func([]byte) []byte) spoiler {
		return func(r *verify.Request) { r.Body = change(bytes.Clone(r.Body)) }
	}
	return map[string]spoiler{
		"a flipped bit in the body":          change(func(b []byte) []byte { b[3] ^= 1; return b }),
		"another body":                       change(func([]byte) []byte { return []byte("{}") }),
		"no body":                            change(func([]byte) []byte { return nil }),
		"a truncated body":                   change(func(b []byte) []byte { return b[:len(b)-1] }),
		"a body that goes on":                change(func(b []byte) []byte { return append(b, '\n') }),
		"a body with other line breaks":      change(func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")) }),
		"a body that was serialised again":   change(func([]byte) []byte { return []byte(`{"id":7,"name":"\u00e9t\u00e9 \u003c\u0026\u003e"}`) }),
		"a body with a byte order mark more": change(func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) }),
	}
}

func (s Suite) hexSpoilers() map[string]spoiler {
	return map[string]spoiler{
		"an odd number of digits": s.proof(func(p string) string { return p[1:] }),
		"base64 instead of hex":   s.proof(fromHex(base64.StdEncoding.EncodeToString)),
		"a letter that is none":   s.proof(func(p string) string { return p[:len(p)-1] + "g" }),
	}
}

func (s Suite) base64Spoilers() map[string]spoiler {
	return map[string]spoiler{
		"hex instead of base64":     s.proof(fromBase64(hex.EncodeToString)),
		"base64 without padding":    s.proof(func(p string) string { return strings.TrimRight(p, "=") }),
		"base64 for URLs":           s.proof(func(p string) string { return strings.NewReplacer("+", "-", "/", "_").Replace(p) }),
		"a character that is none":  s.proof(func(p string) string { return "*" + p[1:] }),
		"more padding than is due":  s.proof(func(p string) string { return p + "=" }),
		"the shortest that decodes": s.proof(func(string) string { return "AA==" }),
		"spare bits that are set":   s.proof(setSpareBits),
	}
}

// setSpareBits writes the same bytes in another way: the last character before the padding has bits that count for
// nothing, and must be zero (RFC 4648 section 3.5).
func setSpareBits(proof string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	bare := strings.TrimRight(proof, "=")
	last := strings.IndexByte(alphabet, bare[len(bare)-1])
	return bare[:len(bare)-1] + alphabet[last+1:last+2] + proof[len(bare):]
}

func fromHex(encode func([]byte) string) func(string) string {
	return func(proof string) string {
		raw, err := hex.DecodeString(proof[strings.LastIndexByte(proof, '=')+1:])
		if err != nil {
			return ""
		}
		return encode(raw)
	}
}

func fromBase64(encode func([]byte) string) func(string) string {
	return func(proof string) string {
		raw, err := base64.StdEncoding.DecodeString(proof)
		if err != nil {
			return ""
		}
		return encode(raw)
	}
}
