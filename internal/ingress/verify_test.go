package ingress

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/verify"
)

func TestWhatVerifiersSee(t *testing.T) {
	var seen verify.Request
	in := new(intake)
	tab := table(webhook(func(w *Webhook) {
		w.Verifiers = []verify.Verifier{verifier(func(r *verify.Request) error { seen = *r; return nil })}
	}))
	tab.PublicURL = "https://hooks.example.com"
	tab.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	g := serve(t, in, tab, nil)
	const body = "{\"a\":\r\n1}"
	g.post(t, "/webhook/orders?b=2&a=%2f&a=1", body, "X-Signature: one", "X-Signature: two", "Authorization: Bearer t",
		"X-Forwarded-For: 203.0.113.9, 198.51.100.7", "X-Forwarded-Host: evil.example.com", "X-Forwarded-Proto: http")
	if seen.Method != "POST" || string(seen.Body) != body || seen.TLS != nil || seen.ReceivedAt.IsZero() {
		t.Errorf("saw %+v", seen)
	}
	if want := "https://hooks.example.com/webhook/orders?b=2&a=%2f&a=1"; seen.URL != want {
		t.Errorf("the address is %s, want %s", seen.URL, want)
	}
	if !slices.Equal(seen.Query["a"], []string{"/", "1"}) || !slices.Equal(seen.Header["X-Signature"], []string{"one", "two"}) {
		t.Errorf("saw the query %v and the signatures %v", seen.Query, seen.Header["X-Signature"])
	}
	if seen.Header.Get("Authorization") != "Bearer t" || seen.Client != netip.MustParseAddr("198.51.100.7") {
		t.Errorf("saw %v from %s", seen.Header, seen.Client)
	}
}

func TestAllVerifiersMustAccept(t *testing.T) {
	accept := verifier(func(*verify.Request) error { return nil })
	deny := verifier(func(*verify.Request) error { return verify.Deny(verify.WrongCredentials, "no") })
	for _, order := range [][]verify.Verifier{{accept, deny}, {deny, accept}} {
		in := new(intake)
		g := serve(t, in, table(webhook(func(w *Webhook) { w.Verifiers = order })), nil)
		if r := g.post(t, "/webhook/orders", "{}"); r.status != 401 || len(in.kept()) > 0 {
			t.Errorf("answered %d", r.status)
		}
	}
}

func TestNothingIsParsedBeforeItIsVerified(t *testing.T) {
	deny := verifier(func(*verify.Request) error { return verify.Deny(verify.SignatureMismatch, "no") })
	g := serve(t, new(intake), table(webhook(func(w *Webhook) { w.Verifiers = []verify.Verifier{deny} })), nil)
	if r := g.post(t, "/webhook/orders", "{not json"); r.status != 401 {
		t.Errorf("answered %d", r.status)
	}
}

// shaker answers the handshake of a provider that sends a challenge in the query.
type shaker struct{ verifier }

func (shaker) Handshake(_ context.Context, r *verify.Request) (*verify.Answer, error) {
	challenge := r.Query.Get("challenge")
	switch {
	case challenge == "":
		return nil, nil //nolint:nilnil // the contract: not a handshake
	case r.Query.Get("token") != "right":
		return nil, verify.Deny(verify.Forbidden, "wrong verify token")
	default:
		return &verify.Answer{Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte(challenge)}, nil
	}
}

