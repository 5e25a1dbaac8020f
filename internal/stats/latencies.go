package stats

import (
	"sync/atomic"
	"time"
)

// latencies is a Histogram that many goroutines add to. An octave takes 256 bytes
// when something falls into it, and most lanes need fewer than ten. The zero value
// is empty.
type latencies struct {
	pages [octaves]atomic.Pointer[page]
}

// page is the buckets of one octave.
type page [perOctave]atomic.Uint64

func (l *latencies) add(d time.Duration) {
	bucket := bucketOf(d)
	at := &l.pages[bucket/perOctave]
	p := at.Load()
	if p == nil {
		at.CompareAndSwap(nil, new(page))
		p = at.Load()
	}
	p[bucket%perOctave].Add(1)
}

// take returns what was counted and forgets it, but keeps the pages. Nobody may
// add meanwhile.
func (l *latencies) take() (h Histogram) {
	for octave := range l.pages {
		p := l.pages[octave].Load()
		if p == nil {
			continue
		}
		for i := range p {
			if n := p[i].Swap(0); n > 0 {
				h.add(octave*perOctave+i, n)
			}
		}
	}
	return h
}
