package sqlite_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/store/sqlite"
	"github.com/grapnel-dev/grapnel/internal/store/storetest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(runChild(dir))
	}
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t testing.TB) storetest.Harness {
		dir := t.TempDir()
		var opened *sqlite.Store
		return storetest.Harness{
			Open: func(t testing.TB) store.Store {
				opened = openStore(t, dir)
				return opened
			},
			Crash: func(t testing.TB) {
				dir = crashImage(t, dir)
				if err := opened.Close(); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

func openStore(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// crashImage copies what a crash would leave of a store: the database and its log of writes as they are on disk now.
func crashImage(t testing.TB, dir string) string {
	t.Helper()
	image := t.TempDir()
	for _, name := range []string{"grapnel.db", "grapnel.db-wal"} {
		copyFile(t, filepath.Join(dir, name), filepath.Join(image, name))
	}
	return image
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	source, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	target, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(target, source); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(target.Sync(), target.Close()); err != nil {
		t.Fatal(err)
	}
}