func TestHandshakes(t *testing.T) {
	in := new(intake)
	deny := verifier(func(*verify.Request) error { return verify.Deny(verify.Missing, "no") })
	g := serve(t, in, table(webhook(func(w *Webhook) { w.Verifiers = []verify.Verifier{shaker{deny}} })), nil)
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST"} {
		t.Run(method+" is answered, and is no event", func(t *testing.T) {
			r := g.send(t, method, "/webhook/orders?challenge=%3Cb%3E&token=right", http.NoBody)
			if r.status != 200 || method != "HEAD" && r.body != "<b>" || len(in.kept()) > 0 {
				t.Errorf("answered %d %q", r.status, r.body)
			}
			want := map[string]string{
				"Content-Type": "text/plain", "X-Content-Type-Options": "nosniff",
				"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex",
			}
			for name, value := range want {
				if r.header.Get(name) != value {
					t.Errorf("%s is %q", name, r.header.Get(name))
				}
			}
		})
	}
	t.Run("one that proves nothing gets the verdict", func(t *testing.T) {
		if r := g.send(t, "GET", "/webhook/orders?challenge=x&token=wrong", http.NoBody); r.status != 403 || strings.Contains(r.body, "x") && r.field(t, "error") != "forbidden" {
			t.Errorf("answered %d %s", r.status, r.body)
		}
	})
	t.Run("what is none goes its way", func(t *testing.T) {
		if r := g.send(t, "GET", "/webhook/orders", http.NoBody); r.status != 405 {
			t.Errorf("GET is answered %d", r.status)
		}
		if r := g.post(t, "/webhook/orders", "{}"); r.status != 401 {
			t.Errorf("POST is answered %d", r.status)
		}
	})
	t.Run("an unknown webhook answers none", func(t *testing.T) {
		if r := g.send(t, "GET", "/webhook/other?challenge=x&token=right", http.NoBody); r.status != 404 {
			t.Errorf("answered %d", r.status)
		}
	})
}

// carrier is a method whose credentials travel in a header and in the query.
type carrier struct{ verifier }

func (carrier) Credentials() (headers, parameters []string) {
	return []string{"x-api-key"}, []string{"api_key"}
}

func TestCredentialsAreNotKept(t *testing.T) {
	in := new(intake)
	accept := verifier(func(r *verify.Request) error {
		if r.Header.Get("X-Api-Key") != "hunter2" || r.Query.Get("api_key") != "hunter2" {
			t.Error("the verifier does not see the credentials")
		}
		return nil
	})
	g := serve(t, in, table(webhook(func(w *Webhook) { w.Verifiers = []verify.Verifier{carrier{accept}} })), nil)
	tests := []struct{ rule, query, kept string }{
		{"the parameter goes, the others stay as they were sent", "?a=%201&api_key=hunter2&b", "?a=%201&b"},
		{"however it is escaped", "?api%5Fkey=hunter2&a=1", "?a=1"},
		{"and nothing is left when there is no other", "?api_key=hunter2", ""},
	}
	for i, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			g.post(t, "/webhook/orders"+test.query, "{}", "X-API-Key: hunter2")
			e := in.kept()[i].Event
			if e.URL != "/webhook/orders"+test.kept || e.Header.Get("X-Api-Key") != "" {
				t.Errorf("kept %s %v", e.URL, e.Header)
			}
		})
	}
}

func TestClientAddr(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	tests := []struct {
		rule, peer string
		forwarded  []string
		want       string
	}{
		{"a peer that is no proxy is the client, whatever it says", "192.0.2.1", []string{"198.51.100.1"}, "192.0.2.1"},
		{"behind a proxy it is the address that the proxy saw", "10.0.0.1", []string{"198.51.100.1"}, "198.51.100.1"},
		{"what the client wrote itself does not count", "10.0.0.1", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		{"nor in a header of its own", "10.0.0.1", []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.1"},
		{"proxies behind the proxy are passed over", "10.0.0.1", []string{"198.51.100.1, 10.0.0.3", "10.0.0.2"}, "198.51.100.1"},
		{"when all are proxies it is the first", "10.0.0.1", []string{"10.0.0.3,10.0.0.2"}, "10.0.0.3"},
		{"a proxy that says nothing is the client", "10.0.0.1", nil, "10.0.0.1"},
		{"an address may have a port", "10.0.0.1", []string{"198.51.100.1:4711"}, "198.51.100.1"},
		{"also of the sixth version", "fd00::1", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"a mapped address is what it maps", "10.0.0.1", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		{"what is no address is nobody", "10.0.0.1", []string{"198.51.100.1, unknown"}, "invalid IP"},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			header := http.Header{"X-Forwarded-For": test.forwarded}
			if got := clientAddr(netip.MustParseAddr(test.peer), header, proxies).String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
