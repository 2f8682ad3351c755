package sqlite

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// conn is a connection to the database: a thin layer over the transpiled library. database/sql is not between, because
// its boxed arguments and its pool cost more than most of our statements do. One goroutine at a time uses a conn; only
// interrupt may be called from others.
type conn struct {
	tls *libc.TLS
	db  uintptr
	// scratch is memory of the library into which the arguments of the running statement are copied.
	scratch      uintptr
	scratchTaken int
	stmts        map[string]*stmt
}

const (
	scratchSize = 64 << 10
	// maxPrepared bounds the statements that prepared keeps; filters make a few dozen of them.
	maxPrepared = 128
)

// dbError is an error of the database, with its extended result code.
type dbError struct {
	code    int32
	message string
}

func (e *dbError) Error() string { return e.message }

// primary is the code without its extension.
func (e *dbError) primary() int32 { return e.code & 0xff }

// open opens a connection; flags are those of sqlite3_open_v2.
func open(path string, flags int32) (*conn, error) {
	c := &conn{tls: libc.NewTLS(), stmts: map[string]*stmt{}}
	name, err := libc.CString(path)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, name)
	c.scratch = libc.Xmalloc(c.tls, scratchSize)
	handle := libc.Xmalloc(c.tls, libc.Tsize_t(unsafe.Sizeof(c.db)))
	if c.scratch == 0 || handle == 0 {
		return nil, errors.New("out of memory")
	}
	defer libc.Xfree(c.tls, handle)
	code := lib.Xsqlite3_open_v2(c.tls, name, handle, flags|lib.SQLITE_OPEN_NOMUTEX, 0)
	c.db = *(*uintptr)(pointer(handle))
	if code != lib.SQLITE_OK {
		err := c.fault(code)
		c.close()
		return nil, err
	}
	lib.Xsqlite3_extended_result_codes(c.tls, c.db, 1)
	return c, nil
}

// close closes the connection and finalizes its statements. The last one to close a database checkpoints it.
func (c *conn) close() error {
	for sql, s := range c.stmts {
		lib.Xsqlite3_finalize(c.tls, s.handle)
		delete(c.stmts, sql)
	}
	var err error
	if code := lib.Xsqlite3_close_v2(c.tls, c.db); code != lib.SQLITE_OK {
		err = c.fault(code)
	}
	libc.Xfree(c.tls, c.scratch)
	c.tls.Close()
	return err
}

// interrupt makes the running statement fail. Any goroutine may call it while the connection is open.
func (c *conn) interrupt() {
	tls := libc.NewTLS()
	defer tls.Close()
	lib.Xsqlite3_interrupt(tls, c.db)
}

// obey interrupts what runs on c when ctx ends. The function that it returns must be called before c serves somebody
// else: it waits until no interrupt can come any more.
func (c *conn) obey(ctx context.Context) (done func()) {
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.interrupt()
		close(fired)
	})
	return func() {
		if !stop() {
			<-fired
		}
	}
}

// fault makes an error of a result code and the connection's message.
func (c *conn) fault(code int32) *dbError {
	message := libc.GoString(lib.Xsqlite3_errstr(c.tls, code))
	if c.db != 0 {
		message = libc.GoString(lib.Xsqlite3_errmsg(c.tls, c.db))
	}
	return &dbError{code: code, message: fmt.Sprintf("%s (SQLite code %d)", message, code)}
}

// exec runs a script that returns nothing.
func (c *conn) exec(sql string) error {
	text, err := libc.CString(sql)
	if err != nil {
		return err
	}
	defer libc.Xfree(c.tls, text)
	if code := lib.Xsqlite3_exec(c.tls, c.db, text, 0, 0, 0); code != lib.SQLITE_OK {
		return c.fault(code)
	}
	return nil
}

// prepared gives a statement, prepared on its first use and kept. It has one user at a time.
func (c *conn) prepared(sql string) (*stmt, error) {
	if s, ok := c.stmts[sql]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxPrepared {
		c.forget()
	}
	s, err := c.prepare(sql)
	if err == nil {
		c.stmts[sql] = s
	}
	return s, err
}

// forget finalizes the statements that are not running.
func (c *conn) forget() {
	for sql, s := range c.stmts {
		if lib.Xsqlite3_stmt_busy(c.tls, s.handle) == 0 {
			lib.Xsqlite3_finalize(c.tls, s.handle)
			delete(c.stmts, sql)
		}
	}
}

func (c *conn) prepare(sql string) (*stmt, error) {
	text, err := libc.CString(sql)
	if err != nil {
		return nil, err
	}
	defer libc.Xfree(c.tls, text)
	handle := libc.Xmalloc(c.tls, libc.Tsize_t(unsafe.Sizeof(c.db)))
	defer libc.Xfree(c.tls, handle)
	if code := lib.Xsqlite3_prepare_v3(c.tls, c.db, text, -1, lib.SQLITE_PREPARE_PERSISTENT, handle, 0); code != lib.SQLITE_OK {
		return nil, fmt.Errorf("prepare %q: %w", sql, c.fault(code))
	}
	return &stmt{conn: c, handle: *(*uintptr)(pointer(handle)), base: -1}, nil
}

// pointer makes a pointer of an address in the library's memory, which the garbage collector neither moves nor frees.
func pointer(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address)) //nolint:gosec // the only way to memory that Go does not manage
}

// memory is a part of the library's memory.
func memory(address uintptr, n int) []byte {
	return unsafe.Slice((*byte)(pointer(address)), n) //nolint:gosec // n is the size that the library gave it
}

// autocommit says that no transaction is open.
func (c *conn) autocommit() bool { return lib.Xsqlite3_get_autocommit(c.tls, c.db) != 0 }
