package demo_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/demo"
)

// pair asks both shops the same, on the same books.
type pair struct{ legacy, new *httptest.Server }

func openPair(t *testing.T) pair {
	t.Helper()
	books := demo.NewBooks()
	return pair{open(t, demo.Legacy, books), open(t, demo.New, books)}
}

func (p pair) ask(t *testing.T, path string, header ...string) (old, young answer) {
	t.Helper()
	old = ask(t, p.legacy.Client(), "GET", p.legacy.URL+path, "", header...)
	young = ask(t, p.new.Client(), "GET", p.new.URL+path, "", header...)
	if old.header.Get(demo.ServedBy) != "legacy" || young.header.Get(demo.ServedBy) != "new" {
		t.Errorf("%s is signed %q and %q", path, old.header.Get(demo.ServedBy), young.header.Get(demo.ServedBy))
	}
	if old.status != young.status {
		t.Errorf("%s: legacy answers %d, new %d", path, old.status, young.status)
	}
	return old, young
}

// headers are those that are the shop's own; Content-Length follows the body.
func headers(a answer, without ...string) http.Header {
	h := maps.Clone(a.header)
	for _, name := range append(without, "Date", "Content-Length", demo.ServedBy) {
		h.Del(name)
	}
	return h
}

// clock is what orders say about the moment at which they are read.
var clock = regexp.MustCompile(`,"generated_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"`)

func TestEachShopDiffersFromItselfByItsClock(t *testing.T) {
	shops := openPair(t)
	for range 20 {
		first, again := ask(t, shops.legacy.Client(), "GET", shops.legacy.URL+"/api/orders/1001", ""), ask(t, shops.legacy.Client(), "GET", shops.legacy.URL+"/api/orders/1001", "")
		if first.body == again.body || clock.ReplaceAllString(first.body, "") != clock.ReplaceAllString(again.body, "") {
			t.Errorf("want answers that differ by their clock alone:\n%s%s", first.body, again.body)
		}
	}
}

func TestFirstDifferenceTotalIsAString(t *testing.T) {
	shops := openPair(t)
	for id := demo.FirstOrder; id < demo.FirstOrder+demo.SeedOrders; id++ {
		path := fmt.Sprintf("/api/orders/%d", id)
		old, young := shops.ask(t, path)
		if !reflect.DeepEqual(headers(old), headers(young)) {
			t.Errorf("%s: headers %v and %v", path, headers(old), headers(young))
		}
		was, is := exact(t, old.body)["total"], exact(t, young.body)["total"]
		number, isNumber := was.(json.Number)
		text, isString := is.(string)
		if !isNumber || !isString {
			t.Fatalf("%s: totals %T and %T", path, was, is)
		}
		amount, err := number.Float64()
		if err != nil || fmt.Sprintf("%.2f", amount) != text {
			t.Errorf("%s: totals %s and %q: %v", path, number, text, err)
		}
		repaired := strings.Replace(young.body, `"total":"`+text+`"`, `"total":`+number.String(), 1)
		if sheet := clock.ReplaceAllString(old.body, ""); sheet == old.body || clock.ReplaceAllString(repaired, "") != sheet {
			t.Errorf("%s differs in more than the total and the clock:\n%s%s", path, old.body, young.body)
		}
	}
}

func exact(t *testing.T, body string) map[string]any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber()
	var value map[string]any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	return value
}

func TestSecondDifferenceVaryIsMissing(t *testing.T) {
	shops := openPair(t)
	paths := []string{"/api/products", "/api/products/0", "/api/products/25", "/api/products/x"}
	for id := range 24 {
		paths = append(paths, fmt.Sprintf("/api/products/%d", id+1))
	}
	for _, accept := range []string{"", "application/json", "text/csv"} {
		for _, path := range paths {
			old, young := shops.ask(t, path, "Accept", accept)
			if old.body != young.body {
				t.Errorf("%s as %q: bodies\n%s%s", path, accept, old.body, young.body)
			}
			if got := old.header.Values("Vary"); !reflect.DeepEqual(got, []string{"Accept"}) {
				t.Errorf("%s: legacy varies by %v", path, got)
			}
			if got := young.header.Values("Vary"); got != nil {
				t.Errorf("%s: new varies by %v", path, got)
			}
			if !reflect.DeepEqual(headers(old, "Vary"), headers(young)) {
				t.Errorf("%s: headers %v and %v", path, headers(old, "Vary"), headers(young))
			}
		}
	}
}

// The rest of what both shops have is the same, but for the signature in the
// foot of a page.
func TestNoOtherDifference(t *testing.T) {
	shops := openPair(t)
	login := ask(t, browser(t), "POST", shops.legacy.URL+"/login", "name=Ada", "Content-Type", "application/x-www-form-urlencoded")
	cookie, _, _ := strings.Cut(login.header.Get("Set-Cookie"), ";")
	paths := []string{"/products", "/products/0", "/products/25", "/products/x", "/healthz", "/api/orders/1", "/api/orders/x"}
	for id := range 24 {
		paths = append(paths, fmt.Sprintf("/products/%d", id+1))
	}
	for _, session := range []string{"", cookie} {
		for _, path := range paths {
			old, young := shops.ask(t, path, "Cookie", session)
			if strings.Replace(young.body, "<p>served by new</p>", "<p>served by legacy</p>", 1) != old.body {
				t.Errorf("%s: bodies\n%s%s", path, old.body, young.body)
			}
			if !reflect.DeepEqual(headers(old), headers(young)) {
				t.Errorf("%s: headers %v and %v", path, headers(old), headers(young))
			}
			if strings.HasPrefix(path, "/products") && session != "" && !strings.Contains(young.body, "Signed in as Ada") {
				t.Errorf("%s: the new shop does not know Ada:\n%s", path, young.body)
			}
		}
	}
}

func TestNewShopReadsOrdersPlacedOnLegacy(t *testing.T) {
	shops := openPair(t)
	placed := ask(t, shops.legacy.Client(), "POST", shops.legacy.URL+"/api/orders", `{"lines":[{"product":3,"quantity":2}]}`)
	got := ask(t, shops.new.Client(), "GET", shops.new.URL+placed.header.Get("Location"), "").json(t)
	if got["total"] != "39.00" || got["customer"] != "guest" {
		t.Errorf("read %v", got)
	}
}

func TestNewShopHasNothingElse(t *testing.T) {
	shops := openPair(t)
	for _, path := range []string{"/", "/cart", "/api/orders", "/reports/sales", "/events", "/ws"} {
		if got := ask(t, shops.new.Client(), "GET", shops.new.URL+path, ""); got.status != 404 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}
