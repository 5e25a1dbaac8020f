package stats_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/stats"
)

// BenchmarkRecord records the requests of keys that come again and again, while a
// goroutine drains every five seconds as a router does; all processors record for
// one lane.
func BenchmarkRecord(b *testing.B) {
	for _, c := range []struct {
		name   string
		keys   int
		failed bool
	}{
		{"few keys", 200, false},
		{"many keys", 100_000, false},
		{"many keys that fail and are slow", 100_000, true},
	} {
		keys := hashed(10, c.keys)
		b.Run(c.name, func(b *testing.B) {
			r := stats.NewRecorder(noon)
			r.SetSlow(time.Millisecond)
			done := drainEvery(r, 5*time.Second)
			defer done()
			var worker atomic.Int64
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				i := int(worker.Add(1)) * 7919
				for ; pb.Next(); i++ {
					took := time.Duration(100+i%800) * time.Microsecond
					if c.failed {
						took *= 100
					}
					r.Record(stats.Sample{Key: keys[i%len(keys)], At: noon, Took: took, Failed: c.failed, Drawn: true})
				}
			})
		})
	}
}

// BenchmarkRecordNew records requests of keys that were never seen, a thousand a
// window, which is when nothing can be rejected; the Drain of each window is included.
func BenchmarkRecordNew(b *testing.B) {
	r := stats.NewRecorder(noon)
	b.ReportAllocs()
	key := uint64(0)
	for b.Loop() {
		r.Record(stats.Sample{Key: key, At: noon, Took: time.Millisecond, Drawn: true})
		if key++; key%1000 == 0 {
			r.Drain(noon)
		}
	}
}

// drainEvery drains until the function that it returns is called.
func drainEvery(r *stats.Recorder, interval time.Duration) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case now := <-ticker.C:
				r.Drain(now)
			case <-end:
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

// BenchmarkDrain drains a busy lane and 10,000 that saw nothing.
func BenchmarkDrain(b *testing.B) {
	b.Run("busy", func(b *testing.B) {
		r := stats.NewRecorder(noon)
		keys := hashed(11, 2000)
		for b.Loop() {
			b.StopTimer()
			for i, key := range keys {
				r.Record(stats.Sample{Key: key, At: noon, Took: time.Duration(i) * time.Microsecond, Drawn: true})
			}
			b.StartTimer()
			r.Drain(noon)
		}
	})
	b.Run("10000 idle", func(b *testing.B) {
		idle := make([]*stats.Recorder, 10_000)
		for i := range idle {
			idle[i] = stats.NewRecorder(noon)
		}
		for b.Loop() {
			for _, r := range idle {
				r.Drain(noon)
			}
		}
	})
}

// BenchmarkMerge decodes windows of a busy lane and adds them up.
func BenchmarkMerge(b *testing.B) {
	for name, settled := range map[string]bool{"with keys": false, "settled": true} {
		b.Run(name, func(b *testing.B) {
			busy := seen(1, 5000, 500)
			if settled {
				busy.Settle()
			}
			data, _ := busy.MarshalBinary()
			var sum, w stats.Window
			b.ReportAllocs()
			for b.Loop() {
				if err := w.UnmarshalBinary(data); err != nil {
					b.Fatal(err)
				}
				sum.Merge(&w)
			}
		})
	}
}
