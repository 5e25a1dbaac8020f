package shadow

import "sync/atomic"

// DefaultBudget is how many bytes all copies of a router may take together.
const DefaultBudget = 64 << 20

// Budget bounds the memory of copies. It is safe for concurrent use.
type Budget struct {
	limit int64
	used  atomic.Int64
}

// NewBudget returns a budget of limit bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Used is how many bytes are taken now.
func (b *Budget) Used() int64 { return b.used.Load() }

// Limit is how many may be.
func (b *Budget) Limit() int64 { return b.limit }

// take reserves n bytes; false: there is no room, and nothing was reserved.
func (b *Budget) take(n int64) bool {
	for {
		used := b.used.Load()
		if used+n > b.limit {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

// give returns n bytes.
func (b *Budget) give(n int64) { b.used.Add(-n) }
