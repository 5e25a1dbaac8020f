package demo

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// newShop is the other team's shop: the catalogue, and reading an order.
type newShop struct {
	books *Books
	pages *pages
}

func newNewShop(books *Books) http.Handler {
	s := &newShop{books: books, pages: newPages(New, books)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /products", s.catalogue)
	mux.HandleFunc("GET /products/{id}", s.catalogueEntry)
	mux.HandleFunc("GET /api/products", s.products)
	mux.HandleFunc("GET /api/products/{id}", s.product)
	mux.HandleFunc("GET /api/orders/{id}", s.order)
	mux.HandleFunc("GET /healthz", healthy)
	mux.HandleFunc("/", s.pages.missing)
	return signed(New, mux)
}

// productView is a product as the new shop's JSON has it.
type productView struct {
	ID       int         `json:"id"`
	SKU      string      `json:"sku"`
	Name     string      `json:"name"`
	Category string      `json:"category"`
	Price    json.Number `json:"price"`
	Stock    int         `json:"stock"`
}

// orderView is an order as the new shop's JSON has it. Total is a string: the
// first of the two differences, made by a team that wanted exact amounts.
type orderView struct {
	ID       int        `json:"id"`
	Customer string     `json:"customer"`
	PlacedAt string     `json:"placed_at"`
	Status   string     `json:"status"`
	Lines    []lineView `json:"lines"`
	Total    string     `json:"total"`
	Currency string     `json:"currency"`

	GeneratedAt string `json:"generated_at"`
}

type lineView struct {
	SKU      string      `json:"sku"`
	Name     string      `json:"name"`
	Quantity int         `json:"quantity"`
	Price    json.Number `json:"price"`
}

// number writes an amount as a JSON number without needless zeros: 12.5.
func number(amount money) json.Number {
	text := strings.TrimRight(amount.String(), "0")
	return json.Number(strings.TrimSuffix(text, "."))
}

func viewProduct(p product) productView {
	return productView{p.ID, p.SKU, p.Name, p.Category, number(p.Price), p.Stock}
}

func viewOrder(o order) orderView {
	lines := make([]lineView, len(o.Lines))
	for i, l := range o.Lines {
		lines[i] = lineView{l.Product.SKU, l.Product.Name, l.Quantity, number(l.Product.Price)}
	}
	return orderView{
		ID: o.ID, Customer: o.Customer, PlacedAt: o.PlacedAt.Format("2006-01-02T15:04:05Z"), Status: o.Status,
		Lines: lines, Total: o.total().String(), Currency: "EUR", GeneratedAt: clock(),
	}
}

func (s *newShop) catalogue(w http.ResponseWriter, r *http.Request) {
	s.pages.show(w, r, http.StatusOK, "products", "Products", s.books.products)
}

func (s *newShop) catalogueEntry(w http.ResponseWriter, r *http.Request) {
	if p, ok := s.find(r); ok {
		s.pages.show(w, r, http.StatusOK, "product", p.Name, p)
		return
	}
	s.pages.missing(w, r)
}

// products negotiates like the legacy shop, and forgets to say Vary: Accept.
// It is the second difference: a shared cache would mix up JSON and CSV.
func (s *newShop) products(w http.ResponseWriter, r *http.Request) {
	if strings.Contains(r.Header.Get("Accept"), "text/csv") {
		s.productTable(w)
		return
	}
	views := make([]productView, len(s.books.products))
	for i, p := range s.books.products {
		views[i] = viewProduct(p)
	}
	respond(w, http.StatusOK, views)
}

func (s *newShop) productTable(w http.ResponseWriter) {
	rows := [][]string{{"id", "sku", "name", "category", "price", "stock"}}
	for _, p := range s.books.products {
		rows = append(rows, []string{
			strconv.Itoa(p.ID), p.SKU, p.Name, p.Category, p.Price.String(), strconv.Itoa(p.Stock),
		})
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	_ = csv.NewWriter(w).WriteAll(rows) // a client that left needs no table
}

func (s *newShop) product(w http.ResponseWriter, r *http.Request) {
	p, ok := s.find(r)
	if !ok {
		respond(w, http.StatusNotFound, failure{"there is no product " + r.PathValue("id")})
		return
	}
	respond(w, http.StatusOK, viewProduct(p))
}

func (s *newShop) order(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if o, ok := s.books.order(id); err == nil && ok {
		respond(w, http.StatusOK, viewOrder(o))
		return
	}
	respond(w, http.StatusNotFound, failure{"there is no order " + r.PathValue("id")})
}

func (s *newShop) find(r *http.Request) (product, bool) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return product{}, false
	}
	return s.books.product(id)
}

// failure is the body of an answer that is not what was asked for.
type failure struct {
	Error string `json:"error"`
}

func respond(w http.ResponseWriter, status int, view any) {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a client that left needs no answer
}
