package demo

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxOrderBody = 64 << 10 // bytes
	latestOrders = 20
)

// legacyOrder is an order in the legacy shop's JSON: amounts are numbers.
type legacyOrder struct {
	ID       int          `json:"id"`
	Customer string       `json:"customer"`
	PlacedAt time.Time    `json:"placed_at"`
	Status   string       `json:"status"`
	Lines    []legacyLine `json:"lines"`
	Total    float64      `json:"total"`
	Currency string       `json:"currency"`

	GeneratedAt string `json:"generated_at,omitempty"` // of one order read by itself
}

type legacyLine struct {
	SKU      string  `json:"sku"`
	Name     string  `json:"name"`
	Quantity int     `json:"quantity"`
	Price    float64 `json:"price"`
}

type legacyProduct struct {
	ID       int     `json:"id"`
	SKU      string  `json:"sku"`
	Name     string  `json:"name"`
	Category string  `json:"category"`
	Price    float64 `json:"price"`
	Stock    int     `json:"stock"`
}

func legacyOrderOf(o order) legacyOrder {
	out := legacyOrder{
		ID: o.ID, Customer: o.Customer, PlacedAt: o.PlacedAt, Status: o.Status,
		Lines: []legacyLine{}, Total: o.total().euros(), Currency: "EUR",
	}
	for _, l := range o.Lines {
		out.Lines = append(out.Lines, legacyLine{
			SKU: l.Product.SKU, Name: l.Product.Name, Quantity: l.Quantity, Price: l.Product.Price.euros(),
		})
	}
	return out
}

func legacyProductOf(p product) legacyProduct {
	return legacyProduct{
		ID: p.ID, SKU: p.SKU, Name: p.Name, Category: p.Category, Price: p.Price.euros(), Stock: p.Stock,
	}
}

// apiProducts answers with JSON or, when asked for text/csv, with a table.
func (s *legacyShop) apiProducts(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "text/csv") {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		table := csv.NewWriter(w)
		_ = table.Write([]string{"id", "sku", "name", "category", "price", "stock"})
		for _, p := range s.books.products {
			_ = table.Write([]string{
				strconv.Itoa(p.ID), p.SKU, p.Name, p.Category, p.Price.String(), strconv.Itoa(p.Stock),
			})
		}
		table.Flush()
		return
	}
	products := make([]legacyProduct, 0, len(s.books.products))
	for _, p := range s.books.products {
		products = append(products, legacyProductOf(p))
	}
	writeJSON(w, http.StatusOK, products)
}

func (s *legacyShop) apiProduct(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	id, err := strconv.Atoi(r.PathValue("id"))
	p, ok := s.books.product(id)
	if err != nil || !ok {
		writeError(w, http.StatusNotFound, "there is no product "+r.PathValue("id"))
		return
	}
	writeJSON(w, http.StatusOK, legacyProductOf(p))
}

func (s *legacyShop) apiOrder(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	o, ok := s.books.order(id)
	if err != nil || !ok {
		writeError(w, http.StatusNotFound, "there is no order "+r.PathValue("id"))
		return
	}
	sheet := legacyOrderOf(o)
	sheet.GeneratedAt = clock()
	writeJSON(w, http.StatusOK, sheet)
}

func (s *legacyShop) apiOrders(w http.ResponseWriter, r *http.Request) {
	orders := []legacyOrder{}
	for _, o := range s.books.newestOrders(r.URL.Query().Get("customer"), latestOrders) {
		orders = append(orders, legacyOrderOf(o))
	}
	writeJSON(w, http.StatusOK, orders)
}

func (s *legacyShop) apiPlaceOrder(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOrderBody))
	if tooBig, ok := errors.AsType[*http.MaxBytesError](err); ok {
		writeError(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("an order has at most %d bytes", tooBig.Limit))
		return
	}
	var wants struct {
		Lines []want `json:"lines"`
	}
	if err := errors.Join(err, json.Unmarshal(body, &wants)); err != nil {
		writeError(w, http.StatusBadRequest, "this is not an order: "+err.Error())
		return
	}
	placed, err := s.books.place(s.customer(r), wants.Lines)
	if err != nil {
		writeError(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	w.Header().Set("Location", fmt.Sprintf("/api/orders/%d", placed.ID))
	writeJSON(w, http.StatusCreated, legacyOrderOf(placed))
}

// customer is who orders: the name signed in, else the caller's X-User-Id.
func (s *legacyShop) customer(r *http.Request) string {
	if name := s.books.session(sessionID(r)).Name; name != "" {
		return name
	}
	if name, err := nameOf(r.Header.Get("X-User-Id")); err == nil {
		return name
	}
	return "guest"
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // a client that left needs no answer
}

func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]string{"error": message})
}
