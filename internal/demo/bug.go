package demo

import (
	"net/http"
	"sync/atomic"
)

// A Bug comes with the next release of the new shop.
type Bug interface {
	// Release has the new shop answer 500 to three requests in ten from then on.
	Release()
}

// buggyShop is a shop whose next release has a bug.
type buggyShop struct {
	shop     http.Handler
	released atomic.Bool
	requests atomic.Uint64
}

// Release implements Bug.
func (b *buggyShop) Release() { b.released.Store(true) }

// ServeHTTP implements http.Handler.
func (b *buggyShop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if b.released.Load() && b.requests.Add(7)%10 < 3 {
		w.Header().Set(ServedBy, string(New))
		http.Error(w, "nil pointer", http.StatusInternalServerError)
		return
	}
	b.shop.ServeHTTP(w, r)
}
