package httpwebhook_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/destination/httpwebhook"
	"github.com/grapnel-dev/grapnel/internal/fault"
	"github.com/grapnel-dev/grapnel/internal/netguard"
	"github.com/grapnel-dev/grapnel/internal/secret"
)

func serve(t *testing.T, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server
}

func TestStatus(t *testing.T) {
	for status, want := range map[int]fault.Class{
		200: "", 201: "", 202: "", 204: "", 299: "",
		301: fault.ConfigurationError, 307: fault.ConfigurationError,
		400: fault.ValidationError, 401: fault.AuthenticationError, 403: fault.PermissionDenied, 404: fault.NotFound,
		408: fault.TimeoutError, 410: fault.NotFound, 413: fault.ValidationError, 422: fault.ValidationError,
		429: fault.RateLimited, 500: fault.ServiceUnavailable, 503: fault.ServiceUnavailable, 507: fault.ResourceExhausted,
	} {
		var requests atomic.Int32
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			requests.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
		})
		_, err := use(t, config(server.URL)).Deliver(t.Context(), example())
		if f := fault.From(err); (f == nil) != (want == "") || f != nil &&
			(f.Class != want || f.Code != fmt.Sprintf("http_%d", status) || f.RetryAfter != 7*time.Second) {
			t.Errorf("%d: %+v, want class %s", status, f, want)
		}
		if n := requests.Load(); n != 1 {
			t.Errorf("%d: %d requests for one attempt", status, n)
		}
	}
}

func TestAnswer(t *testing.T) {
	deliver := func(t *testing.T, status int, body string) string {
		t.Helper()
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
		c := config(server.URL + "?key=query-90cc12")
		c.Headers = map[string]secret.Value{"X-Token": secret.New("token-5f1d0a")}
		receipt, err := use(t, c).Deliver(t.Context(), example())
		if err != nil {
			return fault.From(err).Response
		}
		return receipt.Response
	}
	t.Run("an excerpt of it is kept, whatever the status", func(t *testing.T) {
		for _, status := range []int{200, 400, 500} {
			if got := deliver(t, status, "because"); got != "because" {
				t.Errorf("%d: %q", status, got)
			}
		}
	})
	t.Run("at most 4 KiB of valid text", func(t *testing.T) {
		if got := deliver(t, 500, "x"+strings.Repeat("é", 10_000)); len(got) != destination.ResponseLimit-1 || !strings.HasSuffix(got, "é") {
			t.Errorf("%d bytes", len(got))
		}
		if got := deliver(t, 500, "a\xff\x00\x1b[31mb\n"); got != "a\ufffd[31mb\n" {
			t.Errorf("%q", got)
		}
	})
	t.Run("our secrets are taken out of it", func(t *testing.T) {
		got := deliver(t, 500, strings.Repeat("x", 4090)+"token-5f1d0a")
		if want := strings.Repeat("x", 4090) + "[redac"; got != want {
			t.Errorf("%q", got[4000:])
		}
		if got := deliver(t, 200, "you sent query-90cc12"); got != "you sent [redacted]" {
			t.Errorf("%q", got)
		}
	})
}

func TestEndlessAnswer(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	if _, err := use(t, config(server.URL)).Deliver(t.Context(), example()); err != nil {
		t.Errorf("deliver: %v", err)
	}
}

func TestAnswerThatNeverEnds(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("so far"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	receipt, err := use(t, config(server.URL)).Deliver(ctx, example())
	if err != nil || receipt.Response != "so far" {
		t.Errorf("deliver: %v, answer %q: the status was the confirmation", err, receipt.Response)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write(make([]byte, 50_000))
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	d := use(t, config(server.URL))
	for range 10 {
		_, _ = d.Deliver(t.Context(), example())
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for 10 deliveries in a row", n)
	}
}

// raw answers every connection with what the function makes of the request's bytes.
func raw(t *testing.T, answer func(request []byte) []byte) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 4096)
			n, _ := conn.Read(buffer)
			_, _ = conn.Write(answer(buffer[:n]))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr().String()
}

