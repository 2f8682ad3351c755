package savetodisk

import (
	"io/fs"
	"syscall"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/fault"
)

func TestClassify(t *testing.T) {
	for errno, want := range map[syscall.Errno]fault.Error{
		syscall.ENOSPC:       {Class: fault.ResourceExhausted, Code: codeDiskFull},
		syscall.EDQUOT:       {Class: fault.ResourceExhausted, Code: codeDiskFull},
		syscall.EMFILE:       {Class: fault.ResourceExhausted, Code: "too_many_open_files"},
		syscall.EACCES:       {Class: fault.PermissionDenied},
		syscall.EROFS:        {Class: fault.PermissionDenied, Code: codeReadOnly},
		syscall.EIO:          {Class: fault.ServiceUnavailable, Code: codeIO},
		syscall.ENOENT:       {Class: fault.NotFound},
		syscall.ENOTDIR:      {Class: fault.ConfigurationError},
		syscall.ENAMETOOLONG: {Class: fault.ConfigurationError},
		syscall.EBUSY:        {Class: fault.UnknownError},
	} {
		got := fault.From(classify(&fs.PathError{Op: "open", Path: "x", Err: errno}))
		if got.Class != want.Class || got.Code != want.Code {
			t.Errorf("%v: class %s, code %q, want %s, %q", errno, got.Class, got.Code, want.Class, want.Code)
		}
	}
	if err := classify(nil); err != nil {
		t.Errorf("no error: %v", err)
	}
}
