package hmac

import (
	"net/http"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

func TestWhatSignSignsIsAccepted(t *testing.T) {
	tests := map[string]Config{
		"in hexadecimal":    {Header: "X-Signature", Algorithm: SHA256, Encoding: Hex},
		"in base64":         {Header: "X-Signature", Algorithm: SHA1, Encoding: Base64},
		"behind a prefix":   {Header: "X-Signature", Algorithm: SHA512, Encoding: Hex, Prefix: "v1="},
		"by the first key":  {Header: "X-Signature", Algorithm: SHA256, Encoding: Hex, Secrets: []secret.Value{secret.New("an older one")}},
		"with the raw body": {Header: "x-signature", Algorithm: SHA256, Encoding: Hex},
	}
	for name, config := range tests {
		t.Run(name, func(t *testing.T) {
			config.Secret = secret.New("not-a-secret-made-for-tests")
			request := &verify.Request{Header: http.Header{}, Body: []byte(`{"a": 1}`)}
			if err := config.Sign(request); err != nil {
				t.Fatal(err)
			}
			verifier, err := config.Open()
			if err != nil {
				t.Fatal(err)
			}
			if err := verifier.Verify(t.Context(), request); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("without a secret nothing is signed", func(t *testing.T) {
		config := Config{Header: "X-Signature", Algorithm: SHA256, Encoding: Hex}
		if err := config.Sign(&verify.Request{Header: http.Header{}}); err == nil {
			t.Error("it was")
		}
	})
}
