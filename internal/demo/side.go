package demo

import (
	"fmt"
	"net/http"
)

// Side is which of the two shops is meant.
type Side string

// The two shops.
const (
	Legacy Side = "legacy"
	New    Side = "new"
)

// ServedBy is the header in which a shop says its side.
const ServedBy = "X-Served-By"

// Shop returns one of the two shops, working on books.
func Shop(side Side, books *Books) (http.Handler, error) {
	switch side {
	case Legacy:
		return newLegacyShop(books), nil
	case New:
		return newNewShop(books), nil
	default:
		return nil, fmt.Errorf("there is no %q shop: want %q or %q", string(side), Legacy, New)
	}
}

// signed adds the side's signature to every answer of next.
func signed(side Side, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(ServedBy, string(side))
		next.ServeHTTP(w, r)
	})
}
