package ingress

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/store"
)

// dial opens a connection on which a test speaks HTTP by hand.
func (g *gateway) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func write(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

func readReply(t *testing.T, from *bufio.Reader) reply {
	t.Helper()
	response, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{status: response.StatusCode, header: response.Header, body: string(body)}
}

func TestSlowSenders(t *testing.T) {
	hurry := func(s *Server) {
		s.Limits.Header, s.Limits.Body, s.Limits.Idle = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	}
	t.Run("a header that does not end is cut off", func(t *testing.T) {
		conn := serve(t, new(intake), table(webhook(nil)), hurry).dial(t)
		write(t, conn, "POST /webhook/orders HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Errorf("the connection is not closed: %v", err)
		}
	})
	t.Run("a body that does not end gets 408 and is cut off", func(t *testing.T) {
		in := new(intake)
		g := serve(t, in, table(webhook(nil)), hurry)
		conn := g.dial(t)
		write(t, conn, "POST /webhook/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
		from := bufio.NewReader(conn)
		if r := readReply(t, from); r.status != 408 {
			t.Errorf("answered %d", r.status)
		}
		if _, err := io.Copy(io.Discard, from); err != nil {
			t.Errorf("the connection is not closed: %v", err)
		}
		if len(in.kept()) > 0 || g.bodies.used.Load() != 0 {
			t.Error("something of the request is kept")
		}
	})
	t.Run("a connection without a request is closed", func(t *testing.T) {
		conn := serve(t, new(intake), table(webhook(nil)), hurry).dial(t)
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Errorf("the connection is not closed: %v", err)
		}
	})
	t.Run("a body that is cut off is not an event", func(t *testing.T) {
		in := new(intake)
		g := serve(t, in, table(webhook(nil)), nil)
		conn := g.dial(t)
		write(t, conn, "POST /webhook/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{}")
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if r := readReply(t, bufio.NewReader(conn)); r.status != 400 || len(in.kept()) > 0 {
			t.Errorf("answered %d, kept %d", r.status, len(in.kept()))
		}
	})
}

func TestLargeRequests(t *testing.T) {
	limited := webhook(func(w *Webhook) { w.Limits.Body = 100_000 })
	text := func(size int) string { return `"` + strings.Repeat("x", size-2) + `"` }
	limited.Limits.String = 1 << 20
	t.Run("an announced size over the limit is refused before the body is asked for", func(t *testing.T) {
		conn := serve(t, new(intake), table(limited), nil).dial(t)
		write(t, conn, "POST /webhook/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\nExpect: 100-continue\r\n\r\n")
		if r := readReply(t, bufio.NewReader(conn)); r.status != 413 {
			t.Errorf("answered %d", r.status)
		}
	})
	t.Run("a sender that asks whether to go on is told so", func(t *testing.T) {
		conn := serve(t, new(intake), table(limited), nil).dial(t)
		write(t, conn, "POST /webhook/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
		from := bufio.NewReader(conn)
		if r := readReply(t, from); r.status != 100 {
			t.Fatalf("answered %d", r.status)
		}
		write(t, conn, "{}")
		if r := readReply(t, from); r.status != 200 {
			t.Errorf("answered %d", r.status)
		}
	})
	t.Run("a sender that writes all before it reads gets its answer", func(t *testing.T) {
		g := serve(t, new(intake), table(limited), nil)
		for path, want := range map[string]int{"/webhook/orders": 413, "/webhook/other": 404} {
			conn := g.dial(t)
			write(t, conn, "POST "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 250000\r\n\r\n"+text(250_000))
			if r := readReply(t, bufio.NewReader(conn)); r.status != want {
				t.Errorf("%s is answered %d", path, r.status)
			}
		}
	})
	for _, size := range []int{2, 4096, 65536, 65537, 99_999, 100_000, 100_001} {
		want := map[bool]int{true: 200, false: 413}[size <= 100_000]
		t.Run(fmt.Sprintf("%d bytes of announced size get %d", size, want), func(t *testing.T) {
			in := new(intake)
			g := serve(t, in, table(limited), nil)
			r := g.post(t, "/webhook/orders", text(size))
			sameBody(t, g, in, r, want, text(size))
		})
		t.Run(fmt.Sprintf("%d bytes in chunks get %d", size, want), func(t *testing.T) {
			in := new(intake)
			g := serve(t, in, table(limited), nil)
			r := g.send(t, http.MethodPost, "/webhook/orders", io.MultiReader(strings.NewReader(text(size))))
			sameBody(t, g, in, r, want, text(size))
		})
	}
	t.Run("a header over the limit is refused", func(t *testing.T) {
		g := serve(t, new(intake), table(webhook(nil)), func(s *Server) { s.Limits.HeaderBytes = 4096 })
		conn := g.dial(t)
		write(t, conn, "POST /webhook/orders HTTP/1.1\r\nHost: x\r\nX-Large: "+strings.Repeat("x", 16<<10))
		// What follows the status line may be lost: the server closes the connection without having read all.
		if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, " 431 ") {
			t.Errorf("answered %q, %v", line, err)
		}
	})
}

func sameBody(t *testing.T, g *gateway, in *intake, r reply, status int, body string) {
	t.Helper()
	if r.status != status {
		t.Fatalf("answered %d %s", r.status, r.body)
	}
	if status == 200 && !bytes.Equal(in.kept()[0].Event.Body, []byte(body)) {
		t.Error("another body was kept")
	}
	if used := g.bodies.used.Load(); used != 0 {
		t.Errorf("%d bytes are still taken", used)
	}
}

func TestBodiesInFlight(t *testing.T) {
	release := make(chan struct{})
	entered := make(chan struct{}, 1)
	in := &intake{accept: func(_ context.Context, entry store.Entry) (store.Accepted, <-chan bool, error) {
		entered <- struct{}{}
		<-release
		return durable(entry), nil, nil
	}}
	tab := table(webhook(nil))
	tab.MaxInFlight = 1000
	g := serve(t, in, tab, nil)
	large := `"` + strings.Repeat("x", 600) + `"`
	var first sync.WaitGroup
	first.Go(func() {
		if r := g.post(t, "/webhook/orders", large); r.status != 200 {
			t.Errorf("the first one is answered %d", r.status)
		}
	})
	<-entered
	t.Run("what does not fit beside the bodies under way gets 503", func(t *testing.T) {
		if r := g.post(t, "/webhook/orders", large); r.status != 503 || r.header.Get("Retry-After") != "1" {
			t.Errorf("answered %d", r.status)
		}
	})
	t.Run("a body of unknown size too, when it grows", func(t *testing.T) {
		if r := g.send(t, http.MethodPost, "/webhook/orders", io.MultiReader(strings.NewReader(large))); r.status != 503 {
			t.Errorf("answered %d", r.status)
		}
	})
	t.Run("what fits goes on", func(t *testing.T) {
		var second sync.WaitGroup
		second.Go(func() {
			if r := g.post(t, "/webhook/orders", "{}"); r.status != 200 {
				t.Errorf("answered %d", r.status)
			}
		})
		<-entered
		close(release)
		second.Wait()
	})
	first.Wait()
}

func TestConnections(t *testing.T) {
	g := serve(t, new(intake), table(webhook(nil)), func(s *Server) { s.Limits.Connections = 1 })
	const request = "POST /webhook/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
	first, second := g.dial(t), g.dial(t)
	write(t, first, request)
	if r := readReply(t, bufio.NewReader(first)); r.status != 200 {
		t.Fatalf("answered %d", r.status)
	}
	write(t, second, request)
	if err := second.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Read(make([]byte, 1)); err == nil {
		t.Fatal("a second connection is served beside the only one allowed")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := second.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if r := readReply(t, bufio.NewReader(second)); r.status != 200 {
		t.Errorf("answered %d", r.status)
	}
}
