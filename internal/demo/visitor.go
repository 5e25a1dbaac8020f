package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

const (
	patience  = 20 * time.Second // of a visitor with one request
	maxAnswer = 4 << 20          // bytes a visitor reads of one answer
)

// visitor is one person in the shop: always the same X-User-Id, always the
// same cookies. It does one thing at a time.
type visitor struct {
	id     string
	shop   string // base URL
	client *http.Client
	mood   *rand.Rand
	order  int // the last one placed; 0: none yet
}

// newVisitor returns visitor number n, who does the same things in every run.
func newVisitor(n int, shop string, transport http.RoundTripper) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		panic(err) // cookiejar.New has no way to fail without options
	}
	return &visitor{
		id:     fmt.Sprintf("visitor-%d", n),
		shop:   shop,
		client: &http.Client{Transport: transport, Jar: jar, Timeout: patience},
		mood:   rand.New(rand.NewPCG(uint64(n), 1)),
	}
}

// reply is an answer that a visitor has read.
type reply struct {
	status int
	side   Side
	body   []byte
}

// act is one thing visitors do; often says how often, against the others.
type act struct {
	route string
	often int
	do    func(context.Context, *visitor) (reply, error)
}

func acts() []act {
	return []act{
		{routeOrder, 40, readOrder},
		{routeProducts, 15, func(ctx context.Context, v *visitor) (reply, error) {
			return v.get(ctx, "/api/products")
		}},
		{routeProducts, 10, func(ctx context.Context, v *visitor) (reply, error) {
			return v.get(ctx, fmt.Sprintf("/api/products/%d", 1+v.mood.IntN(assortment)))
		}},
		{routeCatalogue, 15, func(ctx context.Context, v *visitor) (reply, error) {
			return v.get(ctx, fmt.Sprintf("/products/%d", 1+v.mood.IntN(assortment)))
		}},
		{routeRest, 8, func(ctx context.Context, v *visitor) (reply, error) { return v.get(ctx, "/") }},
		{routeRest, 5, placeOrder},
		{routeRest, 3, signIn},
		{routeRest, 2, fillCart},
		{routeRest, 1, func(ctx context.Context, v *visitor) (reply, error) { return v.get(ctx, "/reports/sales") }},
		{routeRest, 1, readFeed},
	}
}

// readOrder reads an order, and looks whether it is the one that was asked for.
func readOrder(ctx context.Context, v *visitor) (reply, error) {
	id := v.order
	if id == 0 || v.mood.IntN(2) == 0 {
		id = FirstOrder + v.mood.IntN(SeedOrders)
	}
	got, err := v.get(ctx, fmt.Sprintf("/api/orders/%d", id))
	if err != nil || got.status != http.StatusOK {
		return got, err
	}
	var read struct{ ID int }
	if err := json.Unmarshal(got.body, &read); err != nil {
		return got, fmt.Errorf("order %d cannot be read: %w", id, err)
	}
	if read.ID != id {
		return got, fmt.Errorf("asked for order %d, was given order %d", id, read.ID)
	}
	return got, nil
}

func placeOrder(ctx context.Context, v *visitor) (reply, error) {
	body := fmt.Sprintf(`{"lines":[{"product":%d,"quantity":%d}]}`, 1+v.mood.IntN(assortment), 1+v.mood.IntN(3))
	got, err := v.post(ctx, "/api/orders", "application/json", body)
	if err != nil || got.status != http.StatusCreated {
		return got, err
	}
	var placed struct{ ID int }
	if err := json.Unmarshal(got.body, &placed); err != nil {
		return got, fmt.Errorf("the order placed cannot be read: %w", err)
	}
	v.order = placed.ID
	return got, nil
}

func signIn(ctx context.Context, v *visitor) (reply, error) {
	return v.post(ctx, "/login", "application/x-www-form-urlencoded", url.Values{"name": {v.id}}.Encode())
}

func fillCart(ctx context.Context, v *visitor) (reply, error) {
	form := fmt.Sprintf("product=%d&quantity=1", 1+v.mood.IntN(assortment))
	return v.post(ctx, "/cart", "application/x-www-form-urlencoded", form)
}

// readFeed listens until the first tick.
func readFeed(ctx context.Context, v *visitor) (reply, error) {
	resp, err := v.send(ctx, http.MethodGet, "/events", "", "")
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	got := reply{status: resp.StatusCode, side: Side(resp.Header.Get(ServedBy))}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if lines.Text() == "event: tick" {
			return got, nil
		}
	}
	return got, errors.Join(errors.New("the feed ended before its first tick"), lines.Err())
}

func (v *visitor) get(ctx context.Context, path string) (reply, error) {
	return v.ask(ctx, http.MethodGet, path, "", "")
}

func (v *visitor) post(ctx context.Context, path, contentType, body string) (reply, error) {
	return v.ask(ctx, http.MethodPost, path, contentType, body)
}

// ask sends a request, follows redirects, and reads the whole answer.
func (v *visitor) ask(ctx context.Context, method, path, contentType, body string) (reply, error) {
	resp, err := v.send(ctx, method, path, contentType, body)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	got := reply{status: resp.StatusCode, side: Side(resp.Header.Get(ServedBy))}
	if got.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer)); err != nil {
		return got, fmt.Errorf("%s %s: the answer broke off: %w", method, path, err)
	}
	return got, nil
}

func (v *visitor) send(ctx context.Context, method, path, contentType, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, v.shop+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-User-Id", v.id)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return v.client.Do(req)
}
