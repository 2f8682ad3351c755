package sqlite_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/grapnel-dev/grapnel/internal/store/sqlite"
)

// A power cut takes what was not fsynced. This test finds out what that would be, at the boundary of system calls:
//
//  1. A child process puts load on a store under strace, which writes down every write, fsync, truncation, creation and
//     removal of a file, with the bytes, and the lines by which the child says what the store has confirmed.
//  2. From that record the directory is rebuilt as the disk might hold it at many moments: what was fsynced is there, and
//     of every later write each sector of 512 bytes may be there or not, in any mixture; the same holds for names in the
//     directory that were created or removed since the directory was fsynced, and for sizes.
//  3. The engine opens each of these images. Everything that was confirmed before that moment must be there, and the
//     conservation equation must balance.
//
// The same images without any respect for fsyncs must show losses: otherwise the test would prove nothing.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	strace := needStrace(t)
	dir, record := t.TempDir(), filepath.Join(t.TempDir(), "trace")
	// Enough for two checkpoints, after which the log of writes begins again from its start.
	c := startChild(t, dir, []string{childEvents + "=500"}, strace, "-f", "-qq", "-xx", "-s", "10000000", "-o", record,
		"-e", "trace=?open,openat,close,pwrite64,write,fsync,fdatasync,ftruncate,rename,renameat,unlink,unlinkat", "--seccomp-bpf")
	if err := c.wait(); err != nil {
		t.Fatalf("%v: %s", err, c.last)
	}
	steps := readTrace(t, record, dir)
	t.Logf("%d system calls, %d accepted, %d settled", len(steps), len(c.accepted), len(c.settled))
	random := rand.New(rand.NewPCG(1, 2))
	moments := moments(steps, random, 24)
	t.Run("what was confirmed survives a power cut at any moment", func(t *testing.T) {
		for _, moment := range moments {
			if failure := cutPower(t, steps[:moment], random, true); failure != nil {
				t.Errorf("after system call %d of %d: %v", moment, len(steps), failure)
			}
		}
	})
	t.Run("the test would notice a store that does not fsync", func(t *testing.T) {
		for _, moment := range moments {
			if cutPower(t, steps[:moment], random, false) != nil {
				return
			}
		}
		t.Error("nothing was lost without fsyncs")
	})
}

// moments picks the moments of power cuts: at random, and right after confirmations, fsyncs and truncations.
func moments(steps []step, random *rand.Rand, n int) []int {
	var picked []int
	for range n / 2 {
		picked = append(picked, 1+random.IntN(len(steps)))
	}
	for len(picked) < n {
		at := random.IntN(len(steps))
		for at < len(steps)-1 && steps[at].kind == writes {
			at++
		}
		picked = append(picked, at+1)
	}
	slices.Sort(picked)
	return slices.Compact(picked)
}

// cutPower opens what a power cut after these steps may leave, and says what is wrong with it.
func cutPower(t *testing.T, steps []step, random *rand.Rand, fsyncs bool) error {
	t.Helper()
	d := newDisk(random)
	var accepted, settled []string
	for _, s := range steps {
		switch {
		case s.kind == confirms && strings.HasPrefix(s.text, "accepted "):
			accepted = append(accepted, strings.TrimPrefix(s.text, "accepted "))
		case s.kind == confirms && strings.HasPrefix(s.text, "settled "):
			settled = append(settled, strings.TrimPrefix(s.text, "settled "))
		case fsyncs || s.kind != syncs:
			d.apply(s)
		}
	}
	image := d.image(t)
	s, err := sqlite.Open(t.Context(), image, sqlite.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	var failures []error
	for _, missing := range lost(t, s, accepted, settled) {
		failures = append(failures, errors.New(missing))
	}
	if len(failures) == 0 {
		wantBalance(t, s)
		return nil
	}
	return fmt.Errorf("%d of %d confirmations are lost, the first: %w", len(failures), len(accepted)+len(settled), failures[0])
}

// disk is what a disk holds for certain, and what it may hold.
type disk struct {
	random *rand.Rand
	// files are by name; an open file keeps its content when its name goes.
	files map[string]*diskFile
	// renewed are names that were created or removed since the directory was fsynced, with what they stood for then; nil
	// for nothing.
	renewed map[string]*diskFile
}

// diskFile is a file's durable content, and the changes since.
type diskFile struct {
	durable []byte
	pending []step
}

func newDisk(random *rand.Rand) *disk {
	return &disk{random: random, files: map[string]*diskFile{}, renewed: map[string]*diskFile{}}
}

func (d *disk) apply(s step) {
	switch s.kind {
	case creates:
		if d.files[s.name] == nil {
			d.rename(s.name, &diskFile{})
		}
	case removes:
		d.rename(s.name, nil)
	case writes, truncates:
		d.files[s.name].pending = append(d.files[s.name].pending, s)
	case syncs:
		if s.name == "." {
			clear(d.renewed)
			return
		}
		d.files[s.name].sync()
	case confirms: // the disk has no part in it
	}
}

// rename has a name stand for another file from now on, or for none.
func (d *disk) rename(name string, f *diskFile) {
	if _, known := d.renewed[name]; !known {
		d.renewed[name] = d.files[name]
	}
	if f == nil {
		delete(d.files, name)
		return
	}
	d.files[name] = f
}

func (f *diskFile) sync() {
	for _, s := range f.pending {
		f.durable = s.change(f.durable, func(int) bool { return true })
	}
	f.pending = nil
}

// change applies a write or a truncation to content, sector by sector.
func (s step) change(content []byte, reached func(sector int) bool) []byte {
	const sector = 512
	if s.kind == truncates {
		if !reached(0) {
			return content
		}
		if int(s.offset) <= len(content) {
			return content[:s.offset]
		}
		return append(content, make([]byte, int(s.offset)-len(content))...)
	}
	for at := 0; at < len(s.text); {
		// Sectors are those of the disk: a write that begins within one ends at its border.
		offset := int(s.offset) + at
		next := min(len(s.text), at+sector-offset%sector)
		if reached(offset / sector) {
			if missing := offset + next - at - len(content); missing > 0 {
				content = append(content, make([]byte, missing)...)
			}
			copy(content[offset:], s.text[at:next])
		}
		at = next
	}
	return content
}

// image writes down what the disk may hold now: what is durable, and of the rest what chance decides.
func (d *disk) image(t *testing.T) string {
	t.Helper()
	dir, names := t.TempDir(), maps.Clone(d.files)
	for _, name := range sorted(d.renewed) {
		if d.random.IntN(2) == 0 {
			names[name] = d.renewed[name]
		}
	}
	for _, name := range sorted(names) {
		f := names[name]
		if f == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), f.afterCut(d.random), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sorted gives the names in an order that is the same in every run.
func sorted(files map[string]*diskFile) []string {
	return slices.Sorted(maps.Keys(files))
}

// afterCut is what may be found in a file: of each change all, nothing, or some sectors.
func (f *diskFile) afterCut(random *rand.Rand) []byte {
	content := slices.Clone(f.durable)
	for _, s := range f.pending {
		fate := random.IntN(3)
		content = s.change(content, func(int) bool { return fate == 0 || fate == 1 && random.IntN(2) == 0 })
	}
	return content
}
