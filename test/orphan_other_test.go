//go:build !linux

package test_test

import "syscall"

// noOrphan does nothing: here a process outlives a test program that is killed.
func noOrphan(*syscall.SysProcAttr) {}
