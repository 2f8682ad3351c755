package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// secret signs the requests; it opens nothing.
const secret = "not-a-secret-made-for-benchmarks"

// signatureHeader is the gateway's default for its hmac method.
const signatureHeader = "X-HMAC-Signature"

// maxBody is the gateway's own default limit.
const maxBody = 10 << 20

// roles are the servers that the benchmark starts as processes of their own, by re-executing itself.
func roles() map[string]func(context.Context, []string) error {
	return map[string]func(context.Context, []string) error{
		"answer":  func(ctx context.Context, args []string) error { return serve(ctx, args[0], answerer()) },
		"forward": func(ctx context.Context, args []string) error { return serve(ctx, args[0], forwarder(args[1])) },
		"sink":    func(ctx context.Context, args []string) error { return serve(ctx, args[0], sink()) },
		"profile": func(_ context.Context, args []string) error { return profiledGateway(args[0], args[1]) }, //nolint:contextcheck // it handles signals itself
	}
}

// serve runs a server with the gateway's own timeouts until ctx ends.
func serve(ctx context.Context, address string, handler http.Handler) error {
	server := &http.Server{
		Addr: address, Handler: handler,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 35 * time.Second, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// answerer is the first baseline: it reads the body, checks the HMAC and answers 200.
func answerer() http.Handler {
	return checked(func(w http.ResponseWriter, _ *http.Request, _ []byte) { confirm(w) })
}

// forwarder is the second baseline: it checks the HMAC, forwards to the sink, and answers as the sink did.
func forwarder(target string) http.Handler {
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, IdleConnTimeout: time.Minute, DisableCompression: true,
	}}
	return checked(func(w http.ResponseWriter, r *http.Request, body []byte) {
		request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, target, bytes.NewReader(body)) //nolint:gosec // the benchmark's own sink
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		request.Header.Set("Content-Type", r.Header.Get("Content-Type"))
		response, err := client.Do(request) //nolint:gosec // the benchmark's own sink
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer func() { _ = response.Body.Close() }()
		_, _ = io.Copy(io.Discard, response.Body) // so that the connection is used again
		if response.StatusCode != http.StatusOK {
			http.Error(w, response.Status, http.StatusBadGateway)
			return
		}
		confirm(w)
	})
}

// sink takes everything and answers 200.
func sink() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		confirm(w)
	})
}

// checked reads the body and lets only authentic requests through.
func checked(next func(http.ResponseWriter, *http.Request, []byte)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			http.Error(w, "cannot read the body", http.StatusBadRequest)
			return
		}
		given, err := hex.DecodeString(r.Header.Get(signatureHeader))
		if err != nil || !hmac.Equal(given, sign(body)) {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		next(w, r, body)
	})
}

func sign(body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return mac.Sum(nil)
}

func confirm(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"message":"200 OK","status":"processed"}`)
}
