package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// The benchmarks measure the whole data plane beside a bare, tuned
// httputil.ReverseProxy. cpu-µs/op is what the process used on processors, all
// goroutines included: client and backend run in it as well, and cost what
// passthrough shows.

func BenchmarkProxiedRequest(b *testing.B) {
	for _, contender := range contenders(b) {
		b.Run(contender.name, func(b *testing.B) {
			sends := connect(b, contender.addr)
			b.ReportAllocs()
			before := cpu()
			b.ResetTimer()
			drive(b, sends, b.N)
			b.StopTimer()
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

// BenchmarkAgainstReverseProxy drives both in turns, a thousand requests each,
// so that whatever else the machine does meets both alike. x-reverseproxy is
// the ratio of their costs, client and backend taken off.
func BenchmarkAgainstReverseProxy(b *testing.B) {
	const turn = 1000
	all := contenders(b)
	sends := make([][]func() error, len(all))
	for i, contender := range all {
		sends[i] = connect(b, contender.addr)
	}
	spent := make([]time.Duration, len(all))
	for done := 0; done < b.N; done += turn {
		for i := range all {
			before := cpu()
			drive(b, sends[i], turn)
			spent[i] += cpu() - before
		}
	}
	passthrough, reverseProxy, strangler := spent[0], spent[1], spent[2]
	b.ReportMetric(float64(strangler-passthrough)/float64(reverseProxy-passthrough), "x-reverseproxy")
	b.ReportMetric(float64(strangler-passthrough)/1000/float64((b.N+turn-1)/turn*turn), "strangler-cpu-µs")
	b.ReportMetric(float64(reverseProxy-passthrough)/1000/float64((b.N+turn-1)/turn*turn), "reverseproxy-cpu-µs")
}

type contender struct{ name, addr string }

// contenders are a backend, and what stands in front of it.
func contenders(b *testing.B) []contender {
	backend := cheapBackend(b)
	return []contender{
		{"passthrough", backend.Host},
		{"reverseproxy", serveBench(b, tunedReverseProxy(backend))},
		{"strangler", serveBench(b, benchRouter(b, backend))},
	}
}

// cheapBackend answers every request with the same bytes, at as little cost as
// Go allows: no net/http server.
func cheapBackend(b *testing.B) *url.URL {
	ln := listen(b)
	b.Cleanup(func() { _ = ln.Close() })
	const body = `{"id":42,"total":"12.50"}`
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nServer: bench\r\n\r\n%s", len(body), body)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buf := make([]byte, 4096)
				for {
					if _, err := conn.Read(buf); err != nil {
						return
					}
					if _, err := conn.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	u, err := url.Parse("http://" + ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	return u
}

// tunedReverseProxy is what one would write with net/http alone: X-Forwarded
// headers, pooled buffers and connections, and neither log nor metrics.
func tunedReverseProxy(backend *url.URL) http.Handler {
	buffers := &bufferPool{}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = backend.Scheme, backend.Host
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport:  &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 512},
		BufferPool: buffers,
		ErrorLog:   slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
}

type bufferPool struct{ pool sync.Pool }

func (p *bufferPool) Get() []byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 32<<10)
}

func (p *bufferPool) Put(b []byte) { p.pool.Put(&b) }

// benchRouter runs as a user would run it: sticky assignment at 25 %, metrics,
// statistics and access log on. Both sides are the same backend.
func benchRouter(b *testing.B, backend *url.URL) http.Handler {
	log := telemetry.NewAccessLog(io.Discard)
	b.Cleanup(func() { _ = log.Close() })
	p := proxy.New(proxy.Options{
		Metrics: telemetry.New("bench"), AccessLog: log, Logger: slog.New(slog.DiscardHandler),
		Board: drainedBoard(b),
	})
	defs := []routing.Definition{canary("/orders", 2500), legacyOnly()}
	table := routing.Compile(1, defs)
	limits := proxy.Policies{Legacy: guard.LegacyPolicy(), New: guard.NewPolicy()}
	only := proxy.Backend{Endpoints: []string{backend.String()}}
	backends := map[string]proxy.Backend{"legacy": only, "new": only}
	<-p.Install(table, p.BuildLanes(table, backends, []proxy.Policies{limits, limits}))
	return p
}

// drainedBoard is one that somebody drains, as a router does.
func drainedBoard(b *testing.B) *stats.Board {
	board, end := stats.NewBoard(time.Now()), make(chan struct{})
	b.Cleanup(func() { close(end) })
	go func() {
		for slots := time.Tick(stats.SlotLength); ; {
			select {
			case now := <-slots:
				board.Drain(now)
			case <-end:
				return
			}
		}
	}()
	return board
}

func serveBench(b *testing.B, h http.Handler) string {
	s := httptest.NewServer(h)
	b.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// connect opens 16 kept-alive connections, each with a request done.
func connect(b *testing.B, addr string) []func() error {
	sends := make([]func() error, 16)
	for i := range sends {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = conn.Close() })
		sends[i] = cheapClient(conn)
		if err := sends[i](); err != nil {
			b.Fatal(err)
		}
	}
	return sends
}

// cheapClient sends one request and reads its answer, of a known shape.
func cheapClient(conn net.Conn) func() error {
	request := []byte("GET /orders/42?view=full HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: application/json\r\nX-User-Id: 4711\r\nCookie: session=abc\r\n\r\n")
	reader := bufio.NewReader(conn)
	return func() error {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
}

// drive sends n requests over all connections at once.
func drive(b *testing.B, sends []func() error, n int) {
	var group sync.WaitGroup
	for i, send := range sends {
		group.Go(func() {
			for range (n - i + len(sends) - 1) / len(sends) {
				if err := send(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// cpu is the time the process has spent on processors.
func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
