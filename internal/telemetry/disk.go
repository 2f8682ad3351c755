package telemetry

import (
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Disk is how much room a folder takes, and how much its file system has left for this process, in bytes.
type Disk struct{ Used, Free int64 }

// MeasureDisk measures a folder. Files that vanish meanwhile count as nothing.
func MeasureDisk(directory string) (Disk, error) {
	var volume unix.Statfs_t
	if err := unix.Statfs(directory, &volume); err != nil {
		return Disk{}, fmt.Errorf("measure the file system of %s: %w", directory, err)
	}
	disk := Disk{Free: int64(volume.Bavail) * int64(volume.Bsize)} //nolint:unconvert // the types differ by platform
	err := filepath.WalkDir(directory, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // what cannot be read now is not counted
		}
		if info, err := entry.Info(); err == nil {
			disk.Used += info.Size()
		}
		return nil
	})
	return disk, err
}
