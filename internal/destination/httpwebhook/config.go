package httpwebhook

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/secret"
	"github.com/grapnel-dev/grapnel/internal/units"
)

// Config is the module-config of "http_webhook".
type Config struct {
	// URL is where events are sent. A user and password in it are sent as basic authentication.
	URL string `yaml:"url" required:"true"`
	// Method is the method of the requests.
	Method string `yaml:"method" enum:"POST|PUT|PATCH"`
	// Timeout is how long one attempt may take. The destination's own timeout wins over it; without either it is 10s.
	Timeout units.Duration `yaml:"timeout" range:"0s..24h"`
	// Headers are sent with every request. Their values are treated as secrets: they are never shown.
	Headers map[string]secret.Value `yaml:"headers"`
	// ForwardHeaders sends the headers of the received request along. Those that belong to a connection are left out, as
	// are those that carry the sender's signatures, tokens and keys, unless allowed_headers names them.
	ForwardHeaders bool `yaml:"forward_headers"`
	// AllowedHeaders are the received headers that forward_headers may send along; all when it is not written. An empty
	// list allows none.
	AllowedHeaders []string `yaml:"allowed_headers"`
	// AllowedHosts are the hosts that the URL may name; any when it is not written.
	AllowedHosts []string `yaml:"allowed_hosts"`
	// AllowPrivate allows loopback, private and link-local addresses. It is on because the URL stands in your own
	// configuration; false refuses them whatever the host's name resolves to. The metadata services of clouds are always
	// refused.
	AllowPrivate bool `yaml:"allow_private"`
	// TLS is how a server is verified, and what we show it.
	TLS TLS `yaml:"tls"`
	// Sign signs every request anew, by Standard Webhooks.
	Sign *Sign `yaml:"sign"`
}

// AttemptTimeout is how long one attempt may take; zero: the destination's.
func (c *Config) AttemptTimeout() time.Duration { return c.Timeout.Std() }

// Validate checks what one tag cannot.
func (c *Config) Validate() error {
	_, tlsErr := c.TLS.load()
	_, signErr := c.Sign.keys()
	return errors.Join(c.validateURL(), c.validateHeaders(), inKey("tls", tlsErr), inKey("sign", signErr))
}

func inKey(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", key, err)
}

func (c *Config) validateURL() error {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return errURL
	case len(c.URL) > 8192:
		return errors.New("url: is longer than 8192 bytes")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return errors.New("url: want http:// or https:// and a host, as in https://example.com/hook")
	case u.Scheme == "http" && c.TLS != TLS{}:
		return errors.New("url: is http://, for which the settings in tls mean nothing")
	case c.AllowedHosts != nil && !slices.ContainsFunc(c.AllowedHosts, func(h string) bool { return strings.EqualFold(h, u.Hostname()) }):
		return fmt.Errorf("url: host %q is not one of allowed_hosts", u.Hostname())
	}
	return nil
}

// errURL does not repeat what was written, as url.Parse does: there may be a password in it.
var errURL = errors.New("url: is no URL; what is special in a user or password must be escaped, as in p%40ss for p@ss")
