package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/grapnel-dev/grapnel/internal/store"
)

// call is something that the writer shall do. It is applied within a group and answered after the group's commit.
type call struct {
	ctx context.Context
	// do applies the call in the writer's transaction. An error that it returns is the caller's own and must come before
	// its first write; an error of the database fails the whole group.
	do   func(w *writer) error
	err  error
	done chan struct{}
}

// maxGroup bounds a group, so that its first call does not wait for long.
const maxGroup = 512

// write has the writer do something and waits until that is durable. ctx is obeyed until the writer takes the call.
func (s *Store) write(ctx context.Context, do func(w *writer) error) error {
	c := &call{ctx: ctx, do: do, done: make(chan struct{})}
	if err := s.enqueue(c); err != nil {
		return err
	}
	<-c.done
	return c.err
}

func (s *Store) enqueue(c *call) error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if err := s.refusal(); err != nil {
		return err
	}
	select {
	case s.queue <- c:
		return nil
	case <-c.ctx.Done():
		return notJoined(c.ctx)
	}
}

// writeUnlessFull is write for calls that rather fail than wait for a place in the queue.
func (s *Store) writeUnlessFull(ctx context.Context, do func(w *writer) error) error {
	if len(s.queue) == cap(s.queue) {
		return fmt.Errorf("%w: overloaded, %d writes are waiting", store.ErrUnavailable, cap(s.queue))
	}
	return s.write(ctx, do)
}

// refusal says why nothing can be written any more.
func (s *Store) refusal() error {
	if err := s.Err(); err != nil {
		return fmt.Errorf("%w: failed: %w", store.ErrUnavailable, err)
	}
	if s.closed {
		return fmt.Errorf("%w: closed", store.ErrUnavailable)
	}
	return nil
}

func notJoined(ctx context.Context) error {
	return fmt.Errorf("%w: %w while waiting for the writer", store.ErrUnavailable, ctx.Err())
}

// writeGroups is the writing goroutine. It returns when the queue has been closed and is empty.
func (s *Store) writeGroups() {
	defer close(s.stopped)
	group := make([]*call, 0, maxGroup)
	for first := range s.queue {
		group = s.gather(append(group[:0], first))
		s.commit(group)
		clear(group)
	}
}

// gather adds what else is waiting. It yields first: those whose calls the last group answered get the time to come
// back, which doubles the size of groups.
func (s *Store) gather(group []*call) []*call {
	for range 4 {
		runtime.Gosched()
	}
	for len(group) < maxGroup {
		select {
		case c, ok := <-s.queue:
			if !ok {
				return group
			}
			group = append(group, c)
		default:
			return group
		}
	}
	return group
}

// commit applies a group, makes it durable and answers its calls.
func (s *Store) commit(group []*call) {
	took, err := s.apply(group)
	if err != nil {
		s.note(err)
		err = s.unavailable(err)
	} else if s.observer != nil {
		s.observer.Committed(len(group), took)
	}
	for _, c := range group {
		if err != nil {
			c.err = err
		}
		close(c.done)
	}
}

// apply applies the calls of a group in one transaction. When it fails, nothing of any of them is kept.
func (s *Store) apply(group []*call) (took time.Duration, err error) {
	if err := s.refusalAfterFailure(); err != nil {
		return 0, err
	}
	if err := s.writer.begin(); err != nil {
		return 0, err
	}
	for _, c := range group {
		if c.err = s.writer.apply(c); isDatabase(c.err) {
			return 0, errors.Join(c.err, s.writer.rollback())
		}
	}
	started := time.Now()
	if err := s.writer.commit(); err != nil {
		return 0, errors.Join(err, s.writer.rollback())
	}
	return time.Since(started), nil
}

// refusalAfterFailure keeps calls that were queued when the store failed from being applied.
func (s *Store) refusalAfterFailure() error {
	if err := s.Err(); err != nil {
		return fmt.Errorf("failed: %w", err)
	}
	return nil
}

func isDatabase(err error) bool {
	_, ok := errors.AsType[*dbError](err)
	return ok
}
