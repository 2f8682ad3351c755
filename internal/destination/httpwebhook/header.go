package httpwebhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"github.com/grapnel-dev/grapnel/internal/event"
)

// fixedHeader makes the headers that are the same in every request.
func (c *Config) fixedHeader(target *url.URL, version string) http.Header {
	header := http.Header{"User-Agent": {"Grapnel/" + version}}
	if user := target.User; user != nil {
		header.Set("Authorization", basic(user))
	}
	for name, value := range c.Headers {
		header.Set(name, value.Reveal())
	}
	return header
}

func basic(user *url.Userinfo) string {
	password, _ := user.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user.Username()+":"+password))
}

// redactor takes what we sent as secrets out of an answer that repeats the request. Short values are no secrets, and
// replacing them would garble the answer.
func (c *Config) redactor(target *url.URL) *strings.Replacer {
	const shortest = 8
	var pairs []string
	hide := func(value string) {
		if len(value) >= shortest {
			pairs = append(pairs, value, "[redacted]")
		}
	}
	for _, value := range c.Headers {
		hide(value.Reveal())
	}
	if target.User != nil {
		password, _ := target.User.Password()
		hide(basic(target.User))
		hide(password)
	}
	for _, values := range target.Query() {
		for _, value := range values {
			hide(value)
			hide(url.QueryEscape(value))
		}
	}
	if pairs == nil {
		return nil
	}
	return strings.NewReplacer(pairs...)
}

func (c *Config) validateHeaders() error {
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		switch {
		case !validName(name):
			wrong = append(wrong, fmt.Errorf("headers: %q is no name of a header", name))
		case reserved(strings.ToLower(name)):
			wrong = append(wrong, fmt.Errorf("headers: %s is set by the gateway itself", name))
		case strings.ContainsFunc(c.Headers[name].Reveal(), func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
			wrong = append(wrong, fmt.Errorf("headers: the value of %s has a line break or another control character", name))
		}
	}
	return errors.Join(wrong...)
}

// validName says whether a name is a token (RFC 9110 section 5.6.2).
func validName(name string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		alphanumeric := r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
		return !alphanumeric && !strings.ContainsRune(marks, r)
	})
}

// forwarding says which of the received headers are sent along.
type forwarding struct {
	on      bool
	allowed map[string]bool // by canonical name; nil: all that carry no proof of identity
}

func (c *Config) forwarding() forwarding {
	f := forwarding{on: c.ForwardHeaders}
	if c.AllowedHeaders != nil {
		f.allowed = map[string]bool{}
		for _, name := range c.AllowedHeaders {
			f.allowed[textproto.CanonicalMIMEHeaderKey(name)] = true
		}
	}
	return f
}

func (f forwarding) copy(header, received http.Header) {
	if !f.on {
		return
	}
	for name, values := range received {
		if f.passes(name) {
			header[name] = values
		}
	}
	for _, list := range received["Connection"] { // RFC 9110 section 7.6.1: it names more that belongs to the connection
		for name := range strings.SplitSeq(list, ",") {
			header.Del(strings.TrimSpace(name))
		}
	}
}

func (f forwarding) passes(name string) bool {
	lower := strings.ToLower(name)
	switch {
	case reserved(lower), slices.Contains(event.SecretHeaders(), name):
		return false
	case f.allowed != nil:
		return f.allowed[name]
	default:
		return !proof(lower)
	}
}

// reserved says whether a header belongs to a connection (RFC 9110 section 7.6.1), to the transport, or to us.
func reserved(lower string) bool {
	switch lower {
	case "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
		"host", "content-length", "expect", "accept-encoding", "idempotency-key":
		return true
	}
	return strings.HasPrefix(lower, "proxy-") || strings.HasPrefix(lower, "webhook-")
}

// proof says whether a header looks like one by which the sender proved itself to us. It proves nothing to others, and
// some could be used against the sender.
func proof(lower string) bool {
	return slices.ContainsFunc([]string{"signature", "hmac", "token", "secret", "api-key", "apikey", "svix-"},
		func(word string) bool { return strings.Contains(lower, word) })
}
