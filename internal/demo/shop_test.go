package demo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/stranglerfig/strangler/internal/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open starts one shop on books and closes it with the test.
func open(t *testing.T, side demo.Side, books *demo.Books) *httptest.Server {
	t.Helper()
	shop, err := demo.Shop(side, books)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(shop)
	t.Cleanup(server.Close)
	return server
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) json(t *testing.T) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(a.body), &value); err != nil {
		t.Fatalf("%v in %q", err, a.body)
	}
	return value
}

func ask(t *testing.T, client *http.Client, method, target, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// browser keeps cookies and shows redirects instead of following them.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

func TestLegacyAnswers(t *testing.T) {
	legacy := open(t, demo.Legacy, demo.NewBooks())
	const html, text, inJSON = "text/html; charset=utf-8", "text/plain; charset=utf-8", "application/json; charset=utf-8"
	for _, c := range []struct {
		method, path, body string
		status             int
		contentType, has   string
	}{
		{"GET", "/", "", 200, html, "<h1>Welcome</h1>"},
		{"GET", "/products", "", 200, html, "Teapot &#34;Grace&#34;, 1.2 l"},
		{"GET", "/products/10", "", 200, html, "<h1>Seed box &lt;small&gt;</h1>"},
		{"GET", "/products/25", "", 404, html, "There is nothing at /products/25."},
		{"GET", "/products/x", "", 404, html, "served by legacy"},
		{"GET", "/cart", "", 200, html, "Nothing in it yet."},
		{"GET", "/login", "", 200, html, `<form method="post" action="/login">`},
		{"GET", "/nowhere", "", 404, html, "There is nothing at /nowhere."},
		{"GET", "/healthz", "", 200, text, "ok"},
		{"GET", "/api/products/5", "", 200, inJSON, `"name":"Enamel mug","category":"kitchen","price":9,`},
		{"GET", "/api/products/0", "", 404, inJSON, `{"error":"there is no product 0"}`},
		{"GET", "/api/orders/1001", "", 200, inJSON, `"total":34.5,"currency":"EUR"`},
		{"GET", "/api/orders/1", "", 404, inJSON, `{"error":"there is no order 1"}`},
		{"GET", "/api/orders", "", 200, inJSON, `[{"id":1200,`},
		{"GET", "/api/orders?customer=visitor-3", "", 200, inJSON, `[{"id":1153,"customer":"visitor-3",`},
		{"POST", "/api/orders", `{`, 400, inJSON, "this is not an order"},
		{"POST", "/api/orders", `{}`, 422, inJSON, "0 lines: want 1 to 50"},
		{"POST", "/api/orders", `{"lines":[{"product":99,"quantity":1}]}`, 422, inJSON, "there is no product 99"},
		{"POST", "/api/orders", `{"lines":[{"product":1,"quantity":-1}]}`, 422, inJSON, "quantity -1 of product 1: want 1 to 99"},
		{"POST", "/api/orders", strings.Repeat(" ", 1<<17), 413, inJSON, "at most 65536 bytes"},
		{"POST", "/cart", "", 400, html, "there is no product 0"},
		{"POST", "/login", "", 400, html, "a name has 1 to 60 characters"},
	} {
		t.Run(c.method+c.path, func(t *testing.T) {
			got := ask(t, legacy.Client(), c.method, legacy.URL+c.path, c.body)
			if got.status != c.status || got.header.Get("Content-Type") != c.contentType || !strings.Contains(got.body, c.has) {
				t.Errorf("%d %s %s\nwant %d %s with %q", got.status, got.header.Get("Content-Type"), got.body, c.status, c.contentType, c.has)
			}
			if by := got.header.Get(demo.ServedBy); by != "legacy" {
				t.Errorf("served by %q", by)
			}
		})
	}
}

func TestUnknownSide(t *testing.T) {
	_, err := demo.Shop("middle", demo.NewBooks())
	if err == nil || err.Error() != `there is no "middle" shop: want "legacy" or "new"` {
		t.Errorf("error %v", err)
	}
}

func TestVisitToTheLegacyShop(t *testing.T) {
	legacy := open(t, demo.Legacy, demo.NewBooks())
	client := browser(t)
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}

	login := ask(t, client, "POST", legacy.URL+"/login", url.Values{"name": {"Ada <b>"}}.Encode(), form...)
	if login.status != 303 || login.header.Get("Location") != "/" || !strings.Contains(login.header.Get("Set-Cookie"), "HttpOnly; SameSite=Lax") {
		t.Fatalf("login: %+v", login)
	}
	added := ask(t, client, "POST", legacy.URL+"/cart", "product=2&quantity=3", form...)
	if added.status != 303 || added.header.Get("Location") != "/cart" {
		t.Fatalf("cart: %+v", added)
	}
	cart := ask(t, client, "GET", legacy.URL+"/cart", "")
	for _, want := range []string{"Signed in as Ada &lt;b&gt;", "Cart (3)", "Café press", "29.99 €"} {
		if !strings.Contains(cart.body, want) {
			t.Errorf("no %q in %s", want, cart.body)
		}
	}
	order := ask(t, client, "POST", legacy.URL+"/api/orders", `{"lines":[{"product":2,"quantity":3}]}`)
	if order.status != 201 || order.header.Get("Location") != "/api/orders/1201" {
		t.Fatalf("order: %+v", order)
	}
	if got := order.json(t); got["customer"] != "Ada <b>" || got["total"] != 89.97 {
		t.Errorf("order: %v", got)
	}
	again := ask(t, client, "GET", legacy.URL+"/api/orders/1201", "")
	if read := clock.ReplaceAllString(again.body, ""); read == again.body || read != order.body {
		t.Errorf("placed %s, read %s", order.body, again.body)
	}
}

