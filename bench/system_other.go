//go:build !linux

package main

import (
	"errors"
	"os"
	"syscall"
)

// syncData makes the file durable, as well as the system offers it.
func syncData(f *os.File) error { return f.Sync() }

func dieWithParent() *syscall.SysProcAttr { return nil }

func memory(int) (now, peak float64, err error) {
	return 0, 0, errors.New("memory is only measured on Linux")
}
