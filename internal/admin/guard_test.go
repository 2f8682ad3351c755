package admin

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
	"github.com/grapnel-dev/grapnel/internal/secret"
)

// address is the path of a route with something in its wildcards.
func (r route) address() string {
	return strings.NewReplacer("{$}", "", "{id}", "x", "{event}", "x", "{step}", "0", "{name}", "orders.kafka").Replace(r.pattern)
}

// Who may reach what: every route, with and without a token configured and sent.
func TestWhoMayReachWhat(t *testing.T) {
	unprotected := start(t, nil)
	for _, r := range unprotected.routes() {
		t.Run(r.method+" "+r.pattern, func(t *testing.T) {
			protected := startOn(t, unprotected.store, withToken) // which has not counted the wrong tokens for other routes
			for _, test := range []struct {
				rule   string
				to     *gateway
				header []string
				refuse bool
			}{
				{"is open on loopback without a token", unprotected, nil, false},
				{"wants the token when there is one", protected, nil, !r.open},
				{"refuses a wrong token", protected, []string{"Authorization", "Bearer wrong"}, !r.open},
				{"refuses a token of another scheme", protected, []string{"Authorization", "Basic " + adminToken}, !r.open},
				{"refuses an empty token", protected, []string{"Authorization", "Bearer "}, !r.open},
				{"lets the token in", protected, []string{"Authorization", "Bearer " + adminToken}, false},
			} {
				got := test.to.ask(t, r.method, r.address(), "", test.header...)
				if refused := got.status == http.StatusUnauthorized; refused != test.refuse {
					t.Errorf("%s: answered %d", test.rule, got.status)
				}
				if test.refuse {
					checkProblem(t, got)
				}
				checkSecurityHeaders(t, got)
			}
		})
	}
}

func checkSecurityHeaders(t *testing.T, a answer) {
	t.Helper()
	for name, want := range map[string]string{
		"Cache-Control":                "no-store",
		"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy":              "no-referrer",
		"X-Content-Type-Options":       "nosniff",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func checkProblem(t *testing.T, a answer) api.Problem {
	t.Helper()
	var p api.Problem
	if kind := a.header.Get("Content-Type"); kind != api.ProblemType {
		t.Errorf("Content-Type %q, want %q", kind, api.ProblemType)
	}
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Errorf("%s: %v", a.body, err)
	}
	if p.Status != a.status || p.Title == "" || p.Type != "about:blank" || p.Detail == "" {
		t.Errorf("incomplete problem: %s", a.body)
	}
	return p
}

func TestNew(t *testing.T) {
	listener := listen(t)
	t.Run("refuses to serve beyond loopback without a token", func(t *testing.T) {
		_, err := New(Options{Listener: exposed{listener}})
		if err == nil || !strings.Contains(err.Error(), "set admin.token") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("serves beyond loopback with a token", func(t *testing.T) {
		o := start(t, nil).Options
		o.Listener, o.Token = exposed{listener}, secret.New(adminToken)
		if _, err := New(o); err != nil {
			t.Error(err)
		}
	})
}

// exposed is a listener that other machines reach.
type exposed struct{ net.Listener }

func (exposed) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 8001} }

func TestHostGuard(t *testing.T) {
	unprotected := start(t, nil)
	protected := startOn(t, unprotected.store, withToken)
	for host, allowed := range map[string]bool{
		"localhost": true, "LOCALHOST:8001": true, "127.0.0.1": true, "127.0.0.2:9": true, "[::1]": true, "[::1]:8001": true,
		"evil.example": false, "evil.example:8001": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false, "192.0.2.1": false,
	} {
		t.Run("without a token "+host+" is served only if it is this machine", func(t *testing.T) {
			got := unprotected.ask(t, http.MethodGet, "/api/v1/overview", "", "Host", host)
			if served := got.status == http.StatusOK; served != allowed {
				t.Errorf("answered %d", got.status)
			}
		})
	}
	t.Run("with a token any name is served", func(t *testing.T) {
		got := protected.ask(t, http.MethodGet, "/api/v1/overview", "", "Host", "admin.example", "Authorization", "Bearer "+adminToken)
		if got.status != http.StatusOK {
			t.Errorf("answered %d", got.status)
		}
	})
}

func TestCrossOriginGuard(t *testing.T) {
	g := start(t, nil)
	for _, r := range g.routes() {
		if r.method == http.MethodGet {
			continue
		}
		t.Run(r.pattern, func(t *testing.T) {
			for _, header := range [][]string{
				{"Sec-Fetch-Site", "cross-site"},
				{"Sec-Fetch-Site", "same-site"},
				{"Origin", "https://evil.example"},
				{"Origin", "null"},
			} {
				got := g.ask(t, r.method, r.address(), "{}", header...)
				if got.status != http.StatusForbidden {
					t.Errorf("%v: answered %d", header, got.status)
				}
				checkProblem(t, got)
			}
			if got := g.ask(t, r.method, r.address(), "{}", "Origin", g.url, "Sec-Fetch-Site", "same-origin"); got.status == http.StatusForbidden {
				t.Error("the gateway's own page was refused")
			}
		})
	}
	if n := g.configuration.reloads; n != 1 {
		t.Errorf("%d reloads were done, want only that of our own page", n)
	}
}

func TestThrottle(t *testing.T) {
	t.Run("who sends many wrong tokens is refused for a while, the right one included", func(t *testing.T) {
		g := start(t, withToken)
		for range failureBurst {
			g.ask(t, http.MethodGet, "/api/v1/overview", "", "Authorization", "Bearer wrong")
		}
		got := g.ask(t, http.MethodGet, "/api/v1/overview", "", "Authorization", "Bearer "+adminToken)
		if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
			t.Errorf("answered %d", got.status)
		}
		checkProblem(t, got)
	})
	t.Run("other addresses are not refused with it", func(t *testing.T) {
		failures := newThrottle()
		for range failureBurst {
			failures.failed("192.0.2.1:1000")
		}
		if failures.wait("192.0.2.1:2000") == 0 {
			t.Error("another port of the same address is let in")
		}
		if failures.wait("192.0.2.2:1000") != 0 {
			t.Error("another address is refused")
		}
	})
	t.Run("all addresses of an IPv6 network count as one", func(t *testing.T) {
		failures := newThrottle()
		for range failureBurst {
			failures.failed("[2001:db8::1]:1000")
		}
		if failures.wait("[2001:db8::ffff]:1000") == 0 || failures.wait("[2001:db8:0:1::1]:1000") != 0 {
			t.Error("want the /64 to be refused and nothing else")
		}
	})
	t.Run("it remembers a bounded number of addresses", func(t *testing.T) {
		failures := newThrottle()
		for i := range 2 * addressMemory {
			failures.failed(net.JoinHostPort(net.IPv4(10, byte(i>>16), byte(i>>8), byte(i)).String(), "1"))
		}
		if n := len(failures.addresses); n > addressMemory {
			t.Errorf("%d addresses", n)
		}
	})
}

