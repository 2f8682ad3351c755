package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/test/gatewaytest"
)

const testKey = "not-a-secret-made-for-tests"

func signature(body string) string {
	mac := hmac.New(sha256.New, []byte(testKey))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestWhatIsRejectedIsNotStored(t *testing.T) {
	sink := gatewaytest.NewSink(t, nil)
	g := gateway(t, `  signed: {hmac: {secret: "`+testKey+`"}, module: http_webhook, module-config: {url: "SINK/signed"}}
  bearer: {authorization: "Bearer `+testKey+`", module: http_webhook, module-config: {url: "SINK/bearer"}}
  small: {limits: {body: 1KiB, depth: 5, string: 100}, module: http_webhook, module-config: {url: "SINK/small"}}
  text: {data_type: text, module: http_webhook, module-config: {url: "SINK/text"}}
  limited: {rate_limit: {max_requests: 1, window_seconds: 3600}, hmac: {secret: "`+testKey+`"}, module: http_webhook, module-config: {url: "SINK/limited"}}`, sink)
	for name, test := range map[string]struct {
		webhook, body string
		headers       []string
		want          int
	}{
		"no signature":               {"signed", `{}`, nil, http.StatusUnauthorized},
		"a signature of other bytes": {"signed", `{} `, []string{"X-HMAC-Signature: " + signature(`{}`)}, http.StatusUnauthorized},
		"a signature that is no hex": {"signed", `{}`, []string{"X-HMAC-Signature: zz"}, http.StatusUnauthorized},
		"an empty signature":         {"signed", `{}`, []string{"X-HMAC-Signature: "}, http.StatusUnauthorized},
		"a wrong token":              {"bearer", `{}`, []string{"Authorization: Bearer wrong"}, http.StatusUnauthorized},
		"no token":                   {"bearer", `{}`, nil, http.StatusUnauthorized},
		"an unknown webhook":         {"nobody", `{}`, nil, http.StatusNotFound},
		"a path out of the tree":     {"..%2fsigned", `{}`, nil, http.StatusNotFound},
		"malformed JSON":             {"small", `{"a":`, nil, http.StatusBadRequest},
		"two JSON values":            {"small", `{} {}`, nil, http.StatusBadRequest},
		"no body":                    {"small", ``, nil, http.StatusBadRequest},
		"too deep":                   {"small", strings.Repeat("[", 6) + strings.Repeat("]", 6), nil, http.StatusBadRequest},
		"a string that is too long":  {"small", `["` + strings.Repeat("x", 101) + `"]`, nil, http.StatusBadRequest},
		"too large":                  {"small", `["` + strings.Repeat(`x","`, 600) + `"]`, nil, http.StatusRequestEntityTooLarge},
		"the wrong content type":     {"text", `{}`, nil, http.StatusUnsupportedMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			if got := g.Post(test.webhook, test.body, test.headers...); got.Code != test.want || got.Status == "accepted" {
				t.Errorf("answered %d, want %d", got.Code, test.want)
			}
		})
	}
	t.Run("the wrong method says which is right", func(t *testing.T) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, g.URL+"/webhook/signed", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := gatewaytest.Send(request)
		if err != nil || answer.Code != http.StatusMethodNotAllowed || answer.Header.Get("Allow") == "" {
			t.Errorf("answered %+v (%v), want 405 with Allow", answer, err)
		}
	})
	nothingStored(t, g)
	if arrived := len(sink.Arrivals("")); arrived != 0 {
		t.Errorf("%d requests arrived at the destinations", arrived)
	}
	if strings.Contains(g.Log(), testKey) || strings.Contains(g.Log(), "Bearer wrong") {
		t.Error("the log holds a secret or a token")
	}

	t.Run("over the rate limit: 429 with Retry-After", func(t *testing.T) {
		header := "X-HMAC-Signature: " + signature(`{}`)
		g.Post("limited", `{}`) // not authentic: it uses nothing of the limit
		if first := g.Post("limited", `{}`, header); first.Code != http.StatusOK {
			t.Errorf("the first was answered %d", first.Code)
		}
		if second := g.Post("limited", `{}`, header); second.Code != http.StatusTooManyRequests || second.Header.Get("Retry-After") == "" {
			t.Errorf("the second was answered %+v, want 429 with Retry-After", second)
		}
	})
	t.Run("the same event again is answered as the first one stands", func(t *testing.T) {
		first := g.Post("bearer", `{"n":1}`, "Authorization: Bearer "+testKey, "Idempotency-Key: one")
		again := g.Post("bearer", `{"n":1}`, "Authorization: Bearer "+testKey, "Idempotency-Key: one")
		if !again.Duplicate || again.ID != first.ID || first.Duplicate || again.Code != http.StatusOK {
			t.Errorf("answered %+v, first %+v", again, first)
		}
	})
}
