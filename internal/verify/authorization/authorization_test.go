package authorization

import (
	"net/http"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/verify"
	"github.com/grapnel-dev/grapnel/internal/verify/verifytest"
)

func configure(prefix string) func(secrets ...string) verify.Config {
	return func(secrets ...string) verify.Config {
		c := Config{}
		for _, s := range secrets {
			c = append(c, secret.New(prefix+s))
		}
		return &c
	}
}

func request(value string) *verify.Request {
	return &verify.Request{Header: http.Header{"Authorization": {value}}}
}

func prove(prefix string) func(secret string, body []byte) *verify.Request {
	return func(secret string, body []byte) *verify.Request {
		r := request(prefix + secret)
		r.Body = body
		return r
	}
}

func TestBearerTokens(t *testing.T) {
	verifytest.Run(t, verifytest.Suite{Configure: configure("Bearer "), Prove: prove("Bearer "), Header: "Authorization"})
}

func TestPlainValues(t *testing.T) {
	verifytest.Run(t, verifytest.Suite{Configure: configure(""), Prove: prove(""), Header: "Authorization"})
}

func TestWhatIsSent(t *testing.T) {
	tests := []struct {
		rule, configured, sent string
		want                   verify.Reason // empty: accepted
	}{
		{"the value itself is accepted", "Bearer t", "Bearer t", ""},
		{"blanks after the value do not matter", "Bearer t", "Bearer t \t", ""},
		{"the scheme is compared as it is written", "Bearer t", "bearer t", verify.Malformed},
		{"a token without its scheme is malformed", "Bearer t", "t", verify.Malformed},
		{"a scheme without a token is malformed", "Bearer t", "Bearer ", verify.Malformed},
		{"two blanks after the scheme are malformed", "Bearer t", "Bearer  t", verify.Malformed},
		{"a token is compared as it is written", "Bearer t", "Bearer T", verify.WrongCredentials},
		{"a plain value is compared as a whole", "t", "Bearer t", verify.WrongCredentials},
		{"a plain value may have any form", "Key a  b", "Key a  b", ""},
		{"a line break is malformed", "t", "t\r\nX: y", verify.Malformed},
		{"8192 bytes are not too long", "t", strings.Repeat("x", 8192), verify.WrongCredentials},
		{"8193 bytes are too long", "t", strings.Repeat("x", 8193), verify.Malformed},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			verifier, err := configure("")(test.configured).Open()
			if err != nil {
				t.Fatal(err)
			}
			err = verifier.Verify(t.Context(), request(test.sent))
			denied, _ := verify.AsDenied(err)
			if err == nil != (test.want == "") || denied != nil && denied.Reason != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestWhatIsConfigured(t *testing.T) {
	for _, bad := range []string{" ", "Bearer", "Bearer ", "Bearer  t", " t", "t ", "a\nb", "a\x00b", strings.Repeat("x", 8193)} {
		t.Run("refuses "+strings.TrimSpace(bad[:min(len(bad), 12)]), func(t *testing.T) {
			if err := configure("")(bad).Validate(); err == nil {
				t.Error("it was taken")
			}
		})
	}
}

func TestChallenge(t *testing.T) {
	tests := []struct{ rule, configured, want string }{
		{"clients are asked for a bearer token", "Bearer t", "Bearer"},
		{"a plain value has no scheme that could be named", "t", ""},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			verifier, err := configure("")(test.configured).Open()
			if err != nil {
				t.Fatal(err)
			}
			denied, ok := verify.AsDenied(verifier.Verify(t.Context(), &verify.Request{}))
			if !ok || denied.Challenge != test.want {
				t.Errorf("got %+v, want the challenge %q", denied, test.want)
			}
		})
	}
}