func TestNoAnswer(t *testing.T) {
	echo := raw(t, func(request []byte) []byte { return request })
	garbage := raw(t, func([]byte) []byte { return []byte("220 mail.example.com ESMTP\r\n") })
	silent := raw(t, func([]byte) []byte { return nil })
	for _, rule := range []struct {
		name, url string
		class     fault.Class
		code      string
		text      string
	}{
		{"an echo", "http://" + echo + "/x?key=query-90cc12", fault.UnknownError, "no_http", "send to http://" + echo + ": the answer is not HTTP"},
		{"another protocol", "http://" + garbage, fault.UnknownError, "no_http", ""},
		{"a closed connection", "http://" + silent, fault.ConnectionError, "connection_reset", ""},
		{"no TLS", "https://" + garbage + "/x?key=query-90cc12", fault.ConfigurationError, "tls_expected", ""},
		{"no such host", "http://user:password-77ab31@no-such-host.invalid/", fault.NetworkError, "dns", ""},
		{"a metadata service", "http://169.254.169.254/latest", fault.ConfigurationError, netguard.CodeRefused, ""},
	} {
		t.Run(rule.name, func(t *testing.T) {
			_, err := use(t, config(rule.url)).Deliver(t.Context(), example())
			f := fault.From(err)
			if f == nil || f.Class != rule.class || f.Code != rule.code || rule.text != "" && err.Error() != rule.text {
				t.Fatalf("deliver: %v, %+v, want class %s, code %q", err, f, rule.class, rule.code)
			}
			if text := err.Error(); strings.Contains(text, "query-90cc12") || strings.Contains(text, "password-77ab31") {
				t.Errorf("a secret shows: %s", text)
			}
		})
	}
}

func TestPrivateAddresses(t *testing.T) {
	s := newSink(t)
	c := config(s.URL)
	c.AllowPrivate = false
	d := use(t, c)
	for _, err := range []error{deliver(t, d), d.(destination.Prober).Probe(t.Context())} {
		if _, refused := errors.AsType[*netguard.RefusedError](err); !refused || fault.From(err).Class != fault.ConfigurationError {
			t.Errorf("got %v, want it refused", err)
		}
	}
}

func deliver(t *testing.T, d destination.Destination) error {
	t.Helper()
	_, err := d.Deliver(t.Context(), example())
	return err
}

func TestProxiesAreIgnored(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	s := newSink(t)
	// The transport leaves proxies out for loopback addresses whatever the environment says, but not for other names.
	c := config(strings.Replace(s.URL, "127.0.0.1", "0.0.0.0", 1))
	if err := deliver(t, use(t, c)); err != nil {
		t.Errorf("deliver: %v", err)
	}
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s, %d client certificates", r.Proto, len(r.TLS.PeerCertificates))
	}))
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	certFile, keyFile := writePEM(t, server.TLS.Certificates[0])

	t.Run("the system's authorities do not know this server", func(t *testing.T) {
		d := use(t, config(server.URL))
		for _, err := range []error{deliver(t, d), d.(destination.Prober).Probe(t.Context())} {
			if f := fault.From(err); f == nil || f.Code != "tls_certificate" {
				t.Errorf("got %v, code %q", err, f.Code)
			}
		}
	})
	t.Run("its own authority does", func(t *testing.T) {
		c := config(server.URL)
		c.TLS = httpwebhook.TLS{CAFile: certFile, CertFile: certFile, KeyFile: keyFile, ServerName: "example.com", MinVersion: "1.3"}
		d := use(t, c)
		receipt, err := d.Deliver(t.Context(), example())
		if err != nil || receipt.Response != "HTTP/2.0, 1 client certificates" {
			t.Errorf("deliver: %v, answer %q", err, receipt.Response)
		}
		if err := d.(destination.Prober).Probe(t.Context()); err != nil {
			t.Errorf("probe: %v", err)
		}
	})
	t.Run("the name must be the right one", func(t *testing.T) {
		c := config(server.URL)
		c.TLS = httpwebhook.TLS{CAFile: certFile, ServerName: "example.org"}
		if f := fault.From(deliver(t, use(t, c))); f == nil || f.Code != "tls_certificate" {
			t.Errorf("deliver: %v", f)
		}
	})
}

func writePEM(t *testing.T, certificate tls.Certificate) (certFile, keyFile string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]},
		keyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}
