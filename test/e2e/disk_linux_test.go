package e2e

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/grapnel-dev/grapnel/test/gatewaytest"
)

// disk mounts a small file system. Without the right to do so the test is skipped, but never where CI is set.
func disk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options)
	switch {
	case errors.Is(err, syscall.EPERM) && os.Getenv("CI") == "":
		t.Skip("NOT TESTED: a full disk. It needs the right to mount a file system: run as root, or in CI")
	case err != nil:
		t.Fatalf("mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestAFullDisk(t *testing.T) {
	dir := disk(t, "size=24m")
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	g := gatewaytest.New(t, "")
	g.Store = filepath.Join(dir, "store")
	g.Configure(`  orders: {respond: {within: 0s}, retry: {enabled: true, max_attempts: 1000}, module: http_webhook, module-config: {url: "` + unreachable(t) + `"}}`)
	g.Start()
	body := `{"padding":"` + strings.Repeat("x", 100<<10) + `"}`
	var kept []string
	post := func() gatewaytest.Answer {
		answer := g.Post("orders", body)
		if answer.Accepted() {
			kept = append(kept, answer.ID)
		} else if answer.Code != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
			t.Fatalf("answered %+v, want 202 or 503 with Retry-After", answer)
		}
		return answer
	}
	for post().Accepted() {
		if len(kept) > 1000 {
			t.Fatal("the disk never became full")
		}
	}
	t.Logf("the disk was full after %d events of 100 KiB", len(kept))
	for range 5 {
		post()
	}
	if g.Ended() {
		t.Fatalf("a full disk ended the process; its output:\n%s", g.Log())
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	gatewaytest.Eventually(t, soon, "events are accepted again when there is space", func() bool { return post().Accepted() })
	g.Kill()
	g.Start()
	for _, id := range kept {
		reader, err := g.Admin.Body(t.Context(), id)
		if err != nil {
			t.Fatalf("event %s was answered 2xx and is not there after a kill: %v", id, err)
		}
		content, err := io.ReadAll(reader)
		if closeErr := reader.Close(); err != nil || closeErr != nil || string(content) != body {
			t.Fatalf("event %s: %d bytes, %v, %v", id, len(content), err, closeErr)
		}
	}
}

func TestAReadOnlyDirectory(t *testing.T) {
	dir := disk(t, "size=1m")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	g := gatewaytest.New(t, "")
	g.Store = dir
	g.Configure("  orders: {module: log}")
	g.Launch()
	if code := g.AwaitExit(); code == 0 {
		t.Error("exit code 0 without a store")
	}
	if told := g.Log(); !strings.Contains(told, dir) || !strings.Contains(told, "read-only") {
		t.Errorf("the operator is not told which directory and why:\n%s", told)
	}
}

func TestACorruptDatabaseIsSetAside(t *testing.T) {
	g := gateway(t, "  orders: {module: log}", nil)
	for range 50 {
		g.Post("orders", `{}`)
	}
	g.Stop()
	database := filepath.Join(g.Store, "grapnel.db")
	damaged, err := os.ReadFile(database)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 64 { // the header, as a misdirected write would leave it
		damaged[i] ^= 0xff
	}
	if err := os.WriteFile(database, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	g.Launch()
	if code := g.AwaitExit(); code == 0 {
		t.Error("exit code 0 on a corrupt database")
	}
	aside := fileWith(t, g.Store, damaged)
	if aside == "" || aside == database {
		t.Fatalf("the corrupt file was not set aside (%q)", aside)
	}
	if !strings.Contains(g.Log(), filepath.Base(aside)) {
		t.Errorf("the operator is not told of %s:\n%s", aside, g.Log())
	}
	g.Start() // the operator was told: now with an empty store
	if answer := g.Post("orders", `{}`); answer.Code != http.StatusOK {
		t.Errorf("the fresh store answered %d", answer.Code)
	}
	if fileWith(t, g.Store, damaged) != aside {
		t.Error("the file that was set aside was changed")
	}
}

// fileWith finds the file that has this content.
func fileWith(t *testing.T, dir string, content []byte) (found string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		if bytes.Equal(text, content) {
			found = name
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
