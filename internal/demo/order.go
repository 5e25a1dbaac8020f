package demo

import (
	"fmt"
	"time"
)

// order is what somebody bought.
type order struct {
	ID       int
	Customer string
	PlacedAt time.Time // UTC, whole seconds
	Status   string    // open, packed, shipped
	Lines    []line
}

// line is one product of an order, at the price it then had.
type line struct {
	Product  product
	Quantity int
}

// clock is the moment at which an order is read, as both shops write it: always
// as long, and never twice the same. It is the noise between them, since each
// differs by it from itself.
func clock() string {
	return time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z")
}

func (o order) total() money {
	var sum money
	for _, l := range o.Lines {
		sum += l.Product.Price * money(l.Quantity)
	}
	return sum
}

// The seeded orders have the ids from FirstOrder to FirstOrder+SeedOrders-1.
const (
	FirstOrder = 1001
	SeedOrders = 200
)

// seedOrders makes the same orders at every start.
func seedOrders(products []product) []order {
	statuses := []string{"shipped", "shipped", "packed", "open"}
	opening := time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	orders := make([]order, SeedOrders)
	for i := range SeedOrders {
		o := order{
			ID:       FirstOrder + i,
			Customer: fmt.Sprintf("visitor-%d", 1+i%50),
			PlacedAt: opening.Add(time.Duration(i) * 37 * time.Minute),
			Status:   statuses[i%len(statuses)],
		}
		for j := range 1 + i%3 {
			o.Lines = append(o.Lines, line{Product: products[(i*5+j*11)%len(products)], Quantity: 1 + (i+j)%4})
		}
		orders[i] = o
	}
	return orders
}
