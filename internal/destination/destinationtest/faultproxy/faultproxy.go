// Package faultproxy gives tests a TCP proxy that breaks connections in the ways networks do: refused, reset, hanging,
// slow, cut in the middle of an answer.
//
// It knows no protocol: it passes bytes.
package faultproxy

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy passes connections on to a server until it is told to break them. What it is told holds for the connections
// that are open as well as for later ones.
type Proxy struct {
	addr, target string

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	conns    map[net.Conn]bool
	fault    fault
	done     sync.WaitGroup
}

// fault is what happens to the bytes of a connection. The zero fault passes them.
type fault struct {
	hang  bool
	delay time.Duration
	cut   bool
	after int // with cut: how many bytes of the answer pass first
}

// Start makes a proxy for the server at target (host:port), which ends with the test.
func Start(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start proxy: %v", err)
	}
	p := &Proxy{addr: listener.Addr().String(), target: target, conns: map[net.Conn]bool{}}
	p.serve(listener)
	t.Cleanup(func() {
		p.Refuse()
		p.done.Wait()
	})
	return p
}

// Addr is the address (host:port) at which the server is reached through the proxy. It stays the same.
func (p *Proxy) Addr() string { return p.addr }

// Pass makes everything work again. Bytes that hung go on.
func (p *Proxy) Pass(t testing.TB) {
	t.Helper()
	p.set(fault{})
	p.mu.Lock()
	listening := p.listener != nil
	p.mu.Unlock()
	if listening {
		return
	}
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatalf("restart proxy: %v", err)
	}
	p.serve(listener)
}

// Refuse resets all connections, and refuses new ones as a host does on which no server runs.
func (p *Proxy) Refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	p.resetAll()
}

// Hang accepts connections and swallows what is sent in either direction. Since bytes are missing then, all connections
// are reset when it ends.
func (p *Proxy) Hang() { p.set(fault{hang: true}) }

// Delay holds each piece of an answer back for that long.
func (p *Proxy) Delay(d time.Duration) { p.set(fault{delay: d}) }

// CutAnswers passes everything to the server, and n more bytes of each connection's answers; then it resets the
// connection. With 0 the server gets a request whose confirmation is lost.
func (p *Proxy) CutAnswers(n int) { p.set(fault{cut: true, after: n}) }

func (p *Proxy) set(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault.hang {
		p.resetAll()
	}
	p.fault = f
}

func (p *Proxy) resetAll() {
	for conn := range p.conns {
		reset(conn)
	}
}

func (p *Proxy) now() fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

func (p *Proxy) serve(listener net.Listener) {
	p.mu.Lock()
	p.listener = listener
	p.mu.Unlock()
	p.done.Go(func() { p.listen(listener) })
}

func (p *Proxy) listen(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		p.done.Go(func() { p.connect(client) })
	}
}

// connect passes bytes in both directions until either side ends.
func (p *Proxy) connect(client net.Conn) {
	if !p.keep(client) {
		return
	}
	defer p.drop(client)
	server, err := net.Dial("tcp", p.target)
	if err != nil || !p.keep(server) {
		reset(client)
		return
	}
	defer p.drop(server)
	var requests sync.WaitGroup
	requests.Go(func() { p.passRequests(server, client) })
	p.passAnswers(client, server)
	_ = client.Close()
	requests.Wait()
}

func (p *Proxy) passRequests(server, client net.Conn) {
	defer server.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if p.now().hang {
			continue
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *Proxy) passAnswers(client, server net.Conn) {
	buffer := make([]byte, 32<<10)
	var counted fault // the fault during which so many bytes passed
	var passed int
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		f := p.now()
		if f != counted {
			counted, passed = f, 0
		}
		switch {
		case f.hang:
			continue
		case f.cut && passed+n > f.after:
			_, _ = client.Write(buffer[:f.after-passed])
			reset(client)
			return
		}
		passed += n
		time.Sleep(f.delay)
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// keep notes an open connection; it resets it when connections are refused by now.
func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener == nil {
		reset(conn)
		return false
	}
	p.conns[conn] = true
	return true
}

func (p *Proxy) drop(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	_ = conn.Close()
}

// reset closes a connection so that the other side sees a reset rather than an orderly end.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
