package proxy_test

import (
	"net"
	"os"
	"strconv"
	"syscall"
	"testing"
)

// reserved is a port that refuses connections and that nobody else is given:
// bound, and not listened on. A port that was merely closed may be another
// test's a moment later.
type reserved struct {
	socket  int
	address string
}

func reserve(t testing.TB) reserved {
	t.Helper()
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	syscall.CloseOnExec(socket)
	t.Cleanup(func() { _ = syscall.Close(socket) })
	if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	bound, err := syscall.Getsockname(socket)
	if err != nil {
		t.Fatal(err)
	}
	return reserved{socket, "127.0.0.1:" + strconv.Itoa(bound.(*syscall.SockaddrInet4).Port)}
}

// listen begins to accept connections, of which so many may wait.
func (r reserved) listen(t testing.TB, backlog int) {
	t.Helper()
	if err := syscall.Listen(r.socket, backlog); err != nil {
		t.Fatal(err)
	}
}

// listener is the same for who wants to accept them.
func (r reserved) listener(t testing.TB) net.Listener {
	t.Helper()
	r.listen(t, 128)
	socket, err := syscall.Dup(r.socket)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(socket), r.address)
	defer file.Close()
	ln, err := net.FileListener(file)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}
