package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/grapnel-dev/grapnel/internal/config"
)

// send sends a test request to a webhook.
type send struct {
	source
	output
	Webhook string   `arg:"" help:"The webhook's id: orders, or shop/orders."`
	URL     string   `help:"The gateway's address for senders: that of the configuration, unless written." placeholder:"URL"`
	Data    *string  `help:"The body. Without --data and --file it is a small one of the webhook's data type." short:"d" xor:"body" placeholder:"TEXT"`
	File    string   `help:"Take the body from this file, or from standard input (-)." short:"f" xor:"body" placeholder:"FILE"`
	Header  []string `help:"A header to send, as in 'X-Event: test'; may be repeated." short:"H" sep:"none" placeholder:"NAME: VALUE"`
	Curl    bool     `help:"Print a curl command that sends it, instead of sending."`
}

// Help is shown by kong.
func (*send) Help() string {
	return `The request is signed with the webhook's own method and secret, which are read from the configuration. It ends with 0
when the gateway answered 2xx.

Examples:

    grapnel send orders --config grapnel.yaml
    grapnel send orders --config grapnel.yaml --file order.json --header 'Idempotency-Key: 42'
    grapnel send orders --config grapnel.yaml --data '{"id": 1}' --curl`
}

// answer is what the gateway said, for programs.
type answer struct {
	Status      int     `json:"status"`
	TookSeconds float64 `json:"took_seconds"`
	Body        any     `json:"body"`
}

// Run is called by kong.
func (s *send) Run(ctx context.Context, t *terminal) error {
	loaded, err := s.load()
	if err != nil {
		return err
	}
	request, err := s.request(t, loaded)
	if err != nil {
		return usageError{err}
	}
	if s.Curl {
		t.printf("%s\n", request.curl())
		return nil
	}
	return s.deliver(ctx, t, request)
}

// request makes the request and signs it.
func (s *send) request(t *terminal, loaded *config.Config) (*signed, error) {
	webhook, ok := loaded.Webhooks[s.Webhook]
	if !ok {
		return nil, fmt.Errorf("no webhook %q in the configuration; it has %s", s.Webhook, names(loaded.Webhooks))
	}
	header, err := parseHeader(s.Header)
	if err != nil {
		return nil, err
	}
	body, err := s.body(t, webhook.DataType)
	if err != nil {
		return nil, err
	}
	base := cmp.Or(s.URL, "http://"+reachable(loaded.Server.Listen))
	return sign(webhook, base, loaded.Server.PublicURL, header, body)
}

func (s *send) body(t *terminal, kind config.DataType) ([]byte, error) {
	switch {
	case s.Data != nil:
		return []byte(*s.Data), nil
	case s.File == "-":
		return io.ReadAll(t.in)
	case s.File != "":
		return os.ReadFile(s.File)
	default:
		return []byte(exampleBody(kind)), nil
	}
}

// deliver sends the request and shows the answer.
func (s *send) deliver(ctx context.Context, t *terminal, request *signed) error {
	start := time.Now()
	outgoing, err := http.NewRequestWithContext(ctx, http.MethodPost, request.url, bytes.NewReader(request.body))
	if err != nil {
		return usageError{err}
	}
	outgoing.Header = request.header
	response, err := http.DefaultClient.Do(outgoing)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return s.show(t, response.StatusCode, content, time.Since(start))
}

func (s *send) show(t *terminal, status int, content []byte, took time.Duration) error {
	err := s.print(t, answer{status, took.Seconds(), jsonOrText(content)}, func() {
		color := green
		if status >= 300 {
			color = red
		}
		t.printf("%s in %s\n%s\n", t.paint(color, fmt.Sprintf("%d %s", status, http.StatusText(status))), length(took),
			clean(strings.TrimSpace(string(content)), keepLines))
	})
	if err == nil && status >= 300 {
		return errNegative
	}
	return err
}

// jsonOrText is content as a value that encoding/json writes.
func jsonOrText(content []byte) any {
	if json.Valid(content) {
		return json.RawMessage(content)
	}
	return string(content)
}
