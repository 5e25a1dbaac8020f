package demo

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// serving opens the new shop behind a door; end waits until it has ended.
func serving(t *testing.T) (d *door, end func()) {
	t.Helper()
	shop, err := Shop(New, NewBooks())
	if err != nil {
		t.Fatal(err)
	}
	if d, err = newDoor(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, shop, d) }()
	return d, func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Serve: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the shop does not end")
		}
	}
}

func ask(client *http.Client, d *door) error {
	res, err := client.Get("http://" + d.address + "/healthz")
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.Body.Close()
}

func TestDoorRefusesEverybodyWhileItIsShut(t *testing.T) {
	d, end := serving(t)
	defer end()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	line, err := net.Dial("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = line.Close() }()
	for range 2 {
		if err := ask(client, d); err != nil {
			t.Fatalf("while it is open: %v", err)
		}
		d.Begin()
		d.Begin() // a second crash changes nothing
		if err := ask(client, d); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("while it is shut: %v", err)
		}
		if err := d.End(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := line.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a connection from before the crash: %v", err)
	}
	if err := ask(client, d); err != nil {
		t.Errorf("after all: %v", err)
	}
}

func TestDoorThatIsShutCanBeClosed(t *testing.T) {
	d, end := serving(t)
	d.Begin()
	end()
	if err := d.End(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := ask(http.DefaultClient, d); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a closed door opens again: %v", err)
	}
}

func TestTakenPortIsSaid(t *testing.T) {
	d, end := serving(t)
	defer end()
	d.Begin()
	other, err := net.Listen("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := d.End(ctx); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("error %v", err)
	}
}
