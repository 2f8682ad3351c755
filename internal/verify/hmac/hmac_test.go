package hmac

import (
	stdhmac "crypto/hmac"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/verify"
	"github.com/grapnel-dev/grapnel/internal/verify/verifytest"
)

const header = "X-HMAC-Signature"

func config(change func(*Config)) *Config {
	c := &Config{Header: header, Algorithm: SHA256, Encoding: Hex}
	change(c)
	return c
}

func request(name, value, body string) *verify.Request {
	return &verify.Request{Header: http.Header{http.CanonicalHeaderKey(name): {value}}, Body: []byte(body)}
}

func sign(t *testing.T, a Algorithm, e Encoding, key string, body []byte) string {
	t.Helper()
	newHash, err := a.hash()
	if err != nil {
		t.Fatal(err)
	}
	mac := stdhmac.New(newHash, []byte(key))
	mac.Write(body)
	if e == Base64 {
		return base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return hex.EncodeToString(mac.Sum(nil))
}

func suite(t *testing.T, a Algorithm, e Encoding, prefix string) verifytest.Suite {
	t.Helper()
	s := verifytest.Suite{Header: header, SignsBody: true, Encoding: verifytest.Hex}
	if e == Base64 {
		s.Encoding = verifytest.Base64
	}
	s.Configure = func(secrets ...string) verify.Config {
		return config(func(c *Config) {
			c.Algorithm, c.Encoding, c.Prefix = a, e, prefix
			for _, text := range secrets {
				c.Secrets = append(c.Secrets, secret.New(text))
			}
		})
	}
	s.Prove = func(key string, body []byte) *verify.Request {
		return request(header, prefix+sign(t, a, e, key, body), string(body))
	}
	return s
}

func TestHMAC(t *testing.T) {
	t.Run("sha256 in hex", func(t *testing.T) {
		s := suite(t, SHA256, Hex, "")
		s.Vectors = vectors()
		verifytest.Run(t, s)
	})
	t.Run("sha256 in base64", func(t *testing.T) { verifytest.Run(t, suite(t, SHA256, Base64, "")) })
	t.Run("sha1 in hex", func(t *testing.T) { verifytest.Run(t, suite(t, SHA1, Hex, "")) })
	t.Run("sha512 in base64", func(t *testing.T) { verifytest.Run(t, suite(t, SHA512, Base64, "")) })
	t.Run("with a prefix", func(t *testing.T) { verifytest.Run(t, suite(t, SHA256, Hex, "v1=")) })
}

func vectors() []verifytest.Vector {
	key := func(text string, change func(*Config)) *Config {
		return config(func(c *Config) { c.Secret = secret.New(text); change(c) })
	}
	const its = "It's a Secret to Everybody"
	return []verifytest.Vector{
		{
			Source: "GitHub, docs.github.com, validating webhook deliveries",
			Config: key(its, func(c *Config) { c.Header = "X-Hub-Signature-256" }),
			Request: request("X-Hub-Signature-256",
				"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", "Hello, World!"),
		},
		{
			Source: "Bitbucket, support.atlassian.com, manage webhooks",
			Config: key(its, func(c *Config) { c.Header, c.Prefix = "X-Hub-Signature", "sha256=" }),
			Request: request("X-Hub-Signature",
				"sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9", "Hello World!"),
		},
		{
			Source:  "Shopify, go-shopify (third party)",
			Config:  key("hush", func(c *Config) { c.Header, c.Encoding = "X-Shopify-Hmac-SHA256", Base64 }),
			Request: request("X-Shopify-Hmac-SHA256", "hMTq0K2x7oyOjoBwGYeTj5oxfnaVYXzbanUG9aajpKI=", `"my secret message"`),
		},
	}
}

func TestPrefixes(t *testing.T) {
	good := sign(t, SHA256, Hex, "key", []byte("body"))
	tests := []struct {
		rule, prefix, sent string
		accepted           bool
	}{
		{"the bare signature is accepted", "", good, true},
		{"the algorithm may stand before it", "", "sha256=" + good, true},
		{"hexadecimal digits may be capitals", "", strings.ToUpper(good), true},
		{"another algorithm may not stand before it", "", "sha1=" + good, false},
		{"capitals are another prefix", "", "SHA256=" + good, false},
		{"the prefix stands there once", "", "sha256=sha256=" + good, false},
		{"a configured prefix is accepted", "v1=", "v1=" + good, true},
		{"a configured prefix must be there", "v1=", good, false},
		{"a configured prefix replaces the algorithm's", "v1=", "sha256=" + good, false},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			verifier, err := config(func(c *Config) { c.Secret, c.Prefix = secret.New("key"), test.prefix }).Open()
			if err != nil {
				t.Fatal(err)
			}
			if err := verifier.Verify(t.Context(), request(header, test.sent, "body")); err == nil != test.accepted {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestConfiguration(t *testing.T) {
	t.Run("the algorithm may be written in capitals", func(t *testing.T) {
		var a Algorithm
		if err := a.UnmarshalText([]byte("SHA512")); err != nil || a != SHA512 {
			t.Errorf("got %q, %v", a, err)
		}
	})
	t.Run("secret and secrets are both accepted", func(t *testing.T) {
		c := config(func(c *Config) { c.Secret, c.Secrets = secret.New("new"), []secret.Value{secret.New("old")} })
		verifier, err := c.Open()
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"new", "old"} {
			if err := verifier.Verify(t.Context(), request(header, sign(t, SHA256, Hex, key, nil), "")); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		}
	})
	refused := map[string]func(*Config){
		"an unknown algorithm": func(c *Config) { c.Algorithm = "md5" },
		"an unknown encoding":  func(c *Config) { c.Encoding = "base32" },
		"no header":            func(c *Config) { c.Header = "" },
	}
	for name, change := range refused {
		t.Run("refuses "+name, func(t *testing.T) {
			if _, err := config(func(c *Config) { c.Secret = secret.New("key"); change(c) }).Open(); err == nil {
				t.Error("it was taken")
			}
		})
	}
}

// Whatever stands in the header, only the signature itself is accepted.
func FuzzSignature(f *testing.F) {
	body := []byte("body")
	verifiers := map[Encoding]verify.Verifier{}
	for _, encoding := range []Encoding{Hex, Base64} {
		verifier, err := config(func(c *Config) { c.Secret, c.Encoding = secret.New("key"), encoding }).Open()
		if err != nil {
			f.Fatal(err)
		}
		verifiers[encoding] = verifier
	}
	newHash, err := SHA256.hash()
	if err != nil {
		f.Fatal(err)
	}
	mac := stdhmac.New(newHash, []byte("key"))
	mac.Write(body)
	inHex, inBase64 := hex.EncodeToString(mac.Sum(nil)), base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for _, seed := range []string{inHex, inBase64, "sha256=" + inHex, "", "=", "sha256=", inHex[1:], inBase64 + "\n", "AA=="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		bare := strings.TrimPrefix(text, "sha256=")
		if verifiers[Hex].Verify(t.Context(), request(header, text, "body")) == nil && !strings.EqualFold(bare, inHex) {
			t.Errorf("accepted %q", text)
		}
		if verifiers[Base64].Verify(t.Context(), request(header, text, "body")) == nil && bare != inBase64 {
			t.Errorf("accepted %q", text)
		}
	})
}
