package ingress

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/telemetry"
)

func TestDrain(t *testing.T) {
	t.Run("a sender that waits is answered at once, and no connection is accepted any more", func(t *testing.T) {
		entered := make(chan struct{}, 1)
		in := &intake{accept: func(ctx context.Context, entry store.Entry) (store.Accepted, <-chan bool, error) {
			entered <- struct{}{}
			return never(ctx, entry)
		}}
		g := serve(t, in, table(webhook(func(w *Webhook) { w.Retries, w.Within = true, time.Hour })), nil)
		var sender sync.WaitGroup
		sender.Go(func() {
			if r := g.post(t, "/webhook/orders", "{}"); r.status != 202 {
				t.Errorf("answered %d", r.status)
			}
		})
		<-entered
		if err := g.stop(); err != nil {
			t.Errorf("the server ended with %v", err)
		}
		sender.Wait()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+g.addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultTransport.RoundTrip(request); err == nil {
			_ = response.Body.Close()
			t.Error("a new connection is accepted")
		}
	})
	t.Run("a request on a kept connection gets 503, and the connection is closed", func(t *testing.T) {
		in := new(intake)
		g := serve(t, in, table(webhook(nil)), nil)
		conn := g.dial(t)
		from := bufio.NewReader(conn)
		const request = "POST /webhook/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
		write(t, conn, request)
		readReply(t, from)
		g.Drain()
		write(t, conn, request)
		r := readReply(t, from)
		if r.status != 503 || r.header.Get("Retry-After") != "5" || len(in.kept()) != 1 {
			t.Errorf("answered %d %v, kept %d", r.status, r.header, len(in.kept()))
		}
		if _, err := from.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("the connection is not closed: %v", err)
		}
	})
	t.Run("what takes longer than the drain time is cut off, and said", func(t *testing.T) {
		entered, release := make(chan struct{}, 1), make(chan struct{})
		in := &intake{accept: func(_ context.Context, entry store.Entry) (store.Accepted, <-chan bool, error) {
			entered <- struct{}{}
			<-release
			return durable(entry), nil, nil
		}}
		g := serve(t, in, table(webhook(nil)), func(s *Server) { s.Patience = func() time.Duration { return 20 * time.Millisecond } })
		conn := g.dial(t)
		write(t, conn, "POST /webhook/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
		<-entered
		if err := g.stop(); err == nil {
			t.Error("the server ended as if all were finished")
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Error("an answer came")
		}
		close(release)
	})
	t.Run("a listener that fails ends the server", func(t *testing.T) {
		listener := httptest.NewUnstartedServer(nil).Listener
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		server := &Server{
			Listener: listener, Handler: handler(new(intake), webhook(nil)), Log: slog.New(slog.DiscardHandler),
			Limits: ServerLimits{Connections: 1},
		}
		if err := server.Run(t.Context()); err == nil {
			t.Error("the server ended without an error")
		}
	})
}

func handler(in Intake, hooks ...*Webhook) *Handler {
	return NewHandler(in, table(hooks...), telemetry.New(), slog.New(slog.DiscardHandler))
}

// request sends a request to a handler without a network.
func request(ctx context.Context, h *Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/webhook/orders", strings.NewReader("{}")))
	return w
}

func TestTheWait(t *testing.T) {
	waiting := webhook(func(w *Webhook) { w.Retries, w.Within = true, 4*time.Second })
	t.Run("it ends at its time, of which storing is a part", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			in := &intake{accept: func(ctx context.Context, entry store.Entry) (store.Accepted, <-chan bool, error) {
				time.Sleep(3 * time.Second)
				return never(ctx, entry)
			}}
			began := time.Now()
			if w := request(t.Context(), handler(in, waiting)); w.Code != 202 || time.Since(began) != 4*time.Second {
				t.Errorf("answered %d after %s", w.Code, time.Since(began))
			}
			if len(in.forgot) != 1 || in.forgot[0] != in.entries[0].Event.ID {
				t.Errorf("the watches that were dropped: %v", in.forgot)
			}
		})
	})
	t.Run("it ends with the delivery", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			in := &intake{accept: func(_ context.Context, entry store.Entry) (store.Accepted, <-chan bool, error) {
				done := make(chan bool, 1)
				time.AfterFunc(time.Second, func() { done <- true })
				return durable(entry), done, nil
			}}
			began := time.Now()
			if w := request(t.Context(), handler(in, waiting)); w.Code != 200 || time.Since(began) != time.Second {
				t.Errorf("answered %d after %s", w.Code, time.Since(began))
			}
		})
	})
	t.Run("a sender that hangs up changes nothing about its event", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			in := &intake{accept: func(ctx context.Context, entry store.Entry) (store.Accepted, <-chan bool, error) {
				cancel()
				if ctx.Err() != nil {
					t.Error("the store is told that the sender hung up")
				}
				return never(ctx, entry)
			}}
			request(ctx, handler(in, waiting))
			if len(in.kept()) != 1 {
				t.Error("the event is lost")
			}
		})
	})
	t.Run("a store that hangs is given up, and the sender keeps the event", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			in := &intake{accept: func(ctx context.Context, _ store.Entry) (store.Accepted, <-chan bool, error) {
				<-ctx.Done()
				return store.Accepted{}, nil, ctx.Err()
			}}
			began := time.Now()
			if w := request(t.Context(), handler(in, waiting)); w.Code != 503 || time.Since(began) != acceptTimeout {
				t.Errorf("answered %d after %s", w.Code, time.Since(began))
			}
		})
	})
}

func TestRate(t *testing.T) {
	limited := func(requests int) *Webhook {
		return webhook(func(w *Webhook) { w.Rate = Rate{Requests: requests, Window: 10 * time.Second} })
	}
	send := func(t *testing.T, h *Handler, n int) (accepted int) {
		t.Helper()
		for range n {
			if w := request(t.Context(), h); w.Code == 200 {
				accepted++
			} else if w.Code != 429 || w.Header().Get("Retry-After") == "" {
				t.Errorf("answered %d %v", w.Code, w.Header())
			}
		}
		return accepted
	}
	expect := func(t *testing.T, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%d requests were accepted, want %d", got, want)
		}
	}
	t.Run("so many requests are accepted in a window", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := handler(new(intake), limited(3))
			expect(t, send(t, h, 5), 3)
			time.Sleep(20 * time.Second)
			expect(t, send(t, h, 5), 3)
		})
	})
	t.Run("the turn of a window lets no double load through", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := handler(new(intake), limited(10))
			time.Sleep(time.Second)
			expect(t, send(t, h, 20), 10)
			time.Sleep(10 * time.Second)
			expect(t, send(t, h, 20), 0)
			time.Sleep(5 * time.Second)
			expect(t, send(t, h, 20), 5)
		})
	})
	t.Run("a reload forgives nothing, another rate begins anew", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := handler(new(intake), limited(3))
			expect(t, send(t, h, 3), 3)
			h.Swap(table(limited(3)))
			expect(t, send(t, h, 1), 0)
			h.Swap(table(limited(4)))
			expect(t, send(t, h, 5), 4)
		})
	})
}

func TestPace(t *testing.T) {
	now := time.Unix(1000, 0)
	var p pace
	passed := 0
	for range 3 * linesPerSecond {
		if _, ok := p.next(now); ok {
			passed++
		}
	}
	if passed != linesPerSecond {
		t.Errorf("%d lines passed in a second", passed)
	}
	if suppressed, ok := p.next(now.Add(time.Second)); !ok || suppressed != 2*linesPerSecond {
		t.Errorf("in the next second: %v, after %d that did not", ok, suppressed)
	}
}
