package proxy_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/redact"
	"github.com/stranglerfig/strangler/internal/telemetry"
)

// BenchmarkLiveBesideShadow drives the same requests through three routers in
// turns: without shadowing, with every request shadowed, and with a shadow that
// hangs and a queue that is full. Four connections send a request each half a
// millisecond or so, which leaves the processors time for the copies. The ratios
// are of the 99th percentiles, each the median of the turns.
func BenchmarkLiveBesideShadow(b *testing.B) {
	backend := cheapBackend(b).String()
	hanging := rawHanging(b)
	names := []string{"off", "shadowed", "hanging"}
	var sends [3][]func() error
	for i, fresh := range []string{"", backend, hanging} {
		sends[i] = connect(b, serveBench(b, shadowBench(b, backend, fresh)))[:4]
	}
	const turn = 2000
	var p99 [3][]float64
	for done := 0; done < b.N; done += turn {
		for i := range sends {
			p99[i] = append(p99[i], pacedP99(b, sends[i], turn))
		}
	}
	median := func(all []float64) float64 {
		slices.Sort(all)
		return all[len(all)/2]
	}
	off := median(p99[0])
	b.ReportMetric(off, "off-p99-µs")
	for i := 1; i < len(names); i++ {
		b.ReportMetric(median(p99[i])/off, "x-"+names[i])
	}
}

// rawHanging accepts requests and never answers.
func rawHanging(b *testing.B) string {
	ln := listen(b)
	b.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			b.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return "http://" + ln.Addr().String()
}

// shadowBench is a router that shadows everything to fresh; empty: nothing.
func shadowBench(b *testing.B, legacy, fresh string) http.Handler {
	collector := shadow.NewCollector(shadow.CollectorConfig{Instance: "bench"})
	redactor, err := redact.New(new(auth.RedactionKeys), nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	collector.SetRoutes(map[string]shadow.RouteSettings{"orders": {Redactor: redactor}})
	engine := shadow.NewEngine(shadow.Config{Budget: shadow.NewBudget(shadow.DefaultBudget), Collector: collector, Logger: slog.New(slog.DiscardHandler)})
	b.Cleanup(engine.Close)
	log := telemetry.NewAccessLog(discard{})
	b.Cleanup(func() { _ = log.Close() })
	p := proxy.New(proxy.Options{Metrics: telemetry.New("bench"), AccessLog: log, Logger: slog.New(slog.DiscardHandler), Shadows: engine})
	policy := shadow.DefaultPolicy()
	definition := canary("/orders", 0)
	if fresh != "" {
		definition.Assigned.Stage = routing.StageShadow
	} else {
		fresh = legacy
	}
	table := routing.Compile(1, []routing.Definition{definition})
	backends := map[string]proxy.Backend{"legacy": {Endpoints: []string{legacy}}, "new": {Endpoints: []string{fresh}}}
	<-p.Install(table, p.BuildLanes(table, backends, []proxy.Policies{{Legacy: guard.LegacyPolicy(), New: guard.NewPolicy(), Shadow: &policy}}))
	return p
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// pacedP99 sends n requests with pauses, and returns the 99th percentile in µs.
func pacedP99(b *testing.B, sends []func() error, n int) float64 {
	took := make([][]time.Duration, len(sends))
	var group sync.WaitGroup
	for i, send := range sends {
		group.Go(func() {
			for range n / len(sends) {
				time.Sleep(time.Millisecond)
				began := time.Now()
				if err := send(); err != nil {
					b.Error(fmt.Errorf("a request failed: %w", err))
					return
				}
				took[i] = append(took[i], time.Since(began))
			}
		})
	}
	group.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	return float64(all[len(all)*99/100].Nanoseconds()) / 1000
}
