package app

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// clients connect and wait to be accepted.
func clients(t *testing.T, address net.Addr, n int) {
	t.Helper()
	for range n {
		conn, err := net.DialTimeout("tcp", address.String(), 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}

// accepted takes connections until the listener is closed.
func accepted(t *testing.T, listener net.Listener) (n int) {
	t.Helper()
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		n++
	}
}

func TestAStoppingGateHandsOutItsQueue(t *testing.T) {
	g, err := openDoor("listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clients(t, g.Addr(), 20)
	stopped := make(chan struct{})
	go func() { g.stop(); close(stopped) }()
	if n := accepted(t, g); n != 20 {
		t.Errorf("%d of 20 clients in the queue were accepted", n)
	}
	<-stopped
	if conn, err := net.Dial("tcp", g.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("a stopped door took a connection")
	}
	g.stop() // again
}

func TestAGateThatNobodyAcceptsFromStopsAllTheSame(t *testing.T) {
	g, err := openDoor("listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	g.stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestAnInheritedGateLeavesItsQueue: it is for the next process.
func TestAnInheritedGateLeavesItsQueue(t *testing.T) {
	manager, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	file, err := manager.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	doors, err := passedDoors([]*os.File{os.NewFile(uintptr(fd), dataListener)})
	if err != nil {
		t.Fatal(err)
	}
	clients(t, manager.Addr(), 20)
	doors[dataListener].stop()
	if n := accepted(t, doors[dataListener]); n != 0 {
		t.Errorf("%d clients were accepted", n)
	}
	for range 20 {
		conn, err := manager.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
}
