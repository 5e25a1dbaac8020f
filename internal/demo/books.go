package demo

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// How much the books keep of what visitors bring, so that a demo left running
// over a weekend stays small. The oldest goes first; seeded orders stay.
const (
	keptOrders   = 2000
	keptSessions = 2000
	maxLines     = 50 // of one order
	maxQuantity  = 99
)

// Books is the shop's database: products, orders and sessions, in memory. It
// is safe for concurrent use.
type Books struct {
	products []product // never changes

	mu           sync.RWMutex // guards what follows
	orders       []order      // by id, ascending
	sessions     map[string]session
	sessionOrder []string // ids of sessions, oldest first
	readers      map[chan order]struct{}
}

// session is one visitor as the shop knows them by their cookie.
type session struct {
	Name string // empty: not signed in
	Cart []line
}

// items is how many things lie in the cart.
func (s session) items() int {
	n := 0
	for _, l := range s.Cart {
		n += l.Quantity
	}
	return n
}

// add puts a line into the cart: once for each product, and never more of it
// than an order takes.
func (s *session) add(l line) {
	for i := range s.Cart {
		if s.Cart[i].Product.ID == l.Product.ID {
			s.Cart[i].Quantity = min(s.Cart[i].Quantity+l.Quantity, maxQuantity)
			return
		}
	}
	s.Cart = append(s.Cart, l)
}

// NewBooks returns books with the seeded products and orders.
func NewBooks() *Books {
	products := seedProducts()
	return &Books{
		products: products,
		orders:   seedOrders(products),
		sessions: map[string]session{},
		readers:  map[chan order]struct{}{},
	}
}

// product returns the product with this id.
func (b *Books) product(id int) (product, bool) {
	if id < 1 || id > len(b.products) {
		return product{}, false
	}
	return b.products[id-1], true
}

// order returns the order with this id.
func (b *Books) order(id int) (order, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	at, ok := slices.BinarySearchFunc(b.orders, id, func(o order, id int) int { return cmp.Compare(o.ID, id) })
	if !ok {
		return order{}, false
	}
	return b.orders[at], true
}

// newestOrders returns at most limit orders, newest first, of one customer or,
// with an empty name, of all.
func (b *Books) newestOrders(customer string, limit int) []order {
	b.mu.RLock()
	defer b.mu.RUnlock()
	found := []order{}
	for _, o := range slices.Backward(b.orders) {
		if len(found) == limit {
			break
		}
		if customer == "" || o.Customer == customer {
			found = append(found, o)
		}
	}
	return found
}

// want is one line of an order as the buyer writes it.
type want struct {
	Product  int `json:"product"`
	Quantity int `json:"quantity"`
}

// errOrder is wrapped by every refusal of an order or a cart line.
var errOrder = errors.New("not something we sell")

// line checks one wish against the assortment.
func (b *Books) line(w want) (line, error) {
	p, ok := b.product(w.Product)
	if !ok {
		return line{}, fmt.Errorf("%w: there is no product %d", errOrder, w.Product)
	}
	if w.Quantity < 1 || w.Quantity > maxQuantity {
		return line{}, fmt.Errorf("%w: quantity %d of product %d: want 1 to %d", errOrder, w.Quantity, w.Product, maxQuantity)
	}
	return line{Product: p, Quantity: w.Quantity}, nil
}

// place writes a new order down and tells the feed's readers.
func (b *Books) place(customer string, wants []want) (order, error) {
	if len(wants) == 0 || len(wants) > maxLines {
		return order{}, fmt.Errorf("%w: %d lines: want 1 to %d", errOrder, len(wants), maxLines)
	}
	placed := order{Customer: customer, PlacedAt: time.Now().UTC().Truncate(time.Second), Status: "open"}
	for _, w := range wants {
		l, err := b.line(w)
		if err != nil {
			return order{}, err
		}
		placed.Lines = append(placed.Lines, l)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	placed.ID = b.orders[len(b.orders)-1].ID + 1
	b.orders = append(b.orders, placed)
	if len(b.orders) > SeedOrders+keptOrders {
		b.orders = slices.Delete(b.orders, SeedOrders, SeedOrders+1)
	}
	for reader := range b.readers {
		select {
		case reader <- placed:
		default: // a reader that does not keep up misses an order; the shop never waits for it
		}
	}
	return placed, nil
}

// watch returns a channel of orders as they are placed; leave ends it.
func (b *Books) watch() (placed <-chan order, leave func()) {
	reader := make(chan order, 16)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readers[reader] = struct{}{}
	return reader, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.readers, reader)
	}
}

// session returns the session with this id; an unknown one is a stranger's.
func (b *Books) session(id string) session {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.sessions[id]
}

// updateSession changes the session with this id, or a new one when it is not
// known, and returns the id under which it is now kept.
func (b *Books) updateSession(id string, change func(*session)) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, known := b.sessions[id]
	if !known {
		id = rand.Text()
		b.sessionOrder = append(b.sessionOrder, id)
	}
	s.Cart = slices.Clone(s.Cart) // readers may hold the old one
	change(&s)
	b.sessions[id] = s
	if len(b.sessionOrder) > keptSessions {
		delete(b.sessions, b.sessionOrder[0])
		b.sessionOrder = b.sessionOrder[1:]
	}
	return id
}
