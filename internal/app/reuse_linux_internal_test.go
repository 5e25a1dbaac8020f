package app

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
)

// generation is a door with somebody who accepts.
type generation struct {
	*door
	got chan struct{} // one for each connection
}

// follow begins a generation at an address and opens it.
func follow(t *testing.T, address string) *generation {
	t.Helper()
	g, err := sharedDoor("listen", address)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return accepting(g)
}

func accepting(g *door) *generation {
	a := &generation{g, make(chan struct{}, 1000)}
	go func() {
		for {
			conn, err := g.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
			a.got <- struct{}{}
		}
	}()
	return a
}

// checkAll connects 50 times and expects every connection at one generation.
func checkAll(t *testing.T, step string, chosen *generation, others ...*generation) {
	t.Helper()
	clients(t, chosen.Addr(), 50)
	for i := range 50 {
		select {
		case <-chosen.got:
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: %d of 50 connections came to the newest", step, i)
		}
	}
	for i, other := range others {
		if n := len(other.got); n != 0 {
			t.Errorf("%s: %d connections came to generation %d", step, n, i)
		}
	}
}

func TestNewConnectionsGoToTheNewestGeneration(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		t.Run(at, func(t *testing.T) {
			first := follow(t, at)
			address := first.Addr().String()
			checkAll(t, "alone", first)
			waiting, err := sharedDoor("listen", address)
			if err != nil {
				t.Fatal(err)
			}
			checkAll(t, "beside one that does not listen yet", first)
			if err := waiting.open(); err != nil {
				t.Fatal(err)
			}
			second := accepting(waiting)
			checkAll(t, "beside the first", second, first)
			first.stop()
			checkAll(t, "after the first", second)
			third := follow(t, address)
			checkAll(t, "beside the second", third, second)
			second.stop()
			checkAll(t, "after the second", third)
			fourth := follow(t, address)
			checkAll(t, "beside the third", fourth, third)
			_ = fourth.Close() // it crashes
			checkAll(t, "after a crash of the newest", third, fourth)
			fifth := follow(t, address)
			checkAll(t, "after the crash", fifth, third)
			third.stop()
			checkAll(t, "at the end", fifth)
		})
	}
}

func TestAThirdGenerationWaitsForItsTurn(t *testing.T) {
	first := follow(t, "127.0.0.1:0")
	second := follow(t, first.Addr().String())
	logger := slog.New(slog.DiscardHandler)
	err := waitForTurn(t.Context(), first.Addr(), 0, logger)
	if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "2 other routers still listen at "+first.Addr().String()) {
		t.Errorf("error %v", err)
	}
	turn := make(chan error, 1)
	go func() { turn <- waitForTurn(t.Context(), first.Addr(), time.Minute, logger) }()
	first.stop()
	if err := <-turn; err != nil {
		t.Error(err)
	}
	checkAll(t, "meanwhile", second, first)
}

func TestASharedPortIsRefusedWhereItIsNotShared(t *testing.T) {
	alone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	_, err = sharedDoor("listen", alone.Addr().String())
	if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "without --reuse-port") || !strings.Contains(err.Error(), alone.Addr().String()) {
		t.Errorf("error %v", err)
	}
	if _, err := sharedDoor("admin", "127.0.0.1"); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "--admin 127.0.0.1") {
		t.Errorf("error %v", err)
	}
}