func TestRedirectAndConditionalGet(t *testing.T) {
	legacy := open(t, demo.Legacy, demo.NewBooks())
	client := browser(t)
	if got := ask(t, client, "GET", legacy.URL+"/shop", ""); got.status != 301 || got.header.Get("Location") != "/products" {
		t.Errorf("redirect: %+v", got)
	}
	css := ask(t, client, "GET", legacy.URL+"/assets/shop.css", "")
	want, err := os.ReadFile("assets/shop.css")
	if err != nil {
		t.Fatal(err)
	}
	if css.status != 200 || css.body != string(want) || css.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("style sheet: %+v", css)
	}
	unchanged := ask(t, client, "GET", legacy.URL+"/assets/shop.css", "", "If-None-Match", css.header.Get("ETag"))
	if unchanged.status != 304 || unchanged.body != "" {
		t.Errorf("conditional: %+v", unchanged)
	}
	other := ask(t, client, "GET", legacy.URL+"/assets/shop.css", "", "If-None-Match", `"another"`)
	if other.status != 200 {
		t.Errorf("with another ETag: %d", other.status)
	}
}

func TestBooksStaySmall(t *testing.T) {
	legacy := open(t, demo.Legacy, demo.NewBooks())
	const placed = 2005
	for range placed {
		got := ask(t, legacy.Client(), "POST", legacy.URL+"/api/orders", `{"lines":[{"product":1,"quantity":1}]}`)
		if got.status != 201 {
			t.Fatalf("order: %+v", got)
		}
	}
	first := demo.FirstOrder + demo.SeedOrders
	for id, want := range map[int]int{demo.FirstOrder: 200, first - 1: 200, first: 404, first + 4: 404, first + 5: 200, first + placed - 1: 200} {
		if got := ask(t, legacy.Client(), "GET", fmt.Sprintf("%s/api/orders/%d", legacy.URL, id), ""); got.status != want {
			t.Errorf("order %d: %d, want %d", id, got.status, want)
		}
	}
}
