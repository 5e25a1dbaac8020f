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
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// The benchmarks compare the whole data plane with a bare, tuned
// httputil.ReverseProxy. Client and backend run in the same process and cost
// the same for both, so look at the difference: cpu-µs/op is what the process
// used, all goroutines included.

func BenchmarkProxiedRequest(b *testing.B) {
	backendURL := cheapBackend(b)
	b.Run("passthrough", func(b *testing.B) { drive(b, cheapClient(backendURL.Host)) })
	b.Run("reverseproxy", func(b *testing.B) { drive(b, cheapClient(serveBench(b, tunedReverseProxy(backendURL)))) })
	b.Run("strangler", func(b *testing.B) { drive(b, cheapClient(serveBench(b, benchRouter(b, backendURL)))) })
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

// tunedReverseProxy is what one would write with net/http alone.
func tunedReverseProxy(backend *url.URL) http.Handler {
	buffers := &bufferPool{}
	return &httputil.ReverseProxy{
		Rewrite:    func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = backend.Scheme, backend.Host },
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

// benchRouter runs as a user would run it: sticky assignment at 25 %, metrics
// and access log on. Both sides are the same backend.
func benchRouter(b *testing.B, backend *url.URL) http.Handler {
	log := telemetry.NewAccessLog(io.Discard)
	b.Cleanup(func() { _ = log.Close() })
	p := proxy.New(proxy.Options{
		Metrics: telemetry.New("bench"), AccessLog: log, Logger: slog.New(slog.DiscardHandler),
	})
	defs := []routing.Definition{canary("/orders", 2500), legacyOnly()}
	table := routing.Compile(1, defs)
	limits := proxy.Limits{Legacy: guard.LegacyTimeouts(), New: guard.NewTimeouts()}
	only := proxy.Backend{Endpoints: []string{backend.String()}}
	backends := map[string]proxy.Backend{"legacy": only, "new": only}
	<-p.Install(table, p.BuildLanes(table, backends, []proxy.Limits{limits, limits}))
	return p
}

func serveBench(b *testing.B, h http.Handler) string {
	s := httptest.NewServer(h)
	b.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// cheapClient keeps connections alive and reads answers of a known shape.
func cheapClient(addr string) func() (func() error, error) {
	return func() (func() error, error) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, err
		}
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
		}, nil
	}
}

// drive sends b.N requests over 16 connections and reports the process's CPU.
func drive(b *testing.B, dial func() (func() error, error)) {
	const connections = 16
	b.ReportAllocs()
	sends := make([]func() error, connections)
	for i := range sends {
		send, err := dial()
		if err != nil {
			b.Fatal(err)
		}
		if err := send(); err != nil {
			b.Fatal(err)
		}
		sends[i] = send
	}
	before := cpu()
	b.ResetTimer()
	var group sync.WaitGroup
	for i, send := range sends {
		group.Go(func() {
			for n := i; n < b.N; n += connections {
				if err := send(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	b.StopTimer()
	b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-µs/op")
}

// cpu is the time the process has spent on processors.
func cpu() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
