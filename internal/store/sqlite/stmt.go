package sqlite

import (
	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// stmt is a prepared statement. Its arguments are given in their order by int, text and blob; run or each executes it
// and makes it ready for the next use.
type stmt struct {
	conn   *conn
	handle uintptr
	bound  int32
	// base is where the statement's arguments begin in the connection's scratch: statements that run within the loop of
	// another one stack theirs above. -1: it has none there.
	base int
	// large holds arguments that do not fit into the connection's scratch, until the statement is reset.
	large []uintptr
	// refused is the first error of an argument; run and each return it.
	refused int32
}

// int gives the next argument.
func (s *stmt) int(v int64) *stmt {
	s.bound++
	s.refuse(lib.Xsqlite3_bind_int64(s.conn.tls, s.handle, s.bound, v))
	return s
}

// orNull gives the next argument: NULL for 0, which is how no time is stored.
func (s *stmt) orNull(v int64) *stmt {
	if v != 0 {
		return s.int(v)
	}
	s.bound++
	s.refuse(lib.Xsqlite3_bind_null(s.conn.tls, s.handle, s.bound))
	return s
}

// text gives the next argument. Text that is not UTF-8 is stored as it is.
func (s *stmt) text(v string) *stmt {
	p := s.room(len(v))
	copy(memory(p, len(v)), v)
	s.bound++
	s.refuse(lib.Xsqlite3_bind_text(s.conn.tls, s.handle, s.bound, p, int32(len(v)), lib.SQLITE_STATIC))
	return s
}

// blob gives the next argument.
func (s *stmt) blob(v []byte) *stmt {
	p := s.room(len(v))
	copy(memory(p, len(v)), v)
	s.bound++
	s.refuse(lib.Xsqlite3_bind_blob(s.conn.tls, s.handle, s.bound, p, int32(len(v)), lib.SQLITE_STATIC))
	return s
}

// room gives memory of the library that lives until the statement is reset. It is never nil: a nil blob would be NULL.
func (s *stmt) room(n int) uintptr {
	c := s.conn
	if s.base < 0 {
		s.base = c.scratchTaken
	}
	if c.scratchTaken+n <= scratchSize-1 {
		p := c.scratch + uintptr(c.scratchTaken)
		c.scratchTaken += n
		return p
	}
	p := libc.Xmalloc(c.tls, libc.Tsize_t(n+1))
	if p == 0 {
		panic("out of memory")
	}
	s.large = append(s.large, p)
	return p
}

func (s *stmt) refuse(code int32) {
	if code != lib.SQLITE_OK && s.refused == 0 {
		s.refused = code
	}
}

// run executes a statement that returns no rows.
func (s *stmt) run() error {
	_, err := s.step()
	s.reset()
	return err
}

// first executes a statement for its first row. When there is one it calls read, which may use the columns.
func (s *stmt) first(read func(row *stmt)) (found bool, err error) {
	defer s.reset()
	found, err = s.step()
	if found {
		read(s)
	}
	return found, err
}

// each executes a statement and calls read for every row, until it returns false.
func (s *stmt) each(read func(row *stmt) bool) error {
	defer s.reset()
	for {
		found, err := s.step()
		if err != nil || !found || !read(s) {
			return err
		}
	}
}

func (s *stmt) step() (row bool, err error) {
	if s.refused != 0 {
		return false, s.conn.fault(s.refused)
	}
	switch code := lib.Xsqlite3_step(s.conn.tls, s.handle); code {
	case lib.SQLITE_ROW:
		return true, nil
	case lib.SQLITE_DONE:
		return false, nil
	default:
		return false, s.conn.fault(code)
	}
}

// reset makes the statement ready for its next use.
func (s *stmt) reset() {
	lib.Xsqlite3_reset(s.conn.tls, s.handle)
	if s.base >= 0 {
		s.conn.scratchTaken = s.base
	}
	s.bound, s.refused, s.base = 0, 0, -1
	for _, p := range s.large {
		libc.Xfree(s.conn.tls, p)
	}
	s.large = s.large[:0]
}

// number is a column's integer; 0 for NULL.
func (s *stmt) number(column int32) int64 {
	return lib.Xsqlite3_column_int64(s.conn.tls, s.handle, column)
}

// string is a column's text, copied.
func (s *stmt) string(column int32) string {
	return string(s.view(column))
}

// bytes is a column's blob, copied; nil when it is empty.
func (s *stmt) bytes(column int32) []byte {
	return append([]byte(nil), s.view(column)...)
}

// view is a column's content until the next step.
func (s *stmt) view(column int32) []byte {
	p := lib.Xsqlite3_column_blob(s.conn.tls, s.handle, column)
	n := lib.Xsqlite3_column_bytes(s.conn.tls, s.handle, column)
	if p == 0 || n == 0 {
		return nil
	}
	return memory(p, int(n))
}