func TestErrorsAreProblems(t *testing.T) {
	g := start(t, nil)
	asJSON := []string{"Content-Type", "application/json"}
	for _, test := range []struct {
		rule, method, path, body string
		header                   []string
		status                   int
		detail                   string
	}{
		{"an unknown path", "GET", "/api/v2", "", nil, 404, "/api/v2"},
		{"a wrong method", "PUT", "/api/v1/events", "", nil, 405, "only GET"},
		{"an unknown parameter", "GET", "/api/v1/events?webhok=x", "", nil, 400, `unknown parameter "webhok": want one of webhook`},
		{"a parameter where there are none", "GET", "/api/v1/overview?x=1", "", nil, 400, "there are none here"},
		{"a limit that is too large", "GET", "/api/v1/events?limit=1001", "", nil, 400, "1 to 1000"},
		{"a limit that is not a number", "GET", "/api/v1/dead?limit=many", "", nil, 400, "1 to 1000"},
		{"a time in another form", "GET", "/api/v1/events?after=yesterday", "", nil, 400, "2026-05-01T12:00:00Z"},
		{"a cursor that no page gave", "GET", "/api/v1/events?cursor=!", "", nil, 400, "cursor"},
		{"an unknown state", "GET", "/api/v1/deliveries?state=lost", "", nil, 400, "want one of delivered"},
		{"an unknown event", "GET", "/api/v1/events/none", "", nil, 404, `event "none"`},
		{"the body of an unknown event", "GET", "/api/v1/events/none/body", "", nil, 404, `event "none"`},
		{"an unknown delivery", "GET", "/api/v1/deliveries/none/0/attempts", "", nil, 404, "none/0"},
		{"a step that is not a number", "GET", "/api/v1/deliveries/none/x/attempts", "", nil, 400, "want <event id>/<step>"},
		{"an unknown destination", "POST", "/api/v1/destinations/none/pause", "", nil, 404, `destination "none"`},
		{"a body that is not said to be JSON", "POST", "/api/v1/replay", "{}", nil, 415, "application/json"},
		{"a body that is not JSON", "POST", "/api/v1/replay", "{", asJSON, 400, "body"},
		{"a misspelt key", "POST", "/api/v1/discard", `{"filtre":{}}`, asJSON, 400, "filtre"},
		{"something after the body", "POST", "/api/v1/replay", `{} {}`, asJSON, 400, "nothing after it"},
		{"a body that is too large", "POST", "/api/v1/replay", strings.Repeat(" ", maxBody+1), asJSON, 413, "1048576"},
	} {
		t.Run(test.rule, func(t *testing.T) {
			got := g.ask(t, test.method, test.path, test.body, test.header...)
			if got.status != test.status {
				t.Errorf("answered %d", got.status)
			}
			if p := checkProblem(t, got); !strings.Contains(p.Detail, test.detail) {
				t.Errorf("detail %q does not say %q", p.Detail, test.detail)
			}
		})
	}
}
