package proxy_test

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
)

// TestDeadLaneSparesLegacy: 200 requests at once into a lane that is dead put
// no more on legacy than its budget for fallbacks allows.
func TestDeadLaneSparesLegacy(t *testing.T) {
	const requests = 200
	for name, dead := range map[string]struct {
		act   func(testing.TB) *villain
		tight tight
	}{
		"refuses":                 {refuses, nothing},
		"resets":                  {resetsAfter(""), nothing},
		"says 503":                {sends("HTTP/1.1 503 Busy\r\n" + emptyBody), nothing},
		"speaks another protocol": {sends("SSH-2.0-OpenSSH_9\r\n\r\n"), nothing},
		"says nothing":            {stalls(""), answering},
		"swallows SYNs":           {swallows, connecting},
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			t.Run("", func(t *testing.T) {
				policies := staged(true)
				policies.New.Breaker = guard.NewSideBreaker()
				dead.tight.narrow(&policies.New)
				s := set(t, dead.act(t), routing.New, policies)
				began := time.Now()
				answers := s.crowd(requests, http.MethodGet, "")
				fallbacks := 0
				for range requests {
					switch got := <-answers; {
					case got.status == 200 && got.body == "legacy":
						fallbacks++
					case got.status < 502 || got.status > 504:
						t.Errorf("a client got %d %q", got.status, got.body)
					}
				}
				s.done(requests)
				budget := 5 + 5*int(time.Since(began)/time.Second+1) // a burst, and five a second
				if fallbacks == 0 || fallbacks > budget {
					t.Errorf("%d fallbacks, want at least one and at most %d", fallbacks, budget)
				}
				if got := s.lane("orders", routing.New).Unhelped; got != uint64(requests-fallbacks) {
					t.Errorf("%d fallbacks were refused, want the %d that failed", got, requests-fallbacks)
				}
				if b := s.lane("orders", routing.Legacy).Breaker; b.Total != fallbacks || b.Failures != 0 {
					t.Errorf("legacy was asked %d times, %d failed; its clients got %d answers", b.Total, b.Failures, fallbacks)
				}
				if b := s.lane("orders", routing.New).Breaker; b.State == guard.Closed {
					t.Errorf("new's breaker is closed after %d failures of %d", b.Failures, b.Total)
				}
				atRest(t, s.proxy)
			})
		})
	}
}

// moody does something else with every request.
func moody() func(testing.TB) *villain {
	texts := []string{
		"", "HTTP/1.", okHead, okHead + "Content-Length: 10\r\n\r\nabc", chunked + "5\r\nabc", "HTTP/1.1 503 Busy\r\n" + emptyBody,
		"HTTP/1.1 429 Slowly\r\nRetry-After: 0\r\n" + emptyBody, okHead + "Content-Length: 3\r\n\r\nnew", chunked + "3\r\nnew\r\n0\r\n\r\n",
		okHead + "Content-Type: text/event-stream\r\n\r\ndata: 1\n\n",
	}
	return impatient(func(v *villain, conn net.Conn, request *http.Request) bool {
		if rand.IntN(2) == 0 {
			_, _ = io.Copy(io.Discard, request.Body)
		}
		if rand.IntN(8) == 0 { // it never answers
			<-v.closing
			return false
		}
		_, _ = io.WriteString(conn, texts[rand.IntN(len(texts))])
		if rand.IntN(2) == 0 {
			_ = conn.(*net.TCPConn).SetLinger(0)
		}
		return false
	})
}

// TestStampede: whatever happens to a crowd, in the end all counters are at zero.
func TestStampede(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("", func(t *testing.T) {
		const clients, each = 64, 20
		policies := staged(true)
		answering.narrow(&policies.New)
		streaming.narrow(&policies.New)
		policies.New.Timeouts.Stream = 250 * time.Millisecond
		policies.New.Bulkhead = guard.BulkheadPolicy{Limit: 16, Queue: 16, Wait: 20 * time.Millisecond}
		policies.New.Streams = guard.BulkheadPolicy{Limit: 4, Queue: 1, Wait: time.Millisecond}
		s := set(t, moody()(t), routing.New, policies)
		transport := &http.Transport{}
		defer transport.CloseIdleConnections()
		var crowd sync.WaitGroup
		for range clients {
			crowd.Go(func() {
				for range each {
					stampede(t, s.addr, transport)
				}
			})
		}
		stop, drained := make(chan struct{}), make(chan struct{})
		go func() { // or the channel fills up
			defer close(drained)
			for {
				select {
				case <-s.ended:
				case <-stop:
					return
				}
			}
		}()
		crowd.Wait()
		within(t, "every permit is given back", func() bool { return resting(s.proxy) })
		atRest(t, s.proxy)
		if rejected := s.lane("orders", routing.New).Rejected; rejected == 0 {
			t.Error("the crowd was too small for the bulkhead")
		}
		close(stop)
		<-drained
	})
}

