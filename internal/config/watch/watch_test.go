package watch_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapnel-dev/grapnel/internal/config/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start watches files until the test ends.
func start(t *testing.T, files ...string) <-chan struct{} {
	t.Helper()
	w := watch.New(files, 20*time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return w.Changes()
}

func wantChange(t *testing.T, changes <-chan struct{}) {
	t.Helper()
	select {
	case <-changes:
	case <-time.After(10 * time.Second):
		t.Fatal("no change was told")
	}
}

func wantNone(t *testing.T, changes <-chan struct{}) {
	t.Helper()
	select {
	case <-changes:
		t.Fatal("a change was told")
	case <-time.After(150 * time.Millisecond):
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFileThatIsWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "grapnel.yaml")
	write(t, file, "one")
	changes := start(t, file)
	write(t, file, "two")
	wantChange(t, changes)
	write(t, file, "three")
	wantChange(t, changes)
}

func TestAFileThatIsReplacedByARename(t *testing.T) {
	file := filepath.Join(t.TempDir(), "grapnel.yaml")
	write(t, file, "one")
	changes := start(t, file)
	for _, content := range []string{"two", "three"} {
		write(t, file+".tmp", content)
		must(t, os.Rename(file+".tmp", file))
		wantChange(t, changes)
	}
}

// Kubernetes mounts file -> ..data/file and ..data -> ..<time>, and renames a new ..data over the old one.
func TestASymbolicLinkThatIsSwapped(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "webhooks.json")
	write(t, filepath.Join(dir, "..one", "webhooks.json"), "one")
	must(t, os.Symlink("..one", filepath.Join(dir, "..data")), os.Symlink("..data/webhooks.json", file))
	changes := start(t, file)
	for _, next := range []string{"..two", "..three"} {
		write(t, filepath.Join(dir, next, "webhooks.json"), next)
		must(t, os.Symlink(next, filepath.Join(dir, "..tmp")), os.Rename(filepath.Join(dir, "..tmp"), filepath.Join(dir, "..data")))
		wantChange(t, changes)
	}
}

func TestADirectoryThatIsSwappedElsewhere(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	write(t, filepath.Join(elsewhere, "v1", "c.yaml"), "one")
	write(t, filepath.Join(elsewhere, "v2", "c.yaml"), "two")
	current := filepath.Join(elsewhere, "current")
	must(t, os.Symlink("v1", current), os.Symlink(current, filepath.Join(dir, "conf")))
	changes := start(t, filepath.Join(dir, "conf", "c.yaml"))
	must(t, os.Symlink("v2", current+".tmp"), os.Rename(current+".tmp", current))
	wantChange(t, changes)
	write(t, filepath.Join(elsewhere, "v2", "c.yaml"), "three")
	wantChange(t, changes)
}

func TestAFileThatGoesAndComes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "conf", "grapnel.yaml")
	write(t, file, "one")
	changes := start(t, file)
	must(t, os.RemoveAll(filepath.Dir(file)))
	wantChange(t, changes)
	write(t, file, "two")
	wantChange(t, changes)
}

func TestWhatChangesNothingIsNotTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "grapnel.yaml")
	write(t, file, "one")
	changes := start(t, file)
	write(t, file, "one")
	write(t, file+".swp", "of an editor")
	wantNone(t, changes)
}

func TestAChangeBeforeTheWatchStandsIsTold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "grapnel.yaml")
	write(t, file, "one")
	w := watch.New([]string{file}, time.Millisecond)
	write(t, file, "two")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	wantChange(t, w.Changes())
	cancel()
	must(t, <-done)
}
