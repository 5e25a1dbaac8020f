package test_test

import "syscall"

// noOrphan lets a process end with the test program, also when that is killed.
func noOrphan(attributes *syscall.SysProcAttr) {
	attributes.Pdeathsig = syscall.SIGKILL
}
