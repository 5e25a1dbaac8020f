package proxy

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/stats"
)

// BenchmarkSample is all that the statistics add to an exchange: whose it was, and
// recording it. In canary the key was read to decide the side; elsewhere it is read
// for this. What an exchange reads at its end is warm: sixteen visitors come again
// and again. cpu-ns/op leaves out what else the machine does.
func BenchmarkSample(b *testing.B) {
	for _, source := range []struct {
		name   string
		key    routing.Key
		header func(visitor int) http.Header
	}{
		{"header", routing.Key{Kind: routing.KeyHeader, Name: "X-User-Id"}, func(n int) http.Header {
			return http.Header{"X-User-Id": {fmt.Sprint("user-", n)}}
		}},
		{"cookie", routing.Key{Kind: routing.KeyCookie, Name: "session"}, func(n int) http.Header {
			return http.Header{"Cookie": {fmt.Sprintf("theme=dark; session=%032x", n)}}
		}},
		{"claim", routing.Key{Kind: routing.KeyClaim, Name: "sub"}, func(n int) http.Header {
			return http.Header{"Authorization": {fmt.Sprintf("Bearer e30.%s.%0342d", strings.Repeat("e30a", 100), n)}}
		}},
		{"no key", routing.Key{Kind: routing.KeyMint}, func(int) http.Header { return http.Header{} }},
	} {
		for _, stage := range []routing.Stage{routing.StageCanary, routing.StageLegacy} {
			b.Run(source.name+" in "+stage.String(), func(b *testing.B) {
				flows := sampled(source.key, stage, source.header)
				end := time.Now()
				b.ReportAllocs()
				before := onProcessors()
				for i := 0; b.Loop(); i++ {
					flows[i%len(flows)].record(end)
				}
				b.ReportMetric(float64((onProcessors()-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

// sampled are exchanges that have come to their end, each of another visitor.
func sampled(key routing.Key, stage routing.Stage, header func(visitor int) http.Header) []*flow {
	table := routing.Compile(1, []routing.Definition{{
		Name: "orders", Match: routing.Match{Prefix: "/"}, Legacy: "legacy", New: "new",
		Group:    routing.Group{Salt: strings.Repeat("s", 32), Keys: []routing.Key{key}},
		Assigned: routing.Assigned{Stage: stage, Weight: 5000},
	}})
	board := stats.NewBoard(time.Now())
	lanes := [...]*lane{
		{recorder: board.Lane("orders", "legacy"), backend: &backendGuard{}},
		{recorder: board.Lane("orders", "new"), backend: &backendGuard{}},
	}
	flows := make([]*flow, 16)
	for visitor := range flows {
		f := &flow{route: table.Route("orders"), res: &http.Response{}}
		f.request = routing.Request{Path: "/", Header: header(visitor), Client: netip.AddrFrom4([4]byte{192, 0, byte(visitor >> 8), byte(visitor)})}
		f.Assignment = table.Assign(f.route, &f.request)
		f.RequestID, f.FirstByte = "0123456789abcdef", time.Duration(visitor+1)*100*time.Microsecond
		f.lane = lanes[f.Assignment.Side]
		flows[visitor] = f
	}
	return flows
}

// onProcessors is the time that the process has had.
func onProcessors() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
