// Package sqlite is the embedded store: one SQLite database in one directory, for one process.
//
// It knows nothing of policy, and of no clock. One goroutine writes: it takes the calls that have gathered, applies them
// in one transaction and makes them durable with one fsync (group commit). Readers work beside it, each on a snapshot.
// Leases are kept in memory: they die with the process, so that nothing waits for an old one after a crash, and a claim
// writes nothing.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/grapnel-dev/grapnel/internal/store"
)

// Options are what a store may be given; the zero value works.
type Options struct {
	// Logger hears why the store failed.
	Logger *slog.Logger
	// Observer is told about each commit.
	Observer store.Observer
}

// Store implements store.Store.
type Store struct {
	dir      *directory
	log      *slog.Logger
	observer store.Observer

	writer  *writer
	readers *readers
	leases  *leases
	sweeps  sweeps

	// gate is held for reading by calls that join the queue, and for writing by Close.
	gate   sync.RWMutex
	closed bool
	queue  chan *call
	// stopped is closed when the writing goroutine has returned.
	stopped chan struct{}

	fail    sync.Once
	failed  chan struct{}
	failure error
}

var _ store.Store = (*Store)(nil)

// queueLength bounds the calls that wait for the writer; events beyond it are refused, so that senders are told early.
const queueLength = 4096

// Open opens the store in dir, which it creates if need be, and locks it for this process. It blocks for some reads and
// one or two fsyncs, however large the store is; after a crash also until the log of writes that were not yet copied into
// the database (about 4 MB) has been read.
//
// A database file that is corrupt is set aside, never overwritten, and Open returns an error that says where it is: the
// next Open begins a fresh store. ctx bounds the opening only.
func Open(ctx context.Context, dir string, opts Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	// A commit needs the data and the size on the disk, not the time stamps. Not every system has fdatasync.
	if _, err := driver.Fdatasync(true); err != nil && !errors.Is(err, driver.ErrFdatasyncUnavailable) {
		return nil, err
	}
	d, err := openDirectory(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{
		dir: d, log: opts.Logger, observer: opts.Observer, leases: newLeases(),
		queue: make(chan *call, queueLength), stopped: make(chan struct{}), failed: make(chan struct{}),
	}
	if err := s.openDatabase(); err != nil {
		return nil, errors.Join(d.explain(err), d.close())
	}
	go s.writeGroups()
	return s, nil
}

func (s *Store) openDatabase() (err error) {
	if err := s.dir.check(); err != nil {
		return err
	}
	c, err := open(s.dir.database(), lib.SQLITE_OPEN_READWRITE|lib.SQLITE_OPEN_CREATE)
	if err != nil {
		return err
	}
	if s.writer, err = newWriter(c, s.leases); err != nil {
		return errors.Join(err, c.close())
	}
	if err = s.dir.sync(); err == nil {
		s.readers, err = openReaders(s.dir.database())
	}
	if err != nil {
		return errors.Join(err, c.close())
	}
	return nil
}

// Failed is closed when the store has failed for good.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// Err says why the store has failed; nil while it works.
func (s *Store) Err() error {
	select {
	case <-s.failed:
		return s.failure
	default:
		return nil
	}
}

// Close makes what has gathered durable and closes the files. It waits for calls that are under way.
func (s *Store) Close() error {
	s.gate.Lock()
	if s.closed {
		s.gate.Unlock()
		return nil
	}
	s.closed = true
	close(s.queue)
	s.gate.Unlock()
	<-s.stopped
	return errors.Join(s.readers.close(), s.writer.close(), s.dir.close())
}

// note looks at an error of the database: after some of them nothing can be trusted to become durable any more.
func (s *Store) note(err error) {
	fault, ok := errors.AsType[*dbError](err)
	if !ok || !fault.fatal() {
		return
	}
	s.fail.Do(func() {
		s.failure = s.dir.suspect(fault)
		s.log.Error("the store has failed", "error", s.failure)
		close(s.failed)
	})
}

// fatal says that the database cannot be used any more: data may be lost on its way to the disk, or was found damaged.
// A failed fsync is never tried again: the system may have dropped the data and would report success.
func (e *dbError) fatal() bool {
	switch e.code {
	case lib.SQLITE_IOERR_FSYNC, lib.SQLITE_IOERR_DIR_FSYNC:
		return true
	}
	return e.corrupt()
}

// corrupt says that the file's content is damaged.
func (e *dbError) corrupt() bool {
	return e.primary() == lib.SQLITE_CORRUPT || e.primary() == lib.SQLITE_NOTADB
}

// unavailable makes an error for callers out of what the database said.
func (s *Store) unavailable(err error) error {
	fault, ok := errors.AsType[*dbError](err)
	if !ok {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	switch fault.primary() {
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w: no space left for the store in %s: %w", store.ErrUnavailable, s.dir.path, err)
	case lib.SQLITE_READONLY:
		return fmt.Errorf("%w: the store in %s cannot be written: %w", store.ErrUnavailable, s.dir.path, err)
	default:
		return fmt.Errorf("%w: the store in %s: %w", store.ErrUnavailable, s.dir.path, err)
	}
}
