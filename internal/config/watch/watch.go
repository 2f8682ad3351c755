// Package watch tells when the content of files changes, in whatever way: written in place, replaced by a rename, or
// swapped behind a symbolic link, as Kubernetes does with mounted configuration.
//
// It knows nothing of what the files mean.
package watch

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Settle is how long files must have been quiet before a change is told: an editor or a deployment writes several.
const Settle = 250 * time.Millisecond

// Watcher watches files. What counts is the content they have, not the events of the file system, which only say when
// to look.
type Watcher struct {
	files   []string
	settle  time.Duration
	changes chan struct{}
	last    [sha256.Size]byte
}

// New makes a watcher that knows what the files hold now. Run makes it look.
func New(files []string, settle time.Duration) *Watcher {
	return &Watcher{files: files, settle: settle, changes: make(chan struct{}, 1), last: digest(files)}
}

// Changes gets a value when the files have changed; changes that follow before it is received are one.
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Run watches until ctx ends and returns nil then. Its error is that the system cannot watch: changes must be told by
// other means.
func (w *Watcher) Run(ctx context.Context) error {
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch configuration files: %w", err)
	}
	defer events.Close()
	if err := w.follow(events); err != nil {
		return err
	}
	quiet := time.NewTimer(w.settle) // the first look is for what changed before the watch stood
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-events.Events:
			quiet.Reset(w.settle)
		case <-events.Errors: //nolint:errcheck // whatever it is, events were lost: look
			quiet.Reset(w.settle)
		case <-quiet.C:
			// Follow before looking: what changes after the look is then told by an event.
			if err := w.follow(events); err != nil {
				return err
			}
			w.look()
		}
	}
}

func (w *Watcher) look() {
	now := digest(w.files)
	if now == w.last {
		return
	}
	w.last = now
	select {
	case w.changes <- struct{}{}:
	default:
	}
}

// follow watches the directories through which the files are reached now: a file that is replaced by a rename is
// another file, its directory stays.
func (w *Watcher) follow(events *fsnotify.Watcher) error {
	var directories []string
	for _, file := range w.files {
		directories = append(directories, through(file)...)
	}
	watched := events.WatchList()
	for _, dir := range directories {
		if slices.Contains(watched, dir) {
			continue
		}
		if err := w.add(events, dir); err != nil {
			return err
		}
	}
	for _, dir := range watched {
		if !slices.Contains(directories, dir) {
			_ = events.Remove(dir) // it may be gone already
		}
	}
	return nil
}

// add watches a directory. When it has vanished meanwhile, the one above it is watched: that hears it come back.
func (w *Watcher) add(events *fsnotify.Watcher, dir string) error {
	for {
		err := events.Add(dir)
		if !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			if err != nil {
				return fmt.Errorf("watch %s: %w", dir, err)
			}
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

// through lists the directories in which a change can make path another file: its own, and those of the symbolic links
// on the way.
func through(path string) []string {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	directories := []string{nearest(filepath.Dir(path))}
	const most = 40 // links; more are a circle
	for pending := []string{path}; len(pending) > 0 && len(directories) < most; pending = pending[1:] {
		for _, link := range links(pending[0]) {
			directories = append(directories, nearest(filepath.Dir(link.path)))
			pending = append(pending, link.target)
		}
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		directories = append(directories, filepath.Dir(target))
	}
	slices.Sort(directories)
	return slices.Compact(directories)
}

// nearest is the directory, or while that does not exist the next one above that does.
func nearest(dir string) string {
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

type link struct{ path, target string }

// links finds the symbolic links among the parts of a path.
func links(path string) []link {
	var found []link
	for part := path; part != filepath.Dir(part); part = filepath.Dir(part) {
		target, err := os.Readlink(part)
		if err != nil {
			continue
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(part), target)
		}
		found = append(found, link{path: part, target: filepath.Join(target, strings.TrimPrefix(path, part))})
	}
	return found
}

// digest is what the files hold. A file that cannot be read counts too, by its error.
func digest(files []string) [sha256.Size]byte {
	var all []byte
	for _, file := range files {
		content, err := os.ReadFile(file) //nolint:gosec // the operator names the files
		one := sha256.Sum256(fmt.Appendf(content, "\x00%v", err))
		all = append(all, one[:]...)
	}
	return sha256.Sum256(all)
}
