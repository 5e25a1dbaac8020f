package proxy_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// TestAttemptsUnderWayHoldNothingBack: an exchange whose head has reached new
// ends there; it cannot start any more, so the rollback is in force.
func TestAttemptsUnderWayHoldNothingBack(t *testing.T) {
	var atNew atomic.Int32
	reached, proceed := make(chan struct{}), make(chan struct{})
	newShop := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		atNew.Add(1)
		close(reached)
		<-proceed
		_, _ = io.WriteString(w, "new")
	})
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": newShop})
	r.install(1, canary("/orders", routing.FullWeight), legacyOnly())
	answered := make(chan string)
	go func() {
		_, text := r.do("GET", "/orders", user(1), nil)
		answered <- text
	}()
	<-reached
	r.install(2, canary("/orders", 0), legacyOnly()) // returns although the exchange has not ended
	r.sides(50)
	close(proceed)
	if got := <-answered; got != "new" {
		t.Errorf("the exchange that had started was served by %s", got)
	}
	if atNew.Load() != 1 {
		t.Errorf("new served %d requests, want only the one that had started", atNew.Load())
	}
}

// TestAppliedIsHeldByAPendingDial: while a connection to new is still being
// made, its exchange may yet start on new, so a rollback must wait for it.
func TestAppliedIsHeldByAPendingDial(t *testing.T) {
	hello, proceed := make(chan struct{}), make(chan struct{})
	ln := listen(t)
	defer ln.Close()
	go func() { // a TLS backend that takes its time for the handshake, then gives up
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		_, _ = conn.Read(make([]byte, 1))
		close(hello)
		<-proceed
		_ = conn.Close()
	}()
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": "https://" + ln.Addr().String()})
	r.install(1, canary("/orders", routing.FullWeight), legacyOnly())
	status := make(chan int)
	go func() {
		res, _ := r.do("GET", "/orders", user(1), nil)
		status <- res.StatusCode
	}()
	<-hello
	applied := r.swap(2, canary("/orders", 0), legacyOnly())
	select {
	case <-applied:
		t.Fatal("the rollback was called in force while an attempt on new could still start")
	case <-time.After(50 * time.Millisecond): // nothing may happen; a longer wait would not prove more
	}
	close(proceed)
	if got := <-status; got != 200 {
		t.Errorf("status %d, want the answer of legacy, which a retry finds in charge", got)
	}
	<-applied
}

// TestNoRequestIsLostOrTornBySwaps swaps tables as fast as it can under load.
// Weights alternate between nobody and everybody by revision, so an exchange
// that saw two revisions would be logged with a side its revision does not give.
func TestNoRequestIsLostOrTornBySwaps(t *testing.T) {
	r := start(t, map[string]string{"legacy": named(t, "legacy"), "new": named(t, "new")})
	defs := func(revision routing.Revision) []routing.Definition {
		if revision%2 == 0 {
			return []routing.Definition{canary("/orders", routing.FullWeight), legacyOnly()}
		}
		return []routing.Definition{canary("/orders", 0), legacyOnly()}
	}
	r.install(1, defs(1)...)
	ctx, cancel := context.WithCancel(context.Background())
	var swaps sync.WaitGroup
	swaps.Go(func() {
		for revision := routing.Revision(2); ctx.Err() == nil; revision++ {
			<-r.swap(revision, defs(revision)...)
		}
	})
	const clients, each = 8, 250
	var load sync.WaitGroup
	for range clients {
		load.Go(func() {
			keepAlive := &http.Client{Transport: &http.Transport{}}
			defer keepAlive.CloseIdleConnections()
			for range each {
				res, err := keepAlive.Get("http://" + r.addr + "/orders/1")
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode != 200 {
					t.Errorf("status %d", res.StatusCode)
				}
			}
		})
	}
	load.Wait()
	cancel()
	swaps.Wait()
	revisions := map[float64]bool{}
	for _, entry := range r.log.entries(t, clients*each) {
		revision := entry["strangler.revision"].(float64)
		revisions[revision] = true
		want := map[bool]string{true: "new", false: "legacy"}[int(revision)%2 == 0]
		if entry["strangler.side"] != want || entry["strangler.backend"] != want {
			t.Fatalf("an exchange saw two revisions: %v", entry)
		}
	}
	t.Logf("%d exchanges under %d revisions", clients*each, len(revisions))
	if len(revisions) < 2 {
		t.Error("no table was swapped under load")
	}
}

// TestConnectionsSurviveTableChanges: a new table must not cost new handshakes.
func TestConnectionsSurviveTableChanges(t *testing.T) {
	var dialled atomic.Int32
	ln := listen(t)
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "legacy") }),
		ConnState: func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				dialled.Add(1)
			}
		},
	}
	go func() { _ = server.Serve(ln) }()
	defer server.Close()
	r := start(t, map[string]string{"legacy": "http://" + ln.Addr().String()})
	for revision := routing.Revision(1); revision <= 20; revision++ {
		r.install(revision, legacyOnly())
		if res, body := r.get("/"); res.StatusCode != 200 {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
	}
	if dialled.Load() != 1 {
		t.Errorf("%d connections were made for 20 requests under 20 tables, want 1", dialled.Load())
	}
}

// TestDrainLosesNothing: what is under way ends in peace, what is new is refused.
func TestDrainLosesNothing(t *testing.T) {
	reached, proceed := make(chan struct{}), make(chan struct{})
	url := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		close(reached)
		<-proceed
		_, _ = io.WriteString(w, "whole")
	})
	r := start(t, map[string]string{"legacy": url})
	r.install(1, legacyOnly())
	ln := listen(t)
	server := r.proxy.NewServer(r.proxy, nil)
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	answer := make(chan string)
	go func() {
		res, err := client().Get("http://" + ln.Addr().String() + "/")
		if err != nil {
			t.Error(err)
			answer <- ""
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	<-reached
	drained := make(chan struct{})
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		server.Drain(ctx)
		close(drained)
	}()
	if err := <-served; err != nil { // the listener is closed first
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", ln.Addr().String()); err == nil {
		_ = conn.Close()
		t.Error("a new connection was accepted while draining")
	}
	close(proceed)
	if got := <-answer; got != "whole" {
		t.Errorf("the exchange under way ended as %q", got)
	}
	<-drained
}

// TestDrainEndsTunnels: an upgraded connection gets the drain's time, and no more.
func TestDrainEndsTunnels(t *testing.T) {
	r := start(t, map[string]string{"legacy": rawBackend(t, func(conn net.Conn, _ *http.Request) {
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
	})}, limited(proxy.Policies{Legacy: longStream(), New: longStream()}))
	r.install(1, legacyOnly())
	ln := listen(t)
	server := r.proxy.NewServer(r.proxy, nil)
	go func() { _ = server.Serve(ln) }()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	head := make([]byte, len("HTTP/1.1 101"))
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	server.Drain(ctx)
	if _, err := io.Copy(io.Discard, conn); err != nil {
		t.Errorf("the tunnel was not closed: %v", err)
	}
}
