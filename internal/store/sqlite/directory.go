package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	lib "modernc.org/sqlite/lib"
)

const (
	databaseName = "grapnel.db"
	lockName     = "grapnel.lock"
	// suspectName marks a database in which a running store found damage: the next opening reads all of it.
	suspectName = "grapnel.suspect"
	// smallEnough is the size up to which every opening reads the whole file, in about a tenth of a second.
	smallEnough = 16 << 20
)

// directory is where a store lives, locked for this process.
type directory struct {
	path string
	lock *os.File
}

func openDirectory(path string) (*directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("create the directory of the store: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator says where the store is
	if err != nil {
		return nil, fmt.Errorf("the store's directory must be writable by this process: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("the store in %s is in use by another process: stop that one, or choose another directory", path)
		}
		return nil, fmt.Errorf("lock the store in %s: %w", path, err)
	}
	return &directory{path: path, lock: lock}, nil
}

func (d *directory) database() string { return filepath.Join(d.path, databaseName) }

// sync makes the directory's entries durable: SQLite does not do that for a database file that it creates.
func (d *directory) sync() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// close gives the lock back.
func (d *directory) close() error { return d.lock.Close() }

// check looks for damage in an existing database before it is used, in bounded time unless a running store found some.
func (d *directory) check() error {
	if err := d.createPrivately(); err != nil {
		return err
	}
	c, err := open(d.database(), lib.SQLITE_OPEN_READWRITE)
	if err != nil {
		return err
	}
	return errors.Join(d.examine(c), c.close())
}

// createPrivately creates the file, so that it is readable by its owner only; SQLite gives its other files the same mode.
func (d *directory) createPrivately() error {
	f, err := os.OpenFile(d.database(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("the store's files must be writable by this process: %w", err)
	}
	return f.Close()
}

func (d *directory) examine(c *conn) error {
	if err := c.exec("SELECT count(*) FROM sqlite_schema"); err != nil {
		return err
	}
	info, err := os.Stat(d.database())
	if err != nil {
		return err
	}
	if info.Size() > smallEnough && !d.suspected() {
		return nil
	}
	check, err := c.prepared("PRAGMA quick_check(1)")
	if err != nil {
		return err
	}
	verdict := ""
	if _, err := check.first(func(row *stmt) { verdict = row.string(0) }); err != nil {
		return err
	}
	if verdict != "ok" {
		return &dbError{code: lib.SQLITE_CORRUPT, message: verdict}
	}
	return d.acquit()
}

func (d *directory) suspectFile() string { return filepath.Join(d.path, suspectName) }

func (d *directory) suspected() bool {
	_, err := os.Stat(d.suspectFile())
	return err == nil
}

func (d *directory) acquit() error {
	if err := os.Remove(d.suspectFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// suspect says what a fatal error means, and sees to it that the next opening reads a damaged file to its end.
func (d *directory) suspect(fault *dbError) error {
	if !fault.corrupt() {
		return fmt.Errorf("the disk of the store in %s did not confirm a write; check the disk, then start again: %w", d.path, fault)
	}
	err := os.WriteFile(d.suspectFile(), nil, 0o600)
	return errors.Join(fmt.Errorf("the database of the store in %s is damaged; the next start examines it: %w", d.path, fault), err)
}

// explain sets a corrupt database aside and says so; it returns other errors as they are, with the store's place.
func (d *directory) explain(err error) error {
	fault, ok := errors.AsType[*dbError](err)
	if !ok || !fault.corrupt() {
		return fmt.Errorf("open the store in %s: %w", d.path, err)
	}
	aside, moveErr := d.setAside(time.Now())
	if moveErr != nil {
		return fmt.Errorf("the database %s is corrupt (%w) and could not be set aside: %w", d.database(), err, moveErr)
	}
	return fmt.Errorf("the database %s is corrupt (%w). It was set aside as %s, nothing was overwritten. Start again to begin with "+
		"an empty store, or put a backup in its place first; undelivered events may be recoverable from the file that was set aside",
		d.database(), err, aside)
}

// setAside renames the database and its companions to names that nobody has.
func (d *directory) setAside(now time.Time) (string, error) {
	suffix := ".corrupt-" + now.UTC().Format("20060102T150405.000000000Z")
	for _, companion := range []string{"-wal", "-shm", ""} {
		err := os.Rename(d.database()+companion, d.database()+suffix+companion)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return d.database() + suffix, errors.Join(d.acquit(), d.sync())
}
