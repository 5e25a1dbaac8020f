package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// handles caches counters by the labels that are only known when an exchange
// ends. Reading takes no lock: a new entry replaces the whole map, which stays
// small and soon stops changing.
type handles[K comparable] struct {
	mu      sync.Mutex // taken to write
	entries atomic.Pointer[map[K]prometheus.Counter]
}

func (h *handles[K]) get(key K) (prometheus.Counter, bool) {
	entries := h.entries.Load()
	if entries == nil {
		return nil, false
	}
	counter, ok := (*entries)[key]
	return counter, ok
}

func (h *handles[K]) put(key K, counter prometheus.Counter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := map[K]prometheus.Counter{key: counter}
	if entries := h.entries.Load(); entries != nil {
		maps.Copy(next, *entries)
	}
	h.entries.Store(&next)
}

// keys returns every key there is a counter for.
func (h *handles[K]) keys() []K {
	entries := h.entries.Load()
	if entries == nil {
		return nil
	}
	keys := make([]K, 0, len(*entries))
	for key := range *entries {
		keys = append(keys, key)
	}
	return keys
}
