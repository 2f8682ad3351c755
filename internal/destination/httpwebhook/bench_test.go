package httpwebhook_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/destination"
)

// BenchmarkDeliver compares a delivery with the least that a client of net/http does for the same request.
func BenchmarkDeliver(b *testing.B) {
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	b.Cleanup(sink.Close)
	e := example()
	e.Body = bytes.Repeat([]byte("x"), 1024)

	b.Run("module", func(b *testing.B) {
		b.ReportAllocs()
		d, err := config(sink.URL).Open(destination.Env{})
		if err != nil {
			b.Fatal(err)
		}
		defer d.Close()
		for b.Loop() {
			if _, err := d.Deliver(b.Context(), e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1024}}
		defer client.CloseIdleConnections()
		for b.Loop() {
			response, err := client.Post(sink.URL, "application/json", bytes.NewReader(e.Body))
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	})
}
