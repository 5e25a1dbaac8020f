package test_test

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal, and reads what it is to show.
func openTerminal(t *testing.T) (tty *os.File, screen *output) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	screen = &output{}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = master.WriteTo(screen) // ends when nobody holds the other end
	}()
	t.Cleanup(func() {
		tty.Close()
		<-shown
		master.Close()
	})
	return tty, screen
}
