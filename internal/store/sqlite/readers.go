package sqlite

import (
	"context"
	"errors"
	"fmt"

	lib "modernc.org/sqlite/lib"

	"github.com/grapnel-dev/grapnel/internal/store"
)

// readers is a pool of connections that can only read. Each read sees a snapshot of what was durable when it began and
// never waits for the writer.
type readers struct {
	idle chan *conn
}

const readerCount = 4

func openReaders(path string) (*readers, error) {
	r := &readers{idle: make(chan *conn, readerCount)}
	for range readerCount {
		c, err := open(path, lib.SQLITE_OPEN_READONLY)
		if err == nil {
			r.idle <- c
			err = c.exec("PRAGMA cache_size = -4096; PRAGMA temp_store = MEMORY;")
		}
		if err != nil {
			return nil, errors.Join(err, r.closeIdle())
		}
	}
	return r, nil
}

// close waits until all reads have ended.
func (r *readers) close() error {
	var errs error
	for range readerCount {
		c := <-r.idle
		errs = errors.Join(errs, c.close())
	}
	return errs
}

func (r *readers) closeIdle() error {
	var errs error
	for len(r.idle) > 0 {
		c := <-r.idle
		errs = errors.Join(errs, c.close())
	}
	return errs
}

// read runs do on a connection, in one transaction: all of its statements see the same snapshot. It blocks until a
// connection is free; when ctx ends the running statement is interrupted.
func (s *Store) read(ctx context.Context, do func(c *conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.gate.RLock()
	if s.closed {
		s.gate.RUnlock()
		return fmt.Errorf("%w: closed", store.ErrUnavailable)
	}
	var c *conn
	select {
	case c = <-s.readers.idle:
		s.gate.RUnlock()
	case <-ctx.Done():
		s.gate.RUnlock()
		return ctx.Err()
	}
	defer func() { s.readers.idle <- c }()
	err := c.snapshot(ctx, do)
	if ctx.Err() != nil && err != nil {
		return ctx.Err()
	}
	if fault, ok := errors.AsType[*dbError](err); ok {
		s.note(fault)
		return s.unavailable(err)
	}
	return err
}

func (c *conn) snapshot(ctx context.Context, do func(c *conn) error) error {
	if err := c.exec("BEGIN"); err != nil {
		return err
	}
	done := c.obey(ctx)
	err := do(c)
	done()
	return errors.Join(err, c.exec("COMMIT"))
}
