package proxy_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// crowd sends n requests at once, and returns what becomes of them.
func (s *scene) crowd(n int, method, body string) <-chan outcome {
	got := make(chan outcome, n)
	for range n {
		go func() { got <- s.fetch(method, "/orders/1", nil, body) }()
	}
	return got
}

// rollBack puts a table into service by which orders belongs to legacy, and
// which is otherwise the same: a wider bulkhead would let waiters in beforehand.
func (s *scene) rollBack(policies proxy.Policies) <-chan struct{} {
	table := routing.Compile(2, []routing.Definition{canary("/orders", 0)})
	return s.proxy.Install(table, s.proxy.BuildLanes(table, s.backends, []proxy.Policies{policies}))
}

// TestRollbackMeetsTheQueue: of those who wait for a permit of new when it is
// rolled back, none reaches it.
func TestRollbackMeetsTheQueue(t *testing.T) {
	const waiting = 40
	proceed := make(chan struct{})
	v := &villain{}
	v.url = backend(t, func(w http.ResponseWriter, _ *http.Request) {
		v.heads.Add(1)
		<-proceed
		_, _ = w.Write([]byte("new"))
	})
	policies := staged(true)
	policies.New.Bulkhead = guard.BulkheadPolicy{Limit: 1, Queue: waiting, Wait: time.Minute}
	s := set(t, v, routing.New, policies)
	first := s.crowd(1, http.MethodPost, "amount=1")
	within(t, "the first one reaches new", func() bool { return v.heads.Load() == 1 })
	queued := s.crowd(waiting, http.MethodPost, "amount=1")
	within(t, "the others wait", func() bool { return s.lane("orders", routing.New).Waiting == waiting })
	<-s.rollBack(policies) // nobody who waits holds it back
	close(proceed)
	if got := <-first; got.body != "new" {
		t.Errorf("the first one got %d %q", got.status, got.body)
	}
	for range waiting {
		if got := <-queued; got.status != 200 || got.body != "legacy" {
			t.Errorf("one of those who waited got %d %q", got.status, got.body)
		}
	}
	if n := v.heads.Load(); n != 1 {
		t.Errorf("new was sent %d requests, want the first one only", n)
	}
	s.done(1 + waiting)
	atRest(t, s.proxy)
}

// done waits until the router is done with n requests.
func (s *scene) done(n int) {
	for range n {
		<-s.ended
	}
}

// TestRollbackMeetsTheBackOff: of those who wait for another try when new is
// rolled back, none reaches it. What is safe goes to legacy; what new may have
// done already goes nowhere any more, and its client is told.
func TestRollbackMeetsTheBackOff(t *testing.T) {
	const each = 10
	v := sends("HTTP/1.1 503 Busy\r\nRetry-After: 2\r\n" + emptyBody)(t)
	policies := staged(true)
	policies.New.Retry.Floor = 100
	s := set(t, v, routing.New, policies)
	gets, puts := s.crowd(each, http.MethodGet, ""), s.crowd(each, http.MethodPut, "amount=1")
	within(t, "each has its first answer", func() bool { return s.lane("orders", routing.New).Breaker.Total >= 2*each })
	<-s.rollBack(policies)
	for range each {
		if got := <-gets; got.status != 200 || got.body != "legacy" {
			t.Errorf("a GET got %d %q, want legacy's answer", got.status, got.body)
		}
		if got := <-puts; got.status != 503 || got.code != "route_moved" {
			t.Errorf("a PUT got %d %q, want route_moved", got.status, got.code)
		}
	}
	if n := v.heads.Load(); n != 2*each {
		t.Errorf("new was sent %d requests, want the first tries only: %d", n, 2*each)
	}
	s.done(2 * each)
	atRest(t, s.proxy)
}

// TestRollbackMeetsWhatWasNotSent: a POST that could not be sent to new may be
// sent to legacy, and new is left alone even if it is back by then.
func TestRollbackMeetsWhatWasNotSent(t *testing.T) {
	const posts = 20
	closed := reserve(t)
	policies := staged(false)
	policies.New.Retry.Floor = 100
	policies.New.Retry.Base, policies.New.Retry.Cap = 3*time.Second, 3*time.Second // each wait is a random part of it
	s := set(t, &villain{url: "http://" + closed.address}, routing.New, policies)
	answers := s.crowd(posts, http.MethodPost, "amount=1")
	within(t, "each has tried", func() bool { return s.lane("orders", routing.New).Breaker.Total >= posts })
	<-s.rollBack(policies)
	var reached atomic.Int32
	ln := closed.listener(t)
	var listening sync.WaitGroup
	listening.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = conn.Close()
		}
	})
	legacy := 0
	for range posts {
		switch got := <-answers; {
		case got.status == 200 && got.body == "legacy":
			legacy++
		case got.status == 502 && got.code == "upstream_unreachable": // all three tries came before
		default:
			t.Errorf("a POST got %d %q", got.status, got.code)
		}
	}
	_ = ln.Close()
	listening.Wait()
	if reached.Load() != 0 || legacy == 0 {
		t.Errorf("after the rollback new was dialled %d times; legacy answered %d", reached.Load(), legacy)
	}
	s.done(posts)
	atRest(t, s.proxy)
}
