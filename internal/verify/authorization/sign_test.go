package authorization

import (
	"net/http"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

func TestWhatSignSignsIsAccepted(t *testing.T) {
	config := Config{secret.New("Bearer not-a-secret-made-for-tests"), secret.New("an older one")}
	request := &verify.Request{Header: http.Header{}}
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
}
