package ingress

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// firstChunk is how much is allocated before a byte of the body has come: a sender that only announces a large body
// costs no more than that.
const firstChunk = 64 << 10

// smallestChunk is where a body of unknown length begins.
const smallestChunk = 4 << 10

// budget counts the bytes that the bodies of all requests under way take.
type budget struct{ used atomic.Int64 }

func (b *budget) reserve(n, limit int64) bool {
	if used := b.used.Add(n); limit > 0 && used > limit {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) release(n int64) { b.used.Add(-n) }

// read reads the body within the limits. Of the memory that it took, cap(x.body) bytes are reserved when it returns
// nil, and none when it returns an error.
func (x *exchange) read() error {
	limit, most := x.hook.Limits.Body, x.r.ContentLength
	if most > limit {
		return errTooLarge(limit)
	}
	source, size := io.Reader(x.r.Body), min(most, firstChunk)
	if most < 0 {
		most = limit + 1
		source, size = http.MaxBytesReader(x.w, x.r.Body, limit), min(most, smallestChunk)
	}
	if !x.bodies.reserve(size, x.table.MaxInFlight) {
		return errOverloaded()
	}
	x.body = make([]byte, 0, size)
	if err := x.fill(source, most); err != nil {
		x.bodies.release(int64(cap(x.body)))
		return bodyError(err, limit)
	}
	x.receivedAt = time.Now()
	return nil
}

// fill reads until the end of the body, of which there are at most so many bytes. (A body that is shorter than it was
// announced ends with io.ErrUnexpectedEOF.)
func (x *exchange) fill(source io.Reader, most int64) error {
	for int64(len(x.body)) < most {
		if len(x.body) == cap(x.body) {
			if err := x.grow(most); err != nil {
				return err
			}
		}
		n, err := source.Read(x.body[len(x.body):cap(x.body)])
		x.body = x.body[:len(x.body)+n]
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// grow doubles the room for the body.
func (x *exchange) grow(most int64) error {
	before := int64(cap(x.body))
	after := min(2*before, most)
	if !x.bodies.reserve(after, x.table.MaxInFlight) {
		return errOverloaded()
	}
	x.body = append(make([]byte, 0, after), x.body...)
	x.bodies.release(before)
	return nil
}

func bodyError(err error, limit int64) error {
	if _, ok := errors.AsType[*rejection](err); ok {
		return err
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errTooLarge(limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return errTooSlow()
	}
	return errCut(err)
}

// discardRest takes what is left of a body that is not wanted: a sender that is still writing when the connection is
// closed gets a reset instead of its answer. Of a body that goes on and on only so much is taken; net/http then waits a
// moment before it closes. A sender that asked whether to go on (Expect) is answered without its body.
func (x *exchange) discardRest() {
	const most = 256 << 10
	if x.r.Header.Get("Expect") == "" {
		_, _ = io.Copy(io.Discard, http.MaxBytesReader(x.w, x.r.Body, most)) // its end and its errors matter no more
	}
}
