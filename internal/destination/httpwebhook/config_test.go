package httpwebhook_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/destination/httpwebhook"
	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/units"
)

func TestValidate(t *testing.T) {
	const notURL = "url: is no URL; what is special in a user or password must be escaped, as in p%40ss for p@ss"
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	header := func(name, value string) func(*httpwebhook.Config) {
		return func(c *httpwebhook.Config) { c.Headers = map[string]secret.Value{name: secret.New(value)} }
	}
	for _, rule := range []struct {
		set  func(*httpwebhook.Config)
		want string // the error; empty: valid
	}{
		{set: func(*httpwebhook.Config) {}},
		{set: func(c *httpwebhook.Config) { c.AllowedHosts = []string{"Example.com"} }},
		{set: header("Authorization", "Bearer hidden-1")},
		{set: func(c *httpwebhook.Config) {
			c.Sign = &httpwebhook.Sign{Secrets: []secret.Value{secret.New("whsec_aGlkZGVu")}}
		}},

		{set: func(c *httpwebhook.Config) { c.URL = "ftp://example.com" }, want: "url: want http:// or https:// and a host, as in https://example.com/hook"},
		{set: func(c *httpwebhook.Config) { c.URL = "https:///hook" }, want: "url: want http:// or https:// and a host, as in https://example.com/hook"},
		{set: func(c *httpwebhook.Config) { c.URL = "https://u:hidden-1@ex%zzample.com/" }, want: notURL},
		{set: func(c *httpwebhook.Config) { c.URL = "https://u:hidden-1@example.com\n" }, want: notURL},
		{set: func(c *httpwebhook.Config) { c.URL = "https://u:hidden-1 x@example.com/" }, want: notURL},
		{set: func(c *httpwebhook.Config) { c.URL = "https://example.com:hidden-1/" }, want: notURL},
		{set: func(c *httpwebhook.Config) { c.URL += strings.Repeat("x", 8192) }, want: "url: is longer than 8192 bytes"},
		{set: func(c *httpwebhook.Config) { c.AllowedHosts = []string{"example.org"} }, want: `url: host "example.com" is not one of allowed_hosts`},
		{set: func(c *httpwebhook.Config) { c.AllowedHosts = []string{} }, want: `url: host "example.com" is not one of allowed_hosts`},
		{set: func(c *httpwebhook.Config) { c.URL, c.TLS.MinVersion = "http://example.com", "1.3" }, want: "url: is http://, for which the settings in tls mean nothing"},
		{set: header("", "x"), want: `headers: "" is no name of a header`},
		{set: header("X Y", "x"), want: `headers: "X Y" is no name of a header`},
		{set: header("webhook-id", "x"), want: "headers: webhook-id is set by the gateway itself"},
		{set: header("Idempotency-Key", "x"), want: "headers: Idempotency-Key is set by the gateway itself"},
		{set: header("Host", "x"), want: "headers: Host is set by the gateway itself"},
		{set: header("X-A", "hidden-1\r\nX-B: 1"), want: "headers: the value of X-A has a line break or another control character"},
		{set: func(c *httpwebhook.Config) { c.TLS.CAFile = empty }, want: "tls: ca_file: " + empty + " holds no certificate in PEM"},
		{set: func(c *httpwebhook.Config) { c.TLS.CertFile = empty }, want: "tls: cert_file and key_file go together: one of them is missing"},
		{set: func(c *httpwebhook.Config) { c.Sign = &httpwebhook.Sign{} }, want: "sign: secret or secrets is required, and must not be empty"},
		{
			set:  func(c *httpwebhook.Config) { c.Sign = &httpwebhook.Sign{Secret: secret.New("hidden-1!")} },
			want: "sign: a secret must be base64 and not empty, with or without whsec_ before it",
		},
	} {
		c := config("https://example.com/hook")
		rule.set(c)
		err := c.Validate()
		if got := fmt.Sprint(err); err == nil && rule.want != "" || err != nil && got != rule.want {
			t.Errorf("got  %v\nwant %v", got, rule.want)
		}
		if strings.Contains(fmt.Sprint(err), "hidden-1") {
			t.Errorf("a secret shows: %v", err)
		}
	}
}

func TestTimeout(t *testing.T) {
	c := config("https://example.com")
	if got := destination.Timeouter(c).AttemptTimeout(); got != 0 {
		t.Errorf("timeout %s when none is written", got)
	}
	c.Timeout = units.Duration(3 * time.Second)
	if got := c.AttemptTimeout(); got != 3*time.Second {
		t.Errorf("timeout %s", got)
	}
}
