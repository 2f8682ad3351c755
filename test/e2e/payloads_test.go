package e2e

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/test/gatewaytest"
	"github.com/grapnel-dev/grapnel/test/payloads"
)

// TestProvidersReachTheDemoConfiguration sends what providers send, signed as they sign, through the configuration that
// `make run` starts with.
func TestProvidersReachTheDemoConfiguration(t *testing.T) {
	root, err := gatewaytest.Root()
	if err != nil {
		t.Fatal(err)
	}
	g := gatewaytest.New(t, "")
	g.Config = filepath.Join(root, "examples", "demo", "grapnel.yaml")
	g.Start("--listen", strings.TrimPrefix(g.URL, "http://"), "--admin-listen", strings.TrimPrefix(g.AdminURL, "http://"), "--store", g.Store)
	all, err := payloads.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		t.Run(p.Name, func(t *testing.T) {
			answer := send(t, g, p, p.Path)
			if !answer.Accepted() {
				t.Fatalf("answered %d; the gateway's output:\n%s", answer.Code, g.Log())
			}
			delivery(t, g, answer.ID, event.Delivered)
			body, err := g.Admin.Body(t.Context(), answer.ID)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = body.Close() }()
			if kept, err := io.ReadAll(body); err != nil || !bytes.Equal(kept, p.Body) {
				t.Errorf("kept %d bytes (%v), want the %d that were sent", len(kept), err, len(p.Body))
			}
		})
	}
	t.Run("a changed byte is refused wherever a signature is checked", func(t *testing.T) {
		checked := 0
		for _, p := range all {
			p.Body = bytes.Replace(p.Body, []byte("a"), []byte("b"), 1)
			if answer := send(t, g, p, p.Path); answer.Code == 401 {
				checked++
			}
		}
		if checked < 7 {
			t.Errorf("%d payloads were refused, want those of all 7 providers that the demo verifies", checked)
		}
	})
}

func TestPayloadsArriveByteForByte(t *testing.T) {
	sink := gatewaytest.NewSink(t, nil)
	g := gateway(t, `  any: {data_type: blob, retry: {enabled: true}, module: http_webhook, module-config: {url: "SINK/any", forward_headers: true}}`, sink)
	all, err := payloads.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		t.Run(p.Name, func(t *testing.T) {
			answer := send(t, g, p, "/webhook/any")
			if answer.Code != 200 || answer.Status != "processed" {
				t.Fatalf("answered %+v, want 200, processed", answer)
			}
			got := sink.Arrivals("/any")
			last := got[len(got)-1]
			if !bytes.Equal(last.Body, p.Body) {
				t.Errorf("arrived with %d bytes that are not the %d that were sent", len(last.Body), len(p.Body))
			}
			if last.EventID != answer.ID || last.Header.Get("Idempotency-Key") != answer.ID {
				t.Errorf("arrived with id %q and key %q, want %q", last.EventID, last.Header.Get("Idempotency-Key"), answer.ID)
			}
			if got, want := last.Header.Get("Content-Type"), p.Header.Get("Content-Type"); got != want {
				t.Errorf("arrived as %q, sent as %q", got, want)
			}
		})
	}
}

func send(t *testing.T, g *gatewaytest.Gateway, p payloads.Payload, path string) gatewaytest.Answer {
	t.Helper()
	request, err := p.Request(t.Context(), g.URL, path)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := gatewaytest.Send(request)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
