package demo

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"
)

//go:embed templates/*.html
var templateFiles embed.FS

// sessionCookie carries a session's id.
const sessionCookie = "session"

// pages renders the shop's HTML. Both shops use it, as two teams of one house
// would share the markup; only the signature in the foot differs.
type pages struct {
	servedBy  Side
	books     *Books
	templates map[string]*template.Template
}

func newPages(servedBy Side, books *Books) *pages {
	p := &pages{servedBy: servedBy, books: books, templates: map[string]*template.Template{}}
	frame := template.Must(template.ParseFS(templateFiles, "templates/frame.html"))
	for _, name := range []string{"home", "products", "product", "cart", "login", "message"} {
		clone := template.Must(frame.Clone())
		p.templates[name] = template.Must(clone.ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return p
}

// page is what the frame needs, and the data of the body.
type page struct {
	Title    string
	Session  sessionView
	ServedBy Side
	Data     any
}

type sessionView struct {
	Name  string
	Items int
}

// show answers with a page.
func (p *pages) show(w http.ResponseWriter, r *http.Request, status int, name, title string, data any) {
	var html bytes.Buffer
	err := p.templates[name].Execute(&html, page{
		Title: title, Session: p.visitor(r), ServedBy: p.servedBy, Data: data,
	})
	if err != nil {
		http.Error(w, "this page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(html.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(html.Bytes()) // a client that left needs no page
}

// missing answers that there is no such page.
func (p *pages) missing(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, http.StatusNotFound, "message", "Not found", "There is nothing at "+r.URL.Path+".")
}

func (p *pages) visitor(r *http.Request) sessionView {
	s := p.books.session(sessionID(r))
	return sessionView{Name: s.Name, Items: s.items()}
}

func sessionID(r *http.Request) string {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return ""
	}
	return cookie.Value
}
