package savetodisk

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/grapnel-dev/grapnel/internal/fault"
)

// The codes of faults.
const (
	codeDiskFull = "disk_full" // given by package fault
	codeReadOnly = "read_only"
	codeIO       = "io_error"
	codeEscape   = "path_escapes"
)

// classify says what an error of the file system means.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if class, code := classOf(err); class != "" {
		return fault.Wrap(class, code, err)
	}
	f := fault.From(err)
	if f.Class == fault.NetworkError { // a system's error that package fault does not know; here it is not the network's
		f.Class = fault.UnknownError
	}
	return f
}

func classOf(err error) (class fault.Class, code string) {
	switch {
	case errors.Is(err, syscall.EROFS):
		return fault.PermissionDenied, codeReadOnly
	case errors.Is(err, syscall.EIO):
		return fault.ServiceUnavailable, codeIO
	case errors.Is(err, fs.ErrNotExist):
		return fault.NotFound, ""
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return fault.ConfigurationError, ""
	case refusedByRoot(err):
		return fault.ConfigurationError, codeEscape
	}
	return "", ""
}

// refusedByRoot says whether os.Root refused a name because it leads outside. Its error has no name; it is the one about
// a path that did not come from the operating system.
func refusedByRoot(err error) bool {
	_, aboutPath := errors.AsType[*fs.PathError](err)
	_, system := errors.AsType[syscall.Errno](err)
	return aboutPath && !system
}