// stampede sends one request of some kind; some clients do not wait for the answer.
func stampede(t *testing.T, addr string, transport *http.Transport) {
	method := []string{"GET", "PUT", "POST", "OPTIONS"}[rand.IntN(4)]
	patience := 10 * time.Second
	if rand.IntN(3) == 0 {
		patience = rand.N(20 * time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var body io.Reader
	if method != "GET" {
		body = strings.NewReader(strings.Repeat("x", rand.IntN(100<<10)))
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+addr+"/orders/1", body)
	if err != nil {
		t.Error(err)
		return
	}
	if rand.IntN(8) == 0 {
		request.Header.Set("Accept", "text/event-stream")
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return // it broke off, or this client left
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
}

// resting reports whether no permit is out.
func resting(p *proxy.Proxy) bool {
	for _, lane := range p.LaneStates() {
		if lane.InUse+lane.Waiting+lane.Streams != 0 {
			return false
		}
	}
	for _, backend := range p.BackendStates() {
		if backend.InUse+backend.Waiting != 0 {
			return false
		}
	}
	return true
}

// racingBackend answers a few requests on each connection and closes it about
// when the next one comes. It counts how often it got each request id.
type racingBackend struct {
	mu   sync.Mutex
	seen map[string]int
}

func (b *racingBackend) serve(v *villain, conn net.Conn) {
	in := bufio.NewReader(conn)
	for n := 1 + rand.IntN(3); n > 0; n-- {
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
		v.heads.Add(1)
		id := request.Header.Get("X-Id")
		b.mu.Lock()
		b.seen[id]++
		b.mu.Unlock()
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(len(id))+"\r\n\r\n"+id); err != nil {
			return
		}
	}
	if rand.IntN(2) == 0 { // the last request was on its way, and was taken in
		if request, err := http.ReadRequest(in); err == nil {
			b.mu.Lock()
			b.seen[request.Header.Get("X-Id")]++
			b.mu.Unlock()
		}
	}
}

// times is how often a request came.
func (b *racingBackend) times(id string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen[id]
}

// TestPostsAreSentOnce: thousands of POSTs to a backend that closes kept-alive
// connections just as they are used again. None gets there twice, on either
// side, and each that is answered was there.
func TestPostsAreSentOnce(t *testing.T) {
	const clients, each = 8, 500
	racing := &racingBackend{seen: map[string]int{}}
	v := accepting(t, listen(t), "http://", racing.serve)
	policies := staged(true)
	policies.New.Retry.Floor = 10_000
	policies.New.Breaker.Off = true
	s := set(t, v, routing.New, policies)
	var crossed sync.Map // id → times that legacy got it
	s.backends["legacy"] = proxy.Backend{Endpoints: []string{backend(t, func(w http.ResponseWriter, r *http.Request) {
		times, _ := crossed.LoadOrStore(r.Header.Get("X-Id"), 0)
		crossed.Store(r.Header.Get("X-Id"), times.(int)+1)
		_, _ = io.WriteString(w, "legacy")
	})}}
	table := routing.Compile(2, []routing.Definition{canary("/orders", routing.FullWeight)})
	<-s.proxy.Install(table, s.proxy.BuildLanes(table, s.backends, []proxy.Policies{policies}))
	var load sync.WaitGroup
	results := make(chan map[string]string, clients)
	for c := range clients {
		load.Go(func() {
			got := map[string]string{}
			for n := range each {
				id := strconv.Itoa(c) + "-" + strconv.Itoa(n)
				answer := s.fetch(http.MethodPost, "/orders/1", http.Header{"X-Id": {id}}, "amount=1")
				<-s.ended
				got[id] = answer.code
				if answer.code == "" {
					got[id] = answer.body
				}
			}
			results <- got
		})
	}
	load.Wait()
	lost := 0
	for range clients {
		for id, got := range <-results {
			atLegacy := 0
			if times, ok := crossed.Load(id); ok {
				atLegacy = times.(int)
			}
			atNew := racing.times(id)
			switch {
			case atNew+atLegacy > 1:
				t.Errorf("%s came to new %d times and to legacy %d times", id, atNew, atLegacy)
			case got == id && atNew == 1, got == "legacy" && atLegacy == 1:
			case got == "upstream_closed":
				lost++
			default:
				t.Errorf("%s got %q; new had it %d times, legacy %d times", id, got, atNew, atLegacy)
			}
		}
	}
	t.Logf("%d POSTs: %d may have been lost and were not repeated", clients*each, lost)
	if lost == 0 || lost == clients*each {
		t.Error("the connections were never closed in time")
	}
	atRest(t, s.proxy)
}
