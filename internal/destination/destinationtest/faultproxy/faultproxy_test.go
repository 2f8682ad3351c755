package faultproxy_test

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapnel-dev/grapnel/internal/destination/destinationtest/faultproxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return listener.Addr().String()
}

func dial(t *testing.T, p *faultproxy.Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// talk sends a text and gives what comes back until there is as much, or an error.
func talk(t *testing.T, conn net.Conn, text string) (string, error) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		return "", err
	}
	answer := make([]byte, len(text))
	n, err := io.ReadFull(conn, answer)
	return string(answer[:n]), err
}

func TestProxy(t *testing.T) {
	target := echo(t)
	t.Run("it passes", func(t *testing.T) {
		if got, err := talk(t, dial(t, faultproxy.Start(t, target)), "hello"); got != "hello" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("it refuses, and passes again at the same address", func(t *testing.T) {
		p := faultproxy.Start(t, target)
		conn := dial(t, p)
		if _, err := talk(t, conn, "hello"); err != nil {
			t.Fatal(err)
		}
		p.Refuse()
		if _, err := talk(t, conn, "hello"); err == nil {
			t.Error("an open connection goes on")
		}
		if _, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("dial: %v", err)
		}
		p.Pass(t)
		if got, err := talk(t, dial(t, p), "hello"); got != "hello" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("it hangs, and resets when that ends", func(t *testing.T) {
		p := faultproxy.Start(t, target)
		p.Hang()
		conn := dial(t, p)
		_ = conn.SetDeadline(time.Now().Add(50 * time.Millisecond))
		if got, err := talk(t, conn, "hello"); got != "" || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q, %v", got, err)
		}
		p.Pass(t)
		_ = conn.SetDeadline(time.Time{})
		if _, err := talk(t, conn, "hello"); err == nil {
			t.Error("a connection with bytes missing goes on")
		}
	})
	t.Run("it cuts answers, and counts from the moment it is told", func(t *testing.T) {
		p := faultproxy.Start(t, target)
		conn := dial(t, p)
		if _, err := talk(t, conn, "hello"); err != nil {
			t.Fatal(err)
		}
		p.CutAnswers(3)
		if got, err := talk(t, conn, "hello"); err == nil || len(got) > 3 {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("it delays", func(t *testing.T) {
		p := faultproxy.Start(t, target)
		p.Delay(30 * time.Millisecond)
		began := time.Now()
		if got, err := talk(t, dial(t, p), "hello"); got != "hello" || time.Since(began) < 30*time.Millisecond {
			t.Errorf("%q, %v after %s", got, err, time.Since(began))
		}
	})
}
