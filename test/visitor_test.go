package test_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// visitors is how many users there are.
const visitors = 10_000

// visitor asks over connections that stay open.
type visitor struct {
	client *http.Client
	now    func() int64 // for askedHeader
}

func newVisitor(t *testing.T, app *newApp, connections int) *visitor {
	transport := &http.Transport{MaxIdleConnsPerHost: connections}
	t.Cleanup(transport.CloseIdleConnections)
	return &visitor{client: &http.Client{Transport: transport, Timeout: patience}, now: app.now}
}

// ask asks for an order as a user, and returns the side that answered. Anything
// but a whole and right answer is an error.
func (v *visitor) ask(address, path, user string) (side string, err error) {
	request, err := http.NewRequest(http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return "", err
	}
	request.Header.Set("X-User-Id", user)
	request.Header.Set(askedHeader, strconv.FormatInt(v.now(), 10))
	res, err := v.client.Do(request)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	side = res.Header.Get("X-Served-By")
	if res.StatusCode != http.StatusOK || string(body) != order || (side != "legacy" && side != "new") {
		return "", fmt.Errorf("%s for user %s: %s, served by %q: %q", path, user, res.Status, side, body)
	}
	return side, nil
}

// order asks for any order.
func (v *visitor) order(address, user string) (side string, err error) {
	return v.ask(address, "/orders/42", user)
}

// everyone asks once for every nth user, 32 at a time, and returns their sides.
// choose says which router the user meets.
func (v *visitor) everyone(t *testing.T, nth int, choose func(user int) *router) map[string]string {
	t.Helper()
	var (
		mu    sync.Mutex
		sides = make(map[string]string, visitors/nth)
		group sync.WaitGroup
		users = make(chan int)
	)
	for range 32 {
		group.Go(func() {
			for user := range users {
				name := strconv.Itoa(user)
				side, err := v.order(choose(user).data, name)
				if err != nil {
					t.Errorf("user %d: %v", user, err)
				}
				mu.Lock()
				sides[name] = side
				mu.Unlock()
			}
		})
	}
	for user := 0; user < visitors; user += nth {
		users <- user
	}
	close(users)
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return sides
}

// crowd asks all the while, beside what the test does.
type crowd struct {
	t       *testing.T
	asked   atomic.Int64 // visits that have ended
	leaving chan struct{}
	group   sync.WaitGroup

	mu     sync.Mutex
	failed int   // guarded by mu
	first  error // of the failed visits; guarded by mu
}

// gather lets workers visit until leave; n numbers their visits from 0.
func gather(t *testing.T, workers int, visit func(n int64) error) *crowd {
	c := &crowd{t: t, leaving: make(chan struct{})}
	var number atomic.Int64
	for range workers {
		c.group.Go(func() {
			for {
				select {
				case <-c.leaving:
					return
				default:
				}
				if err := visit(number.Add(1) - 1); err != nil {
					c.note(err)
				}
				c.asked.Add(1)
			}
		})
	}
	t.Cleanup(c.leave)
	return c
}

func (c *crowd) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed++; c.first == nil {
		c.first = fmt.Errorf("at %s: %w", time.Now().Format(time.TimeOnly), err)
	}
}

// more waits until n further visits have ended.
func (c *crowd) more(n int64) {
	c.t.Helper()
	before := c.asked.Load()
	eventually(c.t, "visitors visit", func() bool { return c.asked.Load() >= before+n })
}

// leave ends the visits and waits for those under way.
func (c *crowd) leave() {
	select {
	case <-c.leaving:
	default:
		close(c.leaving)
	}
	c.group.Wait()
}

// content leaves, and fails the test if any visit failed.
func (c *crowd) content() {
	c.t.Helper()
	c.leave()
	if c.failed > 0 {
		c.t.Errorf("%d of %d visits failed, the first %v", c.failed, c.asked.Load(), c.first)
	}
}
