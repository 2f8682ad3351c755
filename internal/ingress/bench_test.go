package ingress

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/store"
)

// noIntake keeps nothing, so that only the ingress is measured.
type noIntake struct{}

func (noIntake) Accept(_ context.Context, entry store.Entry, _ bool) (store.Accepted, <-chan bool, error) {
	return store.Accepted{EventID: entry.Event.ID}, nil, nil
}

func (noIntake) Forget(string) {}

func BenchmarkHandler(b *testing.B) {
	h := handler(noIntake{}, webhook(nil))
	body := sample(1024)
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/webhook/orders", nil)
	r.Header = http.Header{"Content-Type": {"application/json"}, "User-Agent": {"bench"}, "X-Hmac-Signature": {"sha256=00"}}
	r.ContentLength = int64(len(body))
	w := &discard{header: http.Header{}}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r.Body = io.NopCloser(bytes.NewReader(body))
		clear(w.header)
		h.ServeHTTP(w, r)
	}
	if w.status != 200 {
		b.Fatalf("answered %d", w.status)
	}
}

type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkCheckJSON(b *testing.B) {
	body, limits := sample(1024), Limits{Depth: 50, String: 1 << 20}
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if err := checkJSON(body, limits); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json.Valid", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if !json.Valid(body) {
				b.Fatal("not valid")
			}
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	body := append([]byte(`{"data":`), append(sample(1024), `,"id":"evt_1"}`...)...)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := lookup(body, "/id"); !ok {
			b.Fatal("not found")
		}
	}
}

// BenchmarkLoopback compares with a handler that only reads the body and answers.
func BenchmarkLoopback(b *testing.B) {
	body := sample(1024)
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			b.Error(err)
		}
		_, _ = w.Write([]byte(`{"message":"200 OK"}`))
	})
	for name, h := range map[string]http.Handler{"bare": bare, "ingress": handler(noIntake{}, webhook(nil))} {
		b.Run(name, func(b *testing.B) {
			server := httptest.NewServer(h)
			defer server.Close()
			target, err := url.JoinPath(server.URL, "/webhook/orders")
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				response, err := server.Client().Post(target, "application/json", bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
}
