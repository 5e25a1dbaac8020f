package demo

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
)

// The script asks as so many users, so few at a time. With 2,000 users the
// share that a fair hash gives to a weight of 25 % has a standard deviation of
// 1 % of all users; tolerance is four of them.
const (
	crowdSize   = 2000
	crowdAtOnce = 8
	tolerance   = 0.04
)

// crowd sends one request for an order as each of many users, and remembers
// the side that served each.
type crowd struct {
	shop   string
	client *http.Client
}

// ask returns each user's side, by the user's number.
func (c *crowd) ask(ctx context.Context) ([]Side, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sides := make([]Side, crowdSize)
	var next atomic.Int64
	var asking sync.WaitGroup
	for range crowdAtOnce {
		asking.Go(func() {
			for user := next.Add(1) - 1; user < crowdSize && ctx.Err() == nil; user = next.Add(1) - 1 {
				side, err := c.one(ctx, int(user))
				if err != nil {
					cancel(err)
					return
				}
				sides[user] = side
			}
		})
	}
	asking.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return sides, nil
}

func (c *crowd) one(ctx context.Context, user int) (Side, error) {
	person := visitor{id: fmt.Sprintf("user-%d", user), shop: c.shop, client: c.client}
	got, err := person.get(ctx, fmt.Sprintf("/api/orders/%d", FirstOrder+user%SeedOrders))
	if problem := complaint(got, err); problem != "" {
		return "", fmt.Errorf("%s: %s", person.id, problem)
	}
	return got.side, nil
}

// onNew is how many of the users new served.
func onNew(sides []Side) int {
	n := 0
	for _, side := range sides {
		if side == New {
			n++
		}
	}
	return n
}

// around checks that new served about a share of the users.
func around(sides []Side, share float64) error {
	got := float64(onNew(sides)) / float64(len(sides))
	if got < share-tolerance || got > share+tolerance {
		return fmt.Errorf("new serves %.1f %% of %d users, want %.0f ± %.0f %%", 100*got, len(sides), 100*share, 100*tolerance)
	}
	return nil
}

// movedBack is how many users had new before, and have legacy after.
func movedBack(before, after []Side) int {
	n := 0
	for user, side := range before {
		if side == New && after[user] != New {
			n++
		}
	}
	return n
}
