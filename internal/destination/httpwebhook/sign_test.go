package httpwebhook

import (
	"testing"

	"github.com/grapnel-dev/grapnel/internal/secret"
)

// The vector of the Standard Webhooks libraries.
func TestSignatureVector(t *testing.T) {
	sign := &Sign{Secret: secret.New("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}
	keys, err := sign.keys()
	if err != nil {
		t.Fatal(err)
	}
	got := signature(keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}
