package shadow

import "sync/atomic"

// Skips counts the requests of one route that were not compared. It is safe for
// concurrent use, and cheap enough for the path that a client waits on.
type Skips struct {
	counts [reasonCount]atomic.Uint64
}

// Add counts one request that was not compared for this reason.
func (s *Skips) Add(reason Reason) { s.counts[reason].Add(1) }

// drain hands over what was counted since the last time.
func (s *Skips) drain(tally func(reason string, n uint64)) {
	for reason := range s.counts {
		if n := s.counts[reason].Swap(0); n > 0 {
			tally(Reason(reason).String(), n)
		}
	}
}
