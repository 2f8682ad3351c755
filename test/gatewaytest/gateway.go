package gatewaytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/admin/api"
)

// patience is how long a gateway may take to start or to stop. It is long: a slow machine fails no test.
const patience = 60 * time.Second

// Gateway is a gateway with a configuration file, a store and addresses that stay the same from start to start.
type Gateway struct {
	// URL is where senders reach it, AdminURL where operators do.
	URL, AdminURL string
	Admin         *api.Client
	// Store is its directory, Config its configuration file. A test may set both before the first start.
	Store, Config string

	t      testing.TB
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process has ended
	log    *logBuffer
}

// New prepares a gateway whose configuration holds the webhooks (YAML, what stands beneath the key webhooks); it is
// killed when the test ends.
func New(t testing.TB, webhooks string) *Gateway {
	t.Helper()
	dir := t.TempDir()
	listen, admin := freeAddress(t), freeAddress(t)
	g := &Gateway{
		URL: "http://" + listen, AdminURL: "http://" + admin,
		Store: filepath.Join(dir, "store"), Config: filepath.Join(dir, "config", "grapnel.yaml"), t: t, log: &logBuffer{},
	}
	var err error
	if g.Admin, err = api.NewClient(g.AdminURL, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Dir(g.Config), 0o700); err != nil {
		t.Fatal(err)
	}
	g.Configure(webhooks)
	t.Cleanup(g.Kill)
	return g
}

// Configure writes a configuration with these webhooks. A running gateway is not told, but may watch the file.
func (g *Gateway) Configure(webhooks string) {
	g.t.Helper()
	if err := os.WriteFile(g.Config, []byte(g.Document(webhooks)), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// Document is the whole text of a configuration with these webhooks.
func (g *Gateway) Document(webhooks string) string {
	return fmt.Sprintf("server: {listen: %q}\nadmin: {listen: %q}\nstore: %q\nwebhooks:\n%s\n",
		g.URL[len("http://"):], g.AdminURL[len("http://"):], g.Store, webhooks)
}

// Start starts the gateway and waits until it is ready.
func (g *Gateway) Start(flags ...string) {
	g.t.Helper()
	g.Launch(flags...)
	g.AwaitReady()
}

// Launch starts the gateway and does not wait.
func (g *Gateway) Launch(flags ...string) {
	g.t.Helper()
	g.cmd = exec.Command(binary, append([]string{"serve", "--config", g.Config}, flags...)...)
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	g.exited = make(chan struct{})
	go func(cmd *exec.Cmd, exited chan<- struct{}) {
		_ = cmd.Wait() // how it ended is read from its state
		close(exited)
	}(g.cmd, g.exited)
}

// AwaitReady waits until the gateway accepts events. It ends the test when the process has ended instead.
func (g *Gateway) AwaitReady() {
	g.t.Helper()
	Eventually(g.t, patience, "the gateway is ready", func() bool {
		if g.Ended() {
			g.t.Fatalf("the gateway ended (%v); its output:\n%s", g.cmd.ProcessState, g.Log())
		}
		return g.Ready()
	})
}

// Ready says whether /readyz says so.
func (g *Gateway) Ready() bool {
	response, err := client.Get(g.AdminURL + "/readyz")
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Ended says whether the process has ended.
func (g *Gateway) Ended() bool {
	select {
	case <-g.exited:
		return true
	default:
		return false
	}
}

// Signal sends a signal to the process.
func (g *Gateway) Signal(signal syscall.Signal) {
	g.t.Helper()
	if err := g.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		g.t.Fatal(err)
	}
}

// Kill ends the process as a crash does, and waits for its end. It does nothing when none runs.
func (g *Gateway) Kill() {
	if g.cmd == nil || g.cmd.Process == nil {
		return
	}
	_ = g.cmd.Process.Kill()
	<-g.exited
}

// Stop asks the process to end, waits for it and gives the exit code.
func (g *Gateway) Stop() int {
	g.t.Helper()
	g.Signal(syscall.SIGTERM)
	return g.AwaitExit()
}

// AwaitExit waits until the process has ended and gives the exit code; -1 after a signal.
func (g *Gateway) AwaitExit() int {
	g.t.Helper()
	select {
	case <-g.exited:
	case <-time.After(patience):
		g.t.Fatalf("the gateway did not end within %v; its output:\n%s", patience, g.Log())
	}
	return g.cmd.ProcessState.ExitCode()
}

// Pid is the process's id.
func (g *Gateway) Pid() int { return g.cmd.Process.Pid }

// Log is everything the gateway has written, over all starts.
func (g *Gateway) Log() string { return g.log.String() }

// Run runs another command of the gateway ("check", "events", …) against this one, and gives its output and exit code.
func (g *Gateway) Run(args ...string) (output string, code int) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	text, err := cmd.CombinedOutput()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		g.t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// logBuffer keeps what processes write, from any goroutine.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
