// Package savetodisk delivers events as files: one for each, complete or not there at all.
//
// A file is written beside its place, synced, renamed to its name, and its directory is synced: when an event counts as
// delivered, its file survives a power cut. The name holds the event's id, so that delivering an event again replaces
// its own file and no other. It never writes outside its directory, whatever an event says and whichever symbolic links
// lie about.
//
// It deletes nothing: neither old files, nor the temporary ones (.grapnel-*.tmp) that a crash in the middle of a write
// leaves behind.
package savetodisk

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/grapnel-dev/grapnel/internal/destination"
	"github.com/grapnel-dev/grapnel/internal/event"
)

// Module is the module "save_to_disk".
func Module() destination.Module {
	return destination.Module{
		Name: "save_to_disk",
		Config: func() destination.Config {
			return &Config{Path: ".", BaseDir: ".", FilenamePattern: "{id}.{ext}", Format: formatRaw}
		},
		Codes: []string{codeDiskFull, codeReadOnly, codeIO, codeEscape},
	}
}

// Open makes the destination. Directories are made when the first event comes.
func (c *Config) Open(destination.Env) (destination.Destination, error) {
	base, err := filepath.Abs(c.BaseDir)
	if err != nil {
		return nil, err
	}
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	return &directory{base: base, names: pattern{dir: dir, text: c.FilenamePattern, format: c.Format}, render: c.render()}, nil
}

type directory struct {
	making sync.Mutex // so that a directory that is there has been synced

	base   string // everything stays beneath it
	names  pattern
	render func(*event.Event) ([]byte, error)
}

// Deliver writes the event's file. The receipt is its path below base_dir.
func (d *directory) Deliver(ctx context.Context, e *event.Event) (destination.Receipt, error) {
	content, err := d.render(e)
	if err != nil {
		return destination.Receipt{}, classify(err)
	}
	name := d.names.expand(e)
	err = d.within(ctx, path.Dir(name), func(root *os.Root) error { return write(root, name, content) })
	if err != nil {
		return destination.Receipt{}, classify(err)
	}
	return destination.Receipt{ID: name}, nil
}

// Probe writes an empty temporary file and removes it.
func (d *directory) Probe(ctx context.Context) error {
	return classify(d.within(ctx, d.names.dir, func(root *os.Root) error {
		name, err := writeTemporary(root, d.names.dir, nil)
		if err != nil {
			return err
		}
		return root.Remove(name)
	}))
}

// within calls do with base_dir opened and dir made. It is opened anew each time, so that a disk that is mounted later
// is found.
func (d *directory) within(ctx context.Context, dir string, do func(*os.Root) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	root, err := d.open(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return do(root)
}

func (d *directory) open(dir string) (*os.Root, error) {
	d.making.Lock()
	defer d.making.Unlock()
	root, err := openRoot(d.base)
	if err != nil {
		return nil, err
	}
	if err := makeAll(dir, root.Mkdir, syncIn(root)); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

// Close does nothing: no file is kept open.
func (d *directory) Close() error { return nil }
