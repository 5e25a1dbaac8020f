package demo

import (
	_ "embed"
	"net/http"
	"strings"
	"time"
)

//go:embed assets/shop.css
var styleSheet string

// legacyShop is the monolith: everything the shop can do.
type legacyShop struct {
	books *Books
	pages *pages
}

func newLegacyShop(books *Books) http.Handler {
	s := &legacyShop{books: books, pages: newPages(Legacy, books)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /products", s.productList)
	mux.HandleFunc("GET /products/{id}", s.productPage)
	mux.HandleFunc("GET /cart", s.cart)
	mux.HandleFunc("POST /cart", s.addToCart)
	mux.HandleFunc("GET /login", s.loginForm)
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("GET /assets/shop.css", s.style)
	mux.Handle("GET /shop", http.RedirectHandler("/products", http.StatusMovedPermanently))
	mux.HandleFunc("GET /api/products", s.apiProducts)
	mux.HandleFunc("GET /api/products/{id}", s.apiProduct)
	mux.HandleFunc("GET /api/orders", s.apiOrders)
	mux.HandleFunc("POST /api/orders", s.apiPlaceOrder)
	mux.HandleFunc("GET /api/orders/{id}", s.apiOrder)
	mux.HandleFunc("GET /reports/sales", s.salesReport)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("GET /ws", s.socket)
	mux.HandleFunc("POST /uploads", s.upload)
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("/", s.pages.missing)
	return signed(Legacy, mux)
}

func healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// style serves the style sheet with an ETag, so that browsers ask conditionally.
func (s *legacyShop) style(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", `"`+digest(styleSheet)+`"`)
	http.ServeContent(w, r, "shop.css", time.Time{}, strings.NewReader(styleSheet))
}
