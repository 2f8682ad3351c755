package savetodisk

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// write puts a file in its place at once and for good: after it returned nil, the file survives a power cut.
func write(root *os.Root, name string, content []byte) error {
	temporary, err := writeTemporary(root, path.Dir(name), content)
	if err != nil {
		return err
	}
	if err := root.Rename(temporary, name); err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return syncIn(root)(path.Dir(name))
}

// writeTemporary writes and syncs a file under a name that nobody else has.
func writeTemporary(root *os.Root, dir string, content []byte) (name string, err error) {
	name = path.Join(dir, ".grapnel-"+rand.Text()+".tmp")
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return "", errors.Join(err, root.Remove(name))
	}
	return name, nil
}

// openRoot opens the base directory, and makes it first when it is missing.
func openRoot(base string) (*os.Root, error) {
	root, err := os.OpenRoot(base)
	if !errors.Is(err, fs.ErrNotExist) {
		return root, err
	}
	if err := makeAll(base, os.Mkdir, syncDir); err != nil {
		return nil, err
	}
	return os.OpenRoot(base)
}

// makeAll makes a directory and those above it that are missing, and syncs the ones that got a new entry.
func makeAll(dir string, mkdir func(string, fs.FileMode) error, sync func(string) error) error {
	if dir == "." {
		return nil
	}
	err := mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeAll(filepath.Dir(dir), mkdir, sync); err != nil {
			return err
		}
		err = mkdir(dir, 0o700)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil // if it is no directory, opening a file in it will tell
	case err != nil:
		return err
	}
	return sync(filepath.Dir(dir))
}

func syncIn(root *os.Root) func(string) error {
	return func(dir string) error { return syncOpened(root.Open(dir)) }
}

func syncDir(dir string) error { return syncOpened(os.Open(dir)) } //nolint:gosec // a directory of the configuration

func syncOpened(dir *os.File, err error) error {
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
