package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

// closesWhenReused answers the first request of each connection, and takes the
// next one without an answer.
func closesWhenReused(t testing.TB) *villain {
	return accepting(t, listen(t), "http://", func(v *villain, conn net.Conn) {
		in := bufio.NewReader(conn)
		for n := 0; ; n++ {
			request, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			v.heads.Add(1)
			_, _ = io.Copy(io.Discard, request.Body)
			if n > 0 {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")
		}
	})
}

// TestKeptAliveConnectionsThatEndWhenReused: the request was sent, so that only
// what means the same twice is sent again; over a fresh connection it is
// answered. On legacy, where nothing that was sent is retried, a GET is repeated
// by the transport, as it has always been, and counted.
func TestKeptAliveConnectionsThatEndWhenReused(t *testing.T) {
	for _, c := range []struct {
		how   how
		side  routing.Side
		heads int32
		code  string // empty: the client has its answer
	}{
		{hows()[0], routing.New, 2, ""},
		{hows()[1], routing.New, 2, ""},
		{hows()[2], routing.New, 1, "upstream_closed"},
		{hows()[3], routing.New, 2, ""},
		{hows()[0], routing.Legacy, 2, ""},
		{hows()[1], routing.Legacy, 1, "upstream_closed"},
		{hows()[2], routing.Legacy, 1, "upstream_closed"},
		{hows()[3], routing.Legacy, 1, "upstream_closed"},
	} {
		t.Run(c.how.name+" to "+c.side.String(), func(t *testing.T) {
			s := set(t, closesWhenReused(t), c.side, staged(true))
			if got := s.ask(http.MethodGet, "/orders/1", nil, ""); got.body != "new" {
				t.Fatalf("the first request got %d %q", got.status, got.body)
			}
			s.bad.heads.Store(0)
			header, body := http.Header{}, ""
			if c.how.keyed {
				header.Set("Idempotency-Key", "k")
			}
			if c.how.method != http.MethodGet {
				body = "amount=1"
			}
			got := s.ask(c.how.method, "/orders/1", header, body)
			if got.code != c.code || (c.code == "" && got.body != "new") {
				t.Errorf("the client got %d %q %q, want code %q", got.status, got.code, got.body, c.code)
			}
			if n := s.bad.heads.Load(); n != c.heads {
				t.Errorf("the backend was sent %d requests, want %d", n, c.heads)
			}
			if spent := 30 - s.lane("orders", c.side).Retries; spent != int(c.heads)-1 {
				t.Errorf("%d retries were taken from the budget, want %d", spent, c.heads-1)
			}
			atRest(t, s.proxy)
			if entry := s.logged()[1]; entry["strangler.attempts"] != float64(c.heads) {
				t.Errorf("logged %v attempts, want %d", entry["strangler.attempts"], c.heads)
			}
		})
	}
}

// TestSurplusIsNobodysAnswer: what a backend sends beyond the end of an answer
// must not become the answer to somebody else's request.
func TestSurplusIsNobodysAnswer(t *testing.T) {
	const clients, each = 8, 500
	surplus := misbehaving(func(_ *villain, conn net.Conn, request *http.Request) bool {
		id := request.Header.Get("X-Id")
		_, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(len(id))+"\r\n\r\n"+id+
			"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
		return err == nil
	})
	policies := staged(false)
	policies.New.Retry.Floor = 10_000
	policies.New.Breaker.Counts, policies.New.Breaker.Off = guard.CountFailures, true
	s := set(t, surplus(t), routing.New, policies)
	var load sync.WaitGroup
	for c := range clients {
		load.Go(func() {
			transport := &http.Transport{}
			defer transport.CloseIdleConnections()
			for n := range each {
				request, err := http.NewRequest(http.MethodGet, "http://"+s.addr+"/orders/1", nil)
				if err != nil {
					t.Error(err)
					return
				}
				id := strconv.Itoa(c) + "-" + strconv.Itoa(n)
				request.Header.Set("X-Id", id)
				response, err := transport.RoundTrip(request)
				if err != nil {
					t.Error(err)
					return
				}
				text, _ := io.ReadAll(response.Body)
				_ = response.Body.Close()
				<-s.ended
				// It may meet one connection after the other as they are closed.
				if string(text) != id && codeOf(string(text)) != "upstream_closed" {
					t.Errorf("request %s got %d %q", id, response.StatusCode, text)
					return
				}
			}
		})
	}
	load.Wait()
}
