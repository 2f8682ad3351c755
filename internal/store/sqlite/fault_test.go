package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/grapnel-dev/grapnel/internal/store"
	"github.com/grapnel-dev/grapnel/internal/store/sqlite"
)

// pageSize is that of the database.
const pageSize = 8192

func TestKilledProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var accepted, settled []string
	for round := range 4 {
		c := startChild(t, dir, nil)
		c.read(50 + 150*round)
		c.kill(t)
		accepted, settled = append(accepted, c.accepted...), append(settled, c.settled...)
		if len(c.accepted) == 0 {
			t.Fatalf("round %d confirmed nothing: %s", round, c.last)
		}
		s := openStore(t, dir)
		for _, missing := range lost(t, s, accepted, settled) {
			t.Error("lost by a kill:", missing)
		}
		wantBalance(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d events, %d settlements", len(accepted), len(settled))
}

func TestDirectory(t *testing.T) {
	open := func(dir string) error {
		s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
		if err == nil {
			return errors.Join(s.Close(), errors.New("it was opened"))
		}
		return err
	}
	t.Run("the store is private to its owner", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "new", "store")
		s := openStore(t, dir)
		defer s.Close()
		for path, want := range map[string]os.FileMode{
			dir: os.ModeDir | 0o700, dir + "/grapnel.db": 0o600, dir + "/grapnel.db-wal": 0o600, dir + "/grapnel.lock": 0o600,
		} {
			info, err := os.Stat(path)
			if err != nil || info.Mode() != want {
				t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
			}
		}
	})
	t.Run("a second process is refused", func(t *testing.T) {
		dir := t.TempDir()
		s := openStore(t, dir)
		defer s.Close()
		wantText(t, open(dir), dir, "in use by another process")
	})
	t.Run("after Close another one may open it", func(t *testing.T) {
		dir := t.TempDir()
		if err := openStore(t, dir).Close(); err != nil {
			t.Fatal(err)
		}
		if err := openStore(t, dir).Close(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a path that is no directory is refused", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		wantText(t, open(file), file)
	})
	t.Run("a directory that cannot be written is refused", func(t *testing.T) {
		dir := t.TempDir()
		if os.Geteuid() == 0 {
			mountTmpfs(t, dir, "ro")
		} else if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		wantText(t, open(dir), dir, "must be writable")
	})
	t.Run("a database of a newer program is refused and left alone", func(t *testing.T) {
		dir := t.TempDir()
		if err := openStore(t, dir).Close(); err != nil {
			t.Fatal(err)
		}
		spoil(t, filepath.Join(dir, "grapnel.db"), 60, []byte{0, 0, 0, 99}) // PRAGMA user_version
		wantText(t, open(dir), dir, "schema version 99", "newer program")
		if _, err := os.Stat(filepath.Join(dir, "grapnel.db")); err != nil {
			t.Error(err)
		}
	})
}

