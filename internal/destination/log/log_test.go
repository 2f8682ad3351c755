package log_test

import (
	"bytes"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/destination/destinationtest"
	"github.com/grapnel-dev/grapnel/internal/destination/log"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	var out output
	destinationtest.Run(t, destinationtest.Harness{
		Open: func(t *testing.T) destination.Destination {
			t.Helper()
			return open(t, &log.Config{Output: &out})
		},
		Received: func(*testing.T) map[string][][]byte { return out.events() },
		Lacks: map[destinationtest.Capability]string{
			destinationtest.Binary: "a line of text shows an excerpt in hexadecimal digits",
			destinationtest.Large:  "a line of text is cut",
		},
	})
}

// output collects what is written.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) events() map[string][][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	events := map[string][][]byte{}
	for _, found := range regexp.MustCompile(`(?m) event=(\S+) .* body=(.*)$`).FindAllStringSubmatch(o.text.String(), -1) {
		events[found[1]] = append(events[found[1]], []byte(found[2]))
	}
	return events
}

func open(t *testing.T, c *log.Config) destination.Destination {
	t.Helper()
	d, err := c.Open(destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t *testing.T, pretty, redact bool, header http.Header, body string) string {
	t.Helper()
	var out bytes.Buffer
	d := open(t, &log.Config{PrettyPrint: pretty, RedactSensitive: redact, Output: &out})
	_, err := d.Deliver(t.Context(), &event.Event{
		ID: "0199", Webhook: "orders", ReceivedAt: time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC), Header: header, Body: []byte(body),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLine(t *testing.T) {
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for _, rule := range []struct {
		name   string
		redact bool
		header http.Header
		body   string
		want   string
	}{
		{
			name: "names that look secret are redacted at any depth", redact: true,
			header: http.Header{"X-Api-Key": {"k1"}, "X-Order": {"17"}},
			body:   `{"a":[{"Access_Token":"t1"}],"n":1.50,"user":{"password":{"old":"p1"}}}`,
			want: `2026-11-24T06:00:00Z webhook=orders event=0199 headers={"X-Api-Key":"[REDACTED]","X-Order":"17"} ` +
				`body={"a":[{"Access_Token":"[REDACTED]"}],"n":1.50,"user":{"password":"[REDACTED]"}}` + "\n",
		},
		{
			name: "fields of forms are redacted", redact: true, header: form, body: "b=2&token=t1&a=1",
			want: "body=a=1&b=2&token=[REDACTED]\n",
		},
		{name: "nothing is redacted when that is switched off", header: form, body: "b=2&token=t1", want: "body=b=2&token=t1\n"},
		{name: "a body keeps its form when nothing is redacted", body: `{"b": 1,  "a": 2}`, want: `body={"b": 1,  "a": 2}` + "\n"},
		{
			name: "a sender cannot forge a second line", redact: true, body: "x\r\n2026 webhook=other\x1b[31m\u2028\u202e",
			want: `body=x\u000d\u000a2026 webhook=other\u001b[31m\u2028\u202e` + "\n",
		},
		{name: "bytes are shown in hex", redact: true, body: "\x00\xff", want: "body=[2 bytes, hex: 00ff]\n"},
		{name: "a broken form is not shown", redact: true, header: form, body: "token=%zz", want: "body=[not a form]\n"},
		{
			name: "a long text is cut between characters", redact: true, body: `{"a":"x` + strings.Repeat("é", 6000) + `"}`,
			want: "é… [2002 more bytes]\"}\n",
		},
		{name: "a long body is cut", redact: true, body: strings.Repeat("y", 70_000), want: "y… [4464 more bytes]\n"},
	} {
		t.Run(rule.name, func(t *testing.T) {
			got := write(t, false, rule.redact, rule.header, rule.body)
			if !strings.HasSuffix(got, rule.want) || strings.Count(got, "\n") != 1 {
				t.Fatalf("got  %s\nwant %s", got, rule.want)
			}
		})
	}
}

func TestPrettyPrint(t *testing.T) {
	got := write(t, true, true, http.Header{"Cookie": {"c"}}, "{\"a\":{\"b\":1},\"pwd\":\"x\"}")
	rule := strings.Repeat("=", 80)
	want := rule + "\nWEBHOOK RECEIVED  orders  0199  2026-11-24T06:00:00Z\n" + rule + `

Headers:
  {
    "Cookie": "[REDACTED]"
  }

Body:
  {
    "a": {
      "b": 1
    },
    "pwd": "[REDACTED]"
  }
` + rule + "\n"
	if got != want {
		t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestWriteFails(t *testing.T) {
	d := open(t, &log.Config{Output: broken{syscall.ENOSPC}})
	_, err := d.Deliver(t.Context(), &event.Event{})
	if !errors.Is(err, syscall.ENOSPC) || fault.From(err).Class != fault.ResourceExhausted {
		t.Fatalf("deliver: %v", err)
	}
}
