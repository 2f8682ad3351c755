package main

import (
	"os"
	"path/filepath"
	"time"
)

// syncs is how often the disk is asked.
const syncs = 500

// syncTimes measures how long the disk takes to make a 4 KiB page durable that was written to the end of a file, as the
// commit of one group does at least once.
func syncTimes(dir string) ([]time.Duration, error) {
	file, err := os.Create(filepath.Join(dir, "sync")) //nolint:gosec // a directory of our own
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	page, times := make([]byte, 4096), make([]time.Duration, syncs)
	for i := range times {
		if _, err := file.Write(page); err != nil {
			return nil, err
		}
		start := time.Now()
		if err := syncData(file); err != nil {
			return nil, err
		}
		times[i] = time.Since(start)
	}
	return times, nil
}
