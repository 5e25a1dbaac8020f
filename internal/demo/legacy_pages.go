package demo

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

const (
	maxForm = 64 << 10 // bytes
	maxName = 60       // characters
)

func (s *legacyShop) home(w http.ResponseWriter, r *http.Request) {
	s.pages.show(w, r, http.StatusOK, "home", "Welcome", nil)
}

func (s *legacyShop) productList(w http.ResponseWriter, r *http.Request) {
	s.pages.show(w, r, http.StatusOK, "products", "Products", s.books.products)
}

func (s *legacyShop) productPage(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	p, ok := s.books.product(id)
	if err != nil || !ok {
		s.pages.missing(w, r)
		return
	}
	s.pages.show(w, r, http.StatusOK, "product", p.Name, p)
}

func (s *legacyShop) cart(w http.ResponseWriter, r *http.Request) {
	s.pages.show(w, r, http.StatusOK, "cart", "Your cart", s.books.session(sessionID(r)).Cart)
}

func (s *legacyShop) addToCart(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	wished := want{Product: formNumber(r, "product"), Quantity: formNumber(r, "quantity")}
	l, err := s.books.line(wished)
	if err != nil {
		s.pages.show(w, r, http.StatusBadRequest, "message", "Your cart", err.Error())
		return
	}
	s.keep(w, r, func(visitor *session) { visitor.add(l) })
	http.Redirect(w, r, "/cart", http.StatusSeeOther)
}

func formNumber(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.PostFormValue(name))
	if err != nil {
		return 0 // no product and no quantity is 0: refused with the other bad values
	}
	return n
}

func (s *legacyShop) loginForm(w http.ResponseWriter, r *http.Request) {
	s.pages.show(w, r, http.StatusOK, "login", "Sign in", nil)
}

// login believes everybody: it is a shop window, not a safe.
func (s *legacyShop) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	name, err := nameOf(r.PostFormValue("name"))
	if err != nil {
		s.pages.show(w, r, http.StatusBadRequest, "message", "Sign in", err.Error())
		return
	}
	s.keep(w, r, func(visitor *session) { visitor.Name = name })
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func nameOf(text string) (string, error) {
	name := strings.TrimSpace(text)
	if name == "" || len([]rune(name)) > maxName {
		return "", errors.New("a name has 1 to 60 characters")
	}
	return name, nil
}

// keep changes the visitor's session and gives them its cookie.
func (s *legacyShop) keep(w http.ResponseWriter, r *http.Request, change func(*session)) {
	id := s.books.updateSession(sessionID(r), change)
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