func TestCorruptDatabase(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, database string){
		"which is something else": func(t *testing.T, database string) {
			if err := os.WriteFile(database, bytes.Repeat([]byte("not a database\n"), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"whose header is damaged": func(t *testing.T, database string) { spoil(t, database, 0, []byte("XXXX")) },
		"which is cut off": func(t *testing.T, database string) {
			if err := os.Truncate(database, 3*pageSize); err != nil {
				t.Fatal(err)
			}
		},
		"of which a page is damaged": func(t *testing.T, database string) { spoil(t, database, 2*pageSize, make([]byte, pageSize)) },
	} {
		t.Run("a file "+name+" is set aside, never overwritten", func(t *testing.T) {
			dir := t.TempDir()
			database := filepath.Join(dir, "grapnel.db")
			s := openStore(t, dir)
			if _, err := s.Accept(t.Context(), benchEntry()); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			damage(t, database)
			damaged, err := os.ReadFile(database)
			if err != nil {
				t.Fatal(err)
			}
			_, err = sqlite.Open(t.Context(), dir, sqlite.Options{})
			wantText(t, err, database, "is corrupt", "set aside as "+database+".corrupt-", "Start again")
			aside, _ := filepath.Glob(database + ".corrupt-*")
			if len(aside) != 1 {
				t.Fatalf("set aside: %v", aside)
			}
			if kept, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(kept, damaged) {
				t.Errorf("the file that was set aside has changed: %v", err)
			}
			fresh := openStore(t, dir)
			defer fresh.Close()
			if _, err := fresh.Accept(t.Context(), benchEntry()); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("damage that a running store meets ends it, and the next start finds it", func(t *testing.T) {
		dir := t.TempDir()
		database := filepath.Join(dir, "grapnel.db")
		s := openStore(t, dir)
		entry := benchEntry()
		entry.Event.Body = make([]byte, 30<<20) // too large to be read at every start
		for range 3 {
			if _, err := s.Accept(t.Context(), benchEntry()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Accept(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for page := int64(3); page < 40; page++ {
			spoil(t, database, page*pageSize, make([]byte, pageSize))
		}
		s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
		if err == nil {
			_, err = s.Accept(t.Context(), benchEntry())
			if !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("got %v", err)
			}
			<-s.Failed()
			wantText(t, s.Err(), "damaged", "the next start examines it")
			if err := s.Close(); err != nil {
				t.Log("close:", err)
			}
			_, err = sqlite.Open(t.Context(), dir, sqlite.Options{})
		}
		wantText(t, err, "is corrupt", "set aside")
	})
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	mountTmpfs(t, dir, "size=6m")
	s := openStore(t, dir)
	defer s.Close()
	if _, err := s.Accept(t.Context(), benchEntry()); err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(dir, "ballast")
	_ = os.WriteFile(ballast, make([]byte, 16<<20), 0o600) // until the disk is full
	var accepted []string
	refused := 0
	for range 2000 {
		got, err := s.Accept(t.Context(), benchEntry())
		if err == nil {
			accepted = append(accepted, got.EventID)
			continue
		}
		refused++
		if !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
		if refused == 1 {
			wantText(t, err, "no space left", dir)
		}
	}
	if refused == 0 || s.Err() != nil {
		t.Fatalf("refused %d, failed: %v", refused, s.Err())
	}
	wantBalance(t, s)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		got, err := s.Accept(t.Context(), benchEntry())
		if err != nil {
			t.Fatal("when there is space again:", err)
		}
		accepted = append(accepted, got.EventID)
	}
	if missing := lost(t, s, accepted, nil); len(missing) > 0 {
		t.Error(missing)
	}
	wantBalance(t, s)
}

// A quota is met as a failing write rather than as a full disk.
func TestFileSizeLimit(t *testing.T) {
	dir := t.TempDir()
	c := startChild(t, dir, []string{childLimit + "=2000000"})
	if err := c.wait(); err == nil {
		t.Fatal("the limit was not met")
	}
	if !strings.Contains(c.last, store.ErrUnavailable.Error()) {
		t.Errorf("the last line is %q", c.last)
	}
	s := openStore(t, dir)
	defer s.Close()
	if missing := lost(t, s, c.accepted, c.settled); len(missing) > 0 || len(c.accepted) == 0 {
		t.Errorf("of %d accepted are lost: %v", len(c.accepted), missing)
	}
	wantBalance(t, s)
}

func TestFailedSync(t *testing.T) {
	strace := needStrace(t)
	dir := t.TempDir()
	c := startChild(t, dir, nil, strace, "-f", "-qq", "-o", os.DevNull, "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=60+")
	start := time.Now()
	err := c.wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 2 {
		t.Fatalf("after %v: %v; the last line is %q", time.Since(start), err, c.last)
	}
	for _, want := range []string{"did not confirm a write", "then: store unavailable: failed"} {
		if !strings.Contains(c.last, want) {
			t.Errorf("%q does not say %q", c.last, want)
		}
	}
	s := openStore(t, dir)
	defer s.Close()
	if missing := lost(t, s, c.accepted, c.settled); len(missing) > 0 || len(c.accepted) == 0 {
		t.Errorf("of %d accepted are lost: %v", len(c.accepted), missing)
	}
}

func wantText(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

// spoil overwrites a part of a file.
func spoil(t *testing.T, path string, offset int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(data, offset); err != nil {
		t.Fatal(err)
	}
}

// mountTmpfs puts a small disk at a directory; without the right to do so the test is skipped.
func mountTmpfs(t *testing.T, dir, options string) {
	t.Helper()
	flags := uintptr(0)
	if options == "ro" {
		flags, options = syscall.MS_RDONLY, ""
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
		t.Skip("SKIPPED, not run: this test needs the right to mount a small disk:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// needStrace finds strace, with which the tests of power cuts see the system calls. It is missing on some machines of
// developers, but never in CI.
func needStrace(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("strace")
	switch {
	case err == nil:
	case os.Getenv("CI") != "":
		t.Fatal("strace must be there in CI:", err)
	default:
		t.Skip("SKIPPED, not run: install strace to test power cuts and failing fsyncs:", err)
	}
	return path
}
