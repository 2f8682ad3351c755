// Package gatewaytest runs the real gateway as a process of its own, for tests that need what only a process has: a
// configuration file, signals, crashes, a disk.
//
// It knows nothing of what is right: it starts, stops, kills, sends and asks, and the tests judge. Helpers that fail end
// the test.
package gatewaytest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binary is the gateway that Main built.
var binary string

// Main builds the gateway once, runs the tests and gives the exit code: func TestMain(m) { os.Exit(gatewaytest.Main(m)) }.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "grapnel-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if binary, err = build(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// Root is the folder of the repository.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("no go.mod above the working directory")
}

func build(dir string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "grapnel")
	cmd := exec.Command("go", "build", "-o", out, "./cmd/grapnel")
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the gateway: %w\n%s", err, output)
	}
	return out, nil
}
