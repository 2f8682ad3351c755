package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// process is a server that was started, and where it listens.
type process struct {
	cmd     *exec.Cmd
	address string
}

// role starts one of the benchmark's own servers and waits until it listens.
func (b *bench) role(ctx context.Context, name string, args ...string) (*process, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return b.start(ctx, address, self, append([]string{name, address}, args...)...)
}

// start runs a program whose output goes to a file named after it, and waits until it listens on the address.
func (b *bench) start(ctx context.Context, address, program string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // our own programs
	cmd.SysProcAttr = dieWithParent()
	log, err := os.OpenFile(b.logFile(program), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, address: address}
	if err := awaitListener(ctx, address); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w; its output:\n%s", filepath.Base(program), err, b.output(program)), p.kill())
	}
	return p, nil
}

func (b *bench) logFile(program string) string {
	return filepath.Join(b.dir, filepath.Base(program)+".log")
}

func (b *bench) output(program string) []byte {
	text, err := os.ReadFile(b.logFile(program))
	if err != nil {
		return []byte(err.Error())
	}
	return text[max(0, len(text)-4096):]
}

// stop asks the server to end, and waits for it.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	return ended(p.cmd.Wait())
}

// kill ends the server as a crash does.
func (p *process) kill() error {
	_ = p.cmd.Process.Kill()
	return ended(p.cmd.Wait())
}

// ended is not interested in how a process ended that was told to.
func ended(err error) error {
	if _, exited := errors.AsType[*exec.ExitError](err); exited {
		return nil
	}
	return err
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String(), nil
}

// awaitListener returns when somebody accepts connections at the address.
func awaitListener(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	return poll(ctx, 2*time.Millisecond, func() (bool, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return false, nil //nolint:nilerr // not yet
		}
		return true, conn.Close()
	})
}

// poll asks again and again until the answer is yes or an error.
func poll(ctx context.Context, every time.Duration, ask func() (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if done, err := ask(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
