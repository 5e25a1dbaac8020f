package test_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stranglerfig/strangler/internal/store/pgtest"
)

const shadowToken = "a-token-for-the-tests-of-shadowing"

// twoSides are the applications on both sides of route orders.
type twoSides struct{ legacy, fresh *httptest.Server }

func startSides(t *testing.T, legacy, fresh http.HandlerFunc) twoSides {
	t.Helper()
	s := twoSides{httptest.NewServer(legacy), httptest.NewServer(fresh)}
	t.Cleanup(s.legacy.Close)
	t.Cleanup(s.fresh.Close)
	return s
}

// saysJSON answers everything with a document.
func saysJSON(document string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, document)
	}
}

// shadow brings route orders to stage shadow, with what the route says of
// shadowing, and returns the command line for it.
func (s twoSides) shadow(t *testing.T, r *router, section string) ctl {
	t.Helper()
	file := filepath.Join(t.TempDir(), "orders.yaml")
	text := fmt.Sprintf(`
backends:
  - {name: monolith, endpoints: [%s]}
  - {name: orders, endpoints: [%s]}
  - {name: sandbox, endpoints: [%s]}
routes:
  - name: orders
    match: {prefix: /}
    legacy: monolith
    new: orders
    shadow: {%s}
`, s.legacy.URL, s.fresh.URL, s.fresh.URL, section)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := r.ctl(shadowToken)
	c.must("apply", "-f", file)
	c.must("promote", "orders", "--to", "shadow", "--wait")
	return c
}

