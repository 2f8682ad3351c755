package ingress

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestDedupeKey(t *testing.T) {
	long := strings.Repeat("x", 256)
	const hash = "85e62acd750c4eb56b7b6a1d66dca5bfaac5f062608a1a893410d0288936c09a" // sha256sum
	tests := []struct {
		rule   string
		dedupe Dedupe
		header http.Header
		body   string
		want   string
	}{
		{"Idempotency-Key names the event", Dedupe{}, http.Header{"Idempotency-Key": {"k"}, "Webhook-Id": {"w"}}, `{}`, "Idempotency-Key:k"},
		{"else webhook-id does", Dedupe{}, http.Header{"Webhook-Id": {"w"}}, `{}`, "webhook-id:w"},
		{"else nothing does", Dedupe{}, http.Header{}, `{"id":1}`, ""},
		{
			"a configured header comes first",
			Dedupe{Headers: []string{"X-Missing", "x-github-delivery"}},
			http.Header{"X-Github-Delivery": {"d"}, "Idempotency-Key": {"k"}},
			`{}`, "X-Github-Delivery:d",
		},
		{
			"a configured place in the body comes before the common headers",
			Dedupe{JSONPointer: "/id"},
			http.Header{"Idempotency-Key": {"k"}},
			`{"id":"evt_1"}`, "/id:evt_1",
		},
		{
			"a request without what is configured has the common headers",
			Dedupe{Headers: []string{"X-Id"}, JSONPointer: "/id"},
			http.Header{"Idempotency-Key": {"k"}},
			`{"id":null}`, "Idempotency-Key:k",
		},
		{"equal values of different kinds are different", Dedupe{JSONPointer: "/id"}, http.Header{}, `{"id":"k"}`, "/id:k"},
		{"off takes every request for a new event", Dedupe{Off: true}, http.Header{"Idempotency-Key": {"k"}}, `{}`, ""},
		{"255 bytes are kept", Dedupe{}, http.Header{"Webhook-Id": {long[1:]}}, `{}`, "webhook-id:" + long[1:]},
		{
			"of more the hash is kept",
			Dedupe{},
			http.Header{"Webhook-Id": {long}},
			`{}`,
			"webhook-id:sha256:" + hash,
		},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			w := webhook(func(w *Webhook) { w.Dedupe = test.dedupe })
			if got := w.dedupeKey(test.header, []byte(test.body)); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestLookup(t *testing.T) {
	const text = ` {"id": "evt\u005f1", "n": -1.50e1, "yes": true, "no": null, "o": {"a/b": {"m~n": "deep"}, "": "empty"},
		"list": [10, {"x": "y"}], "twice": 1, "twice": 2, "":"root member", "k\"q":"quoted"} `
	tests := []struct{ pointer, want string }{
		{"/id", "evt_1"},
		{"/n", "-1.50e1"},
		{"/yes", "true"},
		{"/o/a~1b/m~0n", "deep"},
		{"/o/", "empty"},
		{"/", "root member"},
		{"/list/0", "10"},
		{"/list/1/x", "y"},
		{"/twice", "2"},
		{`/k"q`, "quoted"},
	}
	for _, test := range tests {
		t.Run("finds "+test.pointer, func(t *testing.T) {
			if got, ok := lookup([]byte(text), test.pointer); !ok || got != test.want {
				t.Errorf("got %q, %v; want %q", got, ok, test.want)
			}
		})
	}
	for _, pointer := range []string{"/none", "/no", "/o", "/list", "/list/2", "/list/-1", "/list/01", "/list/-", "/id/x", "/yes/0", ""} {
		t.Run("finds nothing at "+pointer, func(t *testing.T) {
			if got, ok := lookup([]byte(text), pointer); ok {
				t.Errorf("got %q", got)
			}
		})
	}
	t.Run("a body that is a scalar is found at the empty pointer", func(t *testing.T) {
		if got, ok := lookup([]byte(` "x" `), ""); !ok || got != "x" {
			t.Errorf("got %q, %v", got, ok)
		}
	})
}

// What a pointer finds is what a walk through the values of encoding/json finds.
func FuzzPointer(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,"x"]}}`), "/a/b/1")
	f.Add([]byte(`{"a":1,"a":{"b":2}}`), "/a/b")
	f.Add([]byte(`{"~":{"/":"x"}}`), "/~0/~1")
	f.Add([]byte(`[[],[0]]`), "/1/0")
	f.Add([]byte(`"x"`), "")
	f.Add([]byte(`{"\u00e9\ud800":true}`), "/é\ufffd")
	f.Fuzz(func(t *testing.T, text []byte, pointer string) {
		if pointer != "" && pointer[0] != '/' || checkJSON(text, Limits{Depth: 100, String: 1000}) != nil {
			return
		}
		got, ok := lookup(text, pointer)
		want, wantOK := walk(t, text, pointer)
		if got != want || ok != wantOK {
			t.Errorf("got %q, %v; want %q, %v", got, ok, want, wantOK)
		}
	})
}

func walk(t *testing.T, text []byte, pointer string) (string, bool) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	tokens := strings.Split(pointer, "/")[1:]
	if pointer == "" {
		tokens = nil
	}
	for _, token := range tokens {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch v := value.(type) {
		case map[string]any:
			value = v[token]
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(v) || strconv.Itoa(i) != token {
				return "", false
			}
			value = v[i]
		default:
			return "", false
		}
	}
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "", false
	}
}
