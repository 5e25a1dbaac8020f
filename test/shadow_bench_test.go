package test_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkLiveBesideShadow asks for the same file over three routes of one
// router, in turns: one that is not shadowed, one of which every request is, and
// one whose shadow hangs, with its queue full. Both sides are nginx. A few
// hundred requests a second leave the processors time for the copies. x-shadowed
// and x-hanging are ratios of 99th percentiles to those without shadowing, each
// the median of the turns; run it with -benchtime 7x or more.
func BenchmarkLiveBesideShadow(b *testing.B) {
	routes := []string{"off", "shadowed", "hanging"}
	r := threeRoutes(b)
	var ratios [3][]float64
	for range b.N {
		off := pacedP99(b, r.data, routes[0])
		for i := 1; i < len(routes); i++ {
			ratios[i] = append(ratios[i], pacedP99(b, r.data, routes[i])/off)
		}
		ratios[0] = append(ratios[0], off)
	}
	for i := range ratios {
		slices.Sort(ratios[i])
	}
	b.ReportMetric(ratios[0][b.N/2], "off-p99-µs")
	b.ReportMetric(ratios[1][b.N/2], "x-shadowed")
	b.ReportMetric(ratios[2][b.N/2], "x-hanging")
}

// threeRoutes is a router with the routes of the benchmark in service.
func threeRoutes(b *testing.B) *router {
	legacy, fresh, hanging := startMonolith(b), startMonolith(b), hangs(b)
	r := serve(b, "a", []string{"STRANGLER_ADMIN_TOKEN=" + shadowToken}, "--database", "sqlite:"+filepath.Join(b.TempDir(), "s.db"))
	file := filepath.Join(b.TempDir(), "routes.yaml")
	text := fmt.Sprintf(`
backends:
  - {name: legacy, endpoints: [%s]}
  - {name: fresh, endpoints: [%s]}
  - {name: hangs, endpoints: [%s]}
routes:
  - {name: off, match: {prefix: /orders/off}, legacy: legacy, new: fresh}
  - {name: shadowed, match: {prefix: /orders/shadowed}, legacy: legacy, new: fresh}
  - {name: hanging, match: {prefix: /orders/hanging}, legacy: legacy, new: hangs, shadow: {timeout: 5m}}
`, legacy, fresh, hanging)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	c := r.ctl(shadowToken)
	c.must("apply", "-f", file)
	c.must("promote", "shadowed", "--to", "shadow", "--wait")
	c.must("promote", "hanging", "--to", "shadow", "--wait")
	for _, route := range []string{"off", "shadowed", "hanging"} {
		pacedP99(b, r.data, route) // connections are opened, and the queue fills
	}
	return r
}

// hangs accepts connections and never answers.
func hangs(b *testing.B) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return "http://" + listener.Addr().String()
}

// pacedP99 sends 1200 requests over four connections, with pauses of random
// length between them, and returns the 99th percentile in µs.
func pacedP99(b *testing.B, address, route string) float64 {
	var all [4][]time.Duration
	var clients sync.WaitGroup
	for i := range all {
		clients.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			reader := bufio.NewReader(conn)
			for range 300 {
				time.Sleep(time.Millisecond + rand.N(8*time.Millisecond))
				began := time.Now()
				if _, err := fmt.Fprintf(conn, "GET /orders/%s HTTP/1.1\r\nHost: shop.example\r\n\r\n", route); err != nil {
					b.Error(err)
					return
				}
				res, err := http.ReadResponse(reader, nil)
				if err == nil {
					_, err = io.Copy(io.Discard, res.Body)
				}
				if err != nil || res.StatusCode != http.StatusOK {
					b.Errorf("route %s: %v, %v", route, res, err)
					return
				}
				all[i] = append(all[i], time.Since(began))
			}
		})
	}
	clients.Wait()
	took := slices.Concat(all[:]...)
	slices.Sort(took)
	if len(took) == 0 {
		b.Fatal("no request was answered")
	}
	return float64(took[len(took)*99/100].Nanoseconds()) / 1000
}
