package demo_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/stranglerfig/strangler/internal/demo"
)

// pair asks both shops the same, on the same books.
type pair struct{ legacy, new *httptest.Server }

func openPair(t *testing.T) pair {
	books := demo.NewBooks()
	return pair{open(t, demo.Legacy, books), open(t, demo.New, books)}
}

func (p pair) ask(t *testing.T, path string, header ...string) (legacy, new answer) {
	t.Helper()
	legacy = ask(t, p.legacy.Client(), "GET", p.legacy.URL+path, "", header...)
	new = ask(t, p.new.Client(), "GET", p.new.URL+path, "", header...)
	if legacy.header.Get(demo.ServedBy) != "legacy" || new.header.Get(demo.ServedBy) != "new" {
		t.Errorf("%s is signed %q and %q", path, legacy.header.Get(demo.ServedBy), new.header.Get(demo.ServedBy))
	}
	if legacy.status != new.status {
		t.Errorf("%s: legacy answers %d, new %d", path, legacy.status, new.status)
	}
	return legacy, new
}

// headers are those that are the shop's own; Content-Length follows the body.
func headers(a answer, without ...string) http.Header {
	h := maps.Clone(a.header)
	for _, name := range append(without, "Date", "Content-Length", demo.ServedBy) {
		h.Del(name)
	}
	return h
}

func TestFirstDifferenceTotalIsAString(t *testing.T) {
	shops := openPair(t)
	for id := demo.FirstOrder; id < demo.FirstOrder+demo.SeedOrders; id++ {
		path := fmt.Sprintf("/api/orders/%d", id)
		legacy, new := shops.ask(t, path)
		if !reflect.DeepEqual(headers(legacy), headers(new)) {
			t.Errorf("%s: headers %v and %v", path, headers(legacy), headers(new))
		}
		old, young := exact(t, legacy.body), exact(t, new.body)
		number, isNumber := old["total"].(json.Number)
		text, isString := young["total"].(string)
		if !isNumber || !isString {
			t.Fatalf("%s: totals %T and %T", path, old["total"], young["total"])
		}
		amount, err := number.Float64()
		if err != nil || fmt.Sprintf("%.2f", amount) != text {
			t.Errorf("%s: totals %s and %q: %v", path, number, text, err)
		}
		repaired := strings.Replace(new.body, `"total":"`+text+`"`, `"total":`+number.String(), 1)
		if repaired != legacy.body {
			t.Errorf("%s differs in more than the total:\n%s%s", path, legacy.body, new.body)
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
			legacy, new := shops.ask(t, path, "Accept", accept)
			if legacy.body != new.body {
				t.Errorf("%s as %q: bodies\n%s%s", path, accept, legacy.body, new.body)
			}
			if got := legacy.header.Values("Vary"); !reflect.DeepEqual(got, []string{"Accept"}) {
				t.Errorf("%s: legacy varies by %v", path, got)
			}
			if got := new.header.Values("Vary"); got != nil {
				t.Errorf("%s: new varies by %v", path, got)
			}
			if !reflect.DeepEqual(headers(legacy, "Vary"), headers(new)) {
				t.Errorf("%s: headers %v and %v", path, headers(legacy, "Vary"), headers(new))
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
			legacy, new := shops.ask(t, path, "Cookie", session)
			if strings.Replace(new.body, "<p>served by new</p>", "<p>served by legacy</p>", 1) != legacy.body {
				t.Errorf("%s: bodies\n%s%s", path, legacy.body, new.body)
			}
			if !reflect.DeepEqual(headers(legacy), headers(new)) {
				t.Errorf("%s: headers %v and %v", path, headers(legacy), headers(new))
			}
			if strings.HasPrefix(path, "/products") && session != "" && !strings.Contains(new.body, "Signed in as Ada") {
				t.Errorf("%s: the new shop does not know Ada:\n%s", path, new.body)
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
