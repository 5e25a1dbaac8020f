package stats

import "sync/atomic"

// tally is the numbers of a Window that many goroutines add to.
type tally struct {
	classes                   [Classes]atomic.Uint64
	failures, fallbacks, slow atomic.Uint64
	latency                   latencies
	exposed, failed, slowed   keySet
}

func (t *tally) count(s *Sample, slow bool) {
	t.classes[min(s.Class, Classes-1)].Add(1)
	if s.Fallback {
		t.fallbacks.Add(1)
	}
	if s.Took > 0 {
		t.latency.add(s.Took)
	}
	if s.Failed {
		t.failures.Add(1)
	}
	if slow {
		t.slow.Add(1)
	}
	if s.Drawn {
		t.expose(keyMinute(s.Key, s.At), s.Failed || s.Stumbled, slow)
	}
}

// expose counts a key-minute.
func (t *tally) expose(key uint64, failed, slow bool) {
	t.exposed.add(key)
	if failed {
		t.failed.add(key)
	}
	if slow {
		t.slowed.add(key)
	}
}

// takeInto moves what was counted to a window. Nobody may count meanwhile.
func (t *tally) takeInto(w *Window) {
	for class := range t.classes {
		w.Classes[class] = t.classes[class].Swap(0)
	}
	w.Failures, w.Fallbacks, w.Slow = t.failures.Swap(0), t.fallbacks.Swap(0), t.slow.Swap(0)
	w.Latency = t.latency.take()
	w.Exposed, w.Failed, w.Slowed = t.exposed.take(), t.failed.take(), t.slowed.take()
}