// ask sends n requests, one after the other, and checks what the client gets.
func (r *router) ask(n int, want string) {
	r.t.Helper()
	for i := range n {
		res, err := http.Get("http://" + r.data + "/orders/" + strconv.Itoa(i))
		if err != nil {
			r.t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || string(body) != want {
			r.t.Fatalf("request %d: %q, %v; want %q", i, body, err, want)
		}
	}
}

// parity is what status -o json says of comparing.
type parity struct {
	Compared, Mismatched, Noise, Skipped int
}

func (c ctl) parity() parity {
	c.t.Helper()
	for _, route := range read[[]struct {
		Name   string
		Parity *parity
	}](c, "status") {
		if route.Name == "orders" && route.Parity != nil {
			return *route.Parity
		}
	}
	return parity{}
}

// compared waits until so many comparisons are in the store.
func (c ctl) compared(want int) {
	c.t.Helper()
	eventually(c.t, fmt.Sprintf("%d comparisons are in the store", want), func() bool { return c.parity().Compared >= want })
}

// found is one row of diff -o json.
type found struct {
	Where, Kind, Legacy, New string
	Count                    int
	Exemplars                []string
}

func TestARouterThatIsKilledLosesAFewSecondsOfEvidence(t *testing.T) {
	t.Parallel() // it waits for a flush most of the time
	sides := startSides(t, saysJSON(`{"total":"12.50"}`), saysJSON(`{"total":12.5}`))
	r := serve(t, "a", []string{"STRANGLER_ADMIN_TOKEN=" + shadowToken}, "--database", "sqlite:"+filepath.Join(t.TempDir(), "s.db"))
	c := sides.shadow(t, r, "")
	r.ask(30, `{"total":"12.50"}`)
	c.compared(30)
	r.ask(10, `{"total":"12.50"}`)
	r.kill()
	r.start()
	after := c.parity()
	if after.Compared < 30 || after.Compared > 40 || after.Mismatched != after.Compared {
		t.Errorf("after kill -9: %+v, want the 30 that were there, and at most 10 more", after)
	}
	r.ask(5, `{"total":"12.50"}`)
	c.compared(after.Compared + 5)
	differences := read[[]found](c, "diff", "orders")
	if len(differences) != 1 || differences[0].Where != "$.total" || differences[0].Kind != "type" || len(differences[0].Exemplars) == 0 {
		t.Errorf("differences %+v, want the one of $.total", differences)
	}
}

func TestARouterThatIsStoppedLosesNoEvidence(t *testing.T) {
	t.Parallel() // it waits for a flush most of the time
	sides := startSides(t, saysJSON(`{"total":1}`), saysJSON(`{"total":1.0}`))
	r := serve(t, "a", []string{"STRANGLER_ADMIN_TOKEN=" + shadowToken}, "--database", "sqlite:"+filepath.Join(t.TempDir(), "s.db"))
	c := sides.shadow(t, r, "")
	r.ask(25, `{"total":1}`)
	r.signal(syscall.SIGINT)
	if code := r.wait(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	r.start()
	if got := c.parity(); got.Compared != 25 || got.Mismatched != 0 {
		t.Errorf("%+v, want 25 comparisons that match", got)
	}
}

func TestWhatSeveralRoutersFindAddsUp(t *testing.T) {
	t.Parallel() // it waits for a flush most of the time
	sides := startSides(t, saysJSON(`{"total":1}`), saysJSON(`{"total":2}`))
	url := pgtest.URL(t)
	env := []string{"STRANGLER_ADMIN_TOKEN=" + shadowToken, "STRANGLER_REDACTION_KEYS=k1:" + strings.Repeat("A", 43) + "="}
	a := serve(t, "a", env, "--database", url)
	b := serve(t, "b", env, "--database", url)
	c := sides.shadow(t, a, "")
	var both sync.WaitGroup
	both.Go(func() { a.ask(40, `{"total":1}`) })
	both.Go(func() { b.ask(40, `{"total":1}`) })
	both.Wait()
	c.compared(80)
	differences := read[[]found](c, "diff", "orders")
	if len(differences) != 1 || differences[0].Count != 80 || len(differences[0].Exemplars) < 5 {
		t.Errorf("differences %+v, want one with a count of 80, and the newest exemplars", differences)
	}
	if on := b.ctl(shadowToken).parity(); on.Compared != 80 || on.Mismatched != 80 {
		t.Errorf("the other router says %+v", on)
	}
}

// plantedSecret begins every value that may not reach a database.
const plantedSecret = "hunter2-planted"

func TestNoSecretReachesTheDatabase(t *testing.T) {
	t.Parallel() // it waits for a flush most of the time
	side := func(name string) http.HandlerFunc {
		var n atomic.Int64
		return func(w http.ResponseWriter, r *http.Request) {
			own := plantedSecret + "-" + name + "-" + strconv.FormatInt(n.Add(1), 10)
			w.Header().Set("Set-Cookie", "session="+own)
			w.Header().Set("X-Auth-Token", own)
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"id":%d,"password":%q,"card":{"number":%q},"nested":[{"api_key":%q}],"text":%q}`,
				n.Load(), own, own, own, "password="+own+" Bearer "+own)
		}
	}
	file := filepath.Join(t.TempDir(), "s.db")
	for name, database := range map[string]string{"sqlite": "sqlite:" + file, "postgres": pgtest.URL(t)} {
		t.Run(name, func(t *testing.T) {
			sides := startSides(t, side("legacy"), side("new"))
			r := serve(t, "a", []string{"STRANGLER_ADMIN_TOKEN=" + shadowToken}, "--database", database)
			c := sides.shadow(t, r, "headers: [Content-Type, Set-Cookie, X-Auth-Token], noise: 50%, writes: sandbox, sandbox: sandbox")
			for range 20 {
				request, err := http.NewRequest(http.MethodPost, "http://"+r.data+"/orders?password="+plantedSecret+"-query&page=2",
					strings.NewReader(`{"secret":"`+plantedSecret+`-body","name":"ana"}`))
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Content-Type", "application/json")
				request.Header.Set("Authorization", "Bearer "+plantedSecret+"-bearer")
				request.Header.Set("Cookie", "session="+plantedSecret+"-cookie")
				res, err := http.DefaultClient.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
			}
			c.compared(20)
			differences := read[[]found](c, "diff", "orders")
			if len(differences) < 5 || len(differences[0].Exemplars) == 0 {
				t.Fatalf("differences %+v, want those of every place", differences)
			}
			if shown := c.must("diff", "show", differences[0].Exemplars[0]); strings.Contains(shown, plantedSecret) || !strings.Contains(shown, "hidden:") {
				t.Errorf("diff show prints\n%s", shown)
			}
			r.signal(syscall.SIGINT)
			r.wait()
			dumped := contents(t, name, file, database)
			if !strings.Contains(dumped, "page=2") {
				t.Error("the database does not hold the requests at all")
			}
			for _, written := range writings(plantedSecret) {
				if at := strings.Index(dumped, written); at >= 0 {
					t.Errorf("the database holds a planted secret, around %.200q", dumped[max(0, at-100):])
				}
			}
			if strings.Contains(r.stderr.String(), plantedSecret) {
				t.Error("the log holds a planted secret")
			}
		})
	}
}

// writings are the ways in which a text may stand in a database: as it is, or
// within base64, where it depends on what stands before.
func writings(text string) []string {
	all := []string{text}
	for before := range 3 {
		code := base64.StdEncoding.EncodeToString([]byte("xx"[:before] + text))
		all = append(all, code[(before*8+5)/6:len(code)/4*4-4])
	}
	return all
}

// contents is every byte of a SQLite database's files, or every row of a
// PostgreSQL database as text.
func contents(t *testing.T, kind, file, url string) string {
	t.Helper()
	if kind == "postgres" {
		return rows(t, url)
	}
	names, err := filepath.Glob(file + "*")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.IsDir() {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// rows is every row of every table, as PostgreSQL writes it.
func rows(t *testing.T, url string) string {
	t.Helper()
	db := pgtest.Connect(t, url)
	query := func(statement string) []string {
		t.Helper()
		found, err := db.Query(t.Context(), statement)
		if err != nil {
			t.Fatal(err)
		}
		texts, err := pgx.CollectRows(found, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return texts
	}
	var all strings.Builder
	for _, table := range query("SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = 'public'") {
		for _, row := range query("SELECT t::text FROM " + table + " t") {
			all.WriteString(row + "\n")
		}
	}
	return all.String()
}

func TestALiveStreamOfRequestsNeverWaitsForAShadowThatHangs(t *testing.T) {
	t.Parallel() // it waits for a flush most of the time
	hang := make(chan struct{})
	sides := startSides(t, saysJSON(`{"total":1}`), func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(hang) }) // before the side is closed
	r := serve(t, "a", []string{"STRANGLER_ADMIN_TOKEN=" + shadowToken}, "--database", "sqlite:"+filepath.Join(t.TempDir(), "s.db"))
	c := sides.shadow(t, r, "at_once: 2, queue: 2, timeout: 5m")
	began := time.Now()
	r.ask(300, `{"total":1}`)
	if took := time.Since(began); took > patience {
		t.Errorf("300 requests took %s", took)
	}
	eventually(t, "what was dropped is counted", func() bool { return c.parity().Skipped == 296 })
	for _, breaker := range read[[]struct{ Route, Side, State string }](c, "breaker", "ls") {
		if breaker.State != "closed" {
			t.Errorf("a breaker of served requests was touched: %+v", breaker)
		}
	}
}
