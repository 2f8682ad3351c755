package cli

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/config"
	"github.com/grapnel-dev/grapnel/internal/verify"
)

// signed is a request that a webhook will accept.
type signed struct {
	url    string
	header http.Header
	body   []byte
}

// sign makes a request to a webhook of the gateway at base as its sender would. Methods that sign the address sign the
// public one, which may be another than base.
func sign(webhook *config.Webhook, base, public string, header http.Header, body []byte) (*signed, error) {
	path := "/webhook/" + webhook.ID
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", contentType(webhook.DataType))
	}
	address := strings.TrimSuffix(cmp.Or(public, base), "/") + path
	query, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	request := &verify.Request{
		Method: http.MethodPost, URL: address, Header: header, Query: query.Query(), Body: body, ReceivedAt: time.Now(),
	}
	for _, verifier := range webhook.Verifiers {
		signer, ok := verifier.Config.(verify.Signer)
		if !ok {
			return nil, fmt.Errorf("webhook %q is verified by %s, for which requests cannot be made here", webhook.ID, verifier.Name)
		}
		if err := signer.Sign(request); err != nil {
			return nil, fmt.Errorf("sign by %s: %w", verifier.Name, err)
		}
	}
	return &signed{url: strings.TrimSuffix(base, "/") + path, header: header, body: body}, nil
}

// curl is the request as a command for a shell. A body that is no text cannot stand in one.
func (s *signed) curl() string {
	command := []string{"curl -i " + s.url}
	for _, name := range slices.Sorted(maps.Keys(s.header)) {
		for _, value := range s.header[name] {
			command = append(command, "-H "+quote(name+": "+value))
		}
	}
	return strings.Join(append(command, "--data-binary "+quote(string(s.body))), " \\\n  ")
}

// quote makes one word of a POSIX shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// parseHeader reads lines as in "X-Event: test".
func parseHeader(lines []string) (http.Header, error) {
	header := http.Header{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("header %q: want NAME: VALUE", line)
		}
		header.Add(textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value))
	}
	return header, nil
}

func contentType(kind config.DataType) string {
	return map[config.DataType]string{
		config.JSON: "application/json",
		config.Blob: "application/octet-stream",
		config.Form: "application/x-www-form-urlencoded",
		config.XML:  "application/xml",
		config.Text: "text/plain; charset=utf-8",
	}[kind]
}

// exampleBody is a small body of each data type.
func exampleBody(kind config.DataType) string {
	return map[config.DataType]string{
		config.JSON: `{"hello":"grapnel"}`,
		config.Blob: "hello grapnel",
		config.Form: "hello=grapnel",
		config.XML:  "<hello>grapnel</hello>",
		config.Text: "hello grapnel",
	}[kind]
}

func names(webhooks map[string]*config.Webhook) string {
	return strings.Join(slices.Sorted(maps.Keys(webhooks)), ", ")
}
