package test_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// askedHeader carries when a visitor asked, in nanoseconds of one clock.
const askedHeader = "X-Asked"

// newApp is the application that replaces the monolith. It knows itself what
// has reached it.
type newApp struct {
	*httptest.Server
	epoch    time.Time
	arrivals atomic.Int64
	newest   atomic.Int64  // the latest askedHeader that arrived
	finish   chan struct{} // closed: /slow may end
	ill      atomic.Bool   // orders fail for three in ten
	orders   atomic.Int64
}

func startNewApp(t *testing.T) *newApp {
	t.Helper()
	app := &newApp{epoch: time.Now(), finish: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("/ws", echo)
	mux.HandleFunc("/slow", app.slow)
	mux.HandleFunc("/", app.order)
	app.Server = httptest.NewServer(mux)
	t.Cleanup(app.Close)
	return app
}

// now is the time as askedHeader writes it.
func (app *newApp) now() int64 { return int64(time.Since(app.epoch)) }

func (app *newApp) order(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Served-By", "new")
	if r.Header.Get("Strangler-Shadow") == "" { // no visitor sees the answer to a copy
		app.arrive(r)
	}
	if n := app.orders.Add(1); app.ill.Load() && strings.HasPrefix(r.URL.Path, "/orders/") && n%10 < 3 {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, order)
}

// arrive notes that a visitor's request has come.
func (app *newApp) arrive(r *http.Request) {
	app.arrivals.Add(1)
	if asked, err := strconv.ParseInt(r.Header.Get(askedHeader), 10, 64); err == nil {
		for newest := app.newest.Load(); asked > newest && !app.newest.CompareAndSwap(newest, asked); {
			newest = app.newest.Load()
		}
	}
}

// slow begins an answer and ends it when the test lets it.
func (app *newApp) slow(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "begin\n")
	_ = http.NewResponseController(w).Flush()
	select {
	case <-app.finish:
		_, _ = io.WriteString(w, "end\n")
	case <-r.Context().Done():
	}
}

// echo says everything back until the client leaves.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer conn.CloseNow()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if conn.Write(r.Context(), kind, message) != nil {
			return
		}
	}
}
