package httpwebhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/destination/httpwebhook"
	"github.com/grapnel-dev/grapnel/internal/event"
	"github.com/grapnel-dev/grapnel/internal/secret"
)

// send delivers an event and gives the request that came.
func send(t *testing.T, e *event.Event, set func(*httpwebhook.Config)) *http.Request {
	t.Helper()
	s := newSink(t)
	c := config(s.URL + "/hook?a=1")
	set(c)
	receipt, err := use(t, c).Deliver(t.Context(), e)
	if err != nil || receipt.Response != "thank you" {
		t.Fatalf("deliver: %v, answer %q", err, receipt.Response)
	}
	return s.last(t).request
}

func TestRequest(t *testing.T) {
	t.Run("it carries the event's id as its idempotency key", func(t *testing.T) {
		r := send(t, example(), func(*httpwebhook.Config) {})
		want := http.Header{
			"Accept-Encoding": nil, // nothing is unpacked
			"Content-Length":  {"20"}, "Content-Type": {"application/json"},
			"Idempotency-Key": {example().ID}, "Webhook-Id": {example().ID}, "User-Agent": {"Grapnel/1.2.3"},
		}
		if r.Method != http.MethodPost || r.RequestURI != "/hook?a=1" {
			t.Errorf("got %s %s", r.Method, r.RequestURI)
		}
		wantHeader(t, r.Header, want)
		if len(r.Header) != len(want)-1 {
			t.Errorf("headers %v", r.Header)
		}
	})
	t.Run("the method can be chosen", func(t *testing.T) {
		if r := send(t, example(), func(c *httpwebhook.Config) { c.Method = http.MethodPut }); r.Method != http.MethodPut {
			t.Errorf("method %s", r.Method)
		}
	})
	t.Run("an encoded body is said to be one", func(t *testing.T) {
		e := example()
		e.Header.Set("Content-Encoding", "gzip")
		wantHeader(t, send(t, e, func(*httpwebhook.Config) {}).Header, http.Header{"Content-Encoding": {"gzip"}})
	})
	t.Run("the operator's headers are sent", func(t *testing.T) {
		r := send(t, example(), func(c *httpwebhook.Config) {
			c.Headers = map[string]secret.Value{"authorization": secret.New("Bearer x"), "Content-Type": secret.New("text/plain")}
		})
		wantHeader(t, r.Header, http.Header{"Authorization": {"Bearer x"}, "Content-Type": {"text/plain"}})
	})
	t.Run("user and password in the URL are basic authentication", func(t *testing.T) {
		r := send(t, example(), func(c *httpwebhook.Config) { c.URL = strings.Replace(c.URL, "://", "://me:p%40ss@", 1) })
		if user, password, _ := r.BasicAuth(); user != "me" || password != "p@ss" {
			t.Errorf("user %q, password %q", user, password)
		}
	})
}

func TestForwardedHeaders(t *testing.T) {
	received := func() *event.Event {
		e := example()
		for name, value := range map[string]string{
			"X-Github-Event": "push", "Accept-Language": "en", "X-Hop": "1", "Connection": "close, X-Hop", "Te": "trailers",
			"X-Hub-Signature-256": "sha256=0", "X-Gitlab-Token": "t", "Webhook-Id": "forged", "Webhook-Signature": "v1,forged",
			"Idempotency-Key": "forged", "Expect": "100-continue", "Authorization": "forged", "Cookie": "c", "User-Agent": "GitHub",
			"Proxy-Connection": "x", "Content-Length": "1", "Host": "forged", "Transfer-Encoding": "chunked", "Accept-Encoding": "gzip",
		} {
			e.Header.Set(name, value)
		}
		return e
	}
	own := http.Header{
		"Idempotency-Key": {example().ID}, "Webhook-Id": {example().ID}, "User-Agent": {"Grapnel/1.2.3"}, "Content-Length": {"20"},
		"Connection": nil, "Te": nil, "Expect": nil, "Authorization": nil, "Cookie": nil, "Proxy-Connection": nil, "X-Hop": nil,
		"Webhook-Signature": nil, "Accept-Encoding": nil,
	}
	t.Run("none are, unless that is switched on", func(t *testing.T) {
		got := send(t, received(), func(*httpwebhook.Config) {}).Header
		wantHeader(t, got, own)
		wantHeader(t, got, http.Header{"X-Github-Event": nil, "Accept-Language": nil})
	})
	t.Run("those of the connection, proofs and ours never are", func(t *testing.T) {
		got := send(t, received(), func(c *httpwebhook.Config) { c.ForwardHeaders = true }).Header
		wantHeader(t, got, own)
		wantHeader(t, got, http.Header{
			"X-Github-Event": {"push"}, "Accept-Language": {"en"}, "X-Hub-Signature-256": nil, "X-Gitlab-Token": nil,
		})
	})
	t.Run("allowed_headers chooses, proofs too", func(t *testing.T) {
		got := send(t, received(), func(c *httpwebhook.Config) {
			c.ForwardHeaders = true
			c.AllowedHeaders = []string{"x-hub-signature-256", "webhook-id", "authorization", "te"}
		}).Header
		wantHeader(t, got, own)
		wantHeader(t, got, http.Header{"X-Github-Event": nil, "X-Hub-Signature-256": {"sha256=0"}})
	})
	t.Run("an empty list allows none", func(t *testing.T) {
		got := send(t, received(), func(c *httpwebhook.Config) { c.ForwardHeaders, c.AllowedHeaders = true, []string{} }).Header
		wantHeader(t, got, http.Header{"X-Github-Event": nil, "Content-Type": {"application/json"}})
	})
}

func wantHeader(t *testing.T, got, want http.Header) {
	t.Helper()
	for name, values := range want {
		if strings.Join(got[name], "|") != strings.Join(values, "|") {
			t.Errorf("header %s is %q, want %q", name, got[name], values)
		}
	}
}

func TestSignature(t *testing.T) {
	const older, newer = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	r := send(t, example(), func(c *httpwebhook.Config) {
		c.Sign = &httpwebhook.Sign{Secret: secret.New(newer), Secrets: []secret.Value{secret.New(older)}}
	})
	at := r.Header.Get("Webhook-Timestamp")
	if seconds, err := strconv.ParseInt(at, 10, 64); err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Minute {
		t.Errorf("timestamp %q", at)
	}
	var want []string
	for _, key := range []string{newer, strings.TrimPrefix(older, "whsec_")} {
		raw, _ := base64.StdEncoding.DecodeString(key)
		mac := hmac.New(sha256.New, raw)
		mac.Write([]byte(example().ID + "." + at + `.{"test": 2432232314}`))
		want = append(want, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	if got := r.Header.Get("Webhook-Signature"); got != strings.Join(want, " ") {
		t.Errorf("signature %q, want %q", got, want)
	}
}
