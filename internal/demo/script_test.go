package demo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stranglerfig/strangler/internal/demo"
)

// faulty is a router that can be told to do one thing wrong, which the real
// one cannot: it shows that every step of the script can fail. It knows only
// what the script asks of it.
type faulty struct {
	fault       string
	legacy, new http.Handler

	mu      sync.Mutex // guards what follows
	weight  uint64     // of orders-get, in percent
	paused  bool
	events  []string // of orders-get, as the API writes them, newest first
	asked   int      // requests for an order
	down    bool     // the new shop is
	crashed bool     // it was once
	ruled   bool     // the catalogue has a rule
	buggy   bool     // the new shop's next release is out
}

const problemType = "application/problem+json"

// verb answers the admin API's verbs of orders-get.
func (f *faulty) verb(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	verb := r.PathValue("verb")
	if verb == "promote" && f.paused && f.fault != "promotes while paused" {
		w.Header().Set("Content-Type", problemType)
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"status":409,"code":"paused","detail":"orders-get is paused."}`)
		return
	}
	forced := strings.Contains(string(body), `"force":true`)
	if verb == "promote" && !forced && strings.Contains(string(body), "25%") && f.fault != "has no gates" {
		w.Header().Set("Content-Type", problemType)
		w.WriteHeader(http.StatusConflict)
		fmt.Fprint(w, `{"status":409,"code":"gate_failed","detail":"parity: 0% match."}`)
		return
	}
	switch {
	case verb == "promote" && strings.Contains(string(body), "shadow"):
	case verb == "autopilot":
		verb = "autopilot_off"
	case verb == "promote" && strings.Contains(string(body), "25%"):
		f.weight = 25
	case verb == "promote" && strings.Contains(string(body), "50%"):
		f.weight = 50
	case verb == "promote":
		f.weight = 100
	case verb == "pause":
		f.paused = true
	case verb == "rollback":
		f.paused = false
		if f.fault != "keeps serving new" {
			f.weight = 0
		}
	}
	if f.fault != "forgets "+verb && r.PathValue("route") == "orders-get" {
		f.happened(verb, "demo", "operator", "the demo's script")
	}
	fmt.Fprintf(w, `{"revision":%d}`, len(f.events))
}

// happened writes an event. It needs mu.
func (f *faulty) happened(verb, actor, cause, reason string) {
	f.events = append([]string{
		fmt.Sprintf(`{"revision":%d,"verb":%q,"actor":%q,"cause":%q,"reason":%q}`, len(f.events)+1, verb, actor, cause, reason),
	}, f.events...)
}

// Release has the autopilot take orders-get back at once.
func (f *faulty) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	cause, reason := "autopilot", "errors: 30% on new"
	switch f.fault {
	case "rolls back for the breaker":
		cause = "guard"
	case "gives no reason":
		reason = ""
	}
	f.buggy = true
	f.happened("rollback", "autopilot", cause, reason)
	if f.fault != "says so and serves new" {
		f.weight = 0
	}
}

// gates are those of a router whose breakers are closed.
func (f *faulty) gates(w http.ResponseWriter, _ *http.Request) {
	if f.fault == "has no gate for the breaker" {
		fmt.Fprint(w, `{"findings":[]}`)
		return
	}
	fmt.Fprint(w, `{"findings":[{"gate":"breaker","verdict":"pass"}]}`)
}

// differences are those of a router that has found what there is to find.
func (f *faulty) differences(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	const all = `{"where":%q,"kind":%q,"legacy_type":%q,"new_type":%q,"count":120,"verdict":%q,"pairs":{"both":%d,"new":%d}}`
	epoch, mismatched, found := "first", 120, ""
	switch r.PathValue("route") {
	case "orders-get":
		total, clock, young := "real", "noise", "string"
		switch f.fault {
		case "does not see the total":
			young = "number"
		case "takes a bug for noise":
			total = "noise"
		case "takes noise for a bug":
			clock = "real"
		}
		found = fmt.Sprintf(all+","+all, "$.total", "type", "number", young, total, 0, 60, "$.generated_at", "value", "string", "string", clock, 60, 0)
	case "products":
		if f.fault != "does not see the header" {
			found = fmt.Sprintf(all, "header Vary", "missing", "string", "", "real", 0, 0)
		}
	case "catalogue":
		if f.fault == "does not see the foot" || f.ruled && f.fault != "does not go by rules" {
			mismatched = 0
		}
		if f.ruled {
			epoch = "second"
		}
	}
	fmt.Fprintf(w, `{"epoch":{"id":%q},"compared":120,"mismatched":%d,"differences":[%s]}`, epoch, mismatched, found)
}

// previews says what a rule would hide.
func (f *faulty) previews(w http.ResponseWriter, _ *http.Request) {
	hidden := 120
	if f.fault == "finds no use for a rule" {
		hidden = 0
	}
	fmt.Fprintf(w, `{"hidden":%d,"of":120}`, hidden)
}

// addRule goes by a rule from then on.
func (f *faulty) addRule(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ruled = true
	fmt.Fprint(w, `{"revision":1}`)
}

func (f *faulty) history(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(w, `[%s]`, strings.Join(append(slices.Clone(f.events), `{"verb":"apply","actor":"demo"}`), ","))
}

// order splits the users of orders-get.
func (f *faulty) order(w http.ResponseWriter, r *http.Request) {
	hash := fnv.New64a()
	_, _ = io.WriteString(hash, r.Header.Get("X-User-Id")+"/"+r.Header.Get("X-User-Id"))
	f.mu.Lock()
	f.asked++
	point := (hash.Sum64() >> 7) % 100
	if f.fault == "splits requests, not users" {
		point = uint64(f.asked) % 100
	}
	if f.fault == "moves users back" && f.weight == 50 {
		point = 99 - point
	}
	if f.fault == "draws other users" && f.weight == 25 && f.crashed {
		point = 99 - point
	}
	weight, down := f.weight, f.down
	if f.fault == "keeps the users on legacy" && f.crashed {
		weight = 0
	}
	if f.fault == "moves too many" {
		weight *= 2
	}
	f.mu.Unlock()
	if point < weight && down && f.fault == "does not fall back" {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	if point < weight && (!down || f.fault == "has a second new shop") {
		f.new.ServeHTTP(w, r)
		return
	}
	f.legacy.ServeHTTP(w, r)
}

// Begin has the new shop crash.
func (f *faulty) Begin() { f.setDown(true) }

// End brings it back.
func (f *faulty) End(context.Context) error {
	if f.fault == "does not come back" {
		return errors.New("the port is taken")
	}
	f.setDown(false)
	return nil
}

// hurts reports whether visitors get errors from a shop that is well, after the
// crash and before the bug, or after that.
func (f *faulty) hurts() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch f.fault {
	case "fails for visitors":
		return f.crashed && !f.down && !f.buggy
	case "lets visitors see the bug":
		return f.buggy
	default:
		return false
	}
}

func (f *faulty) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down, f.crashed = down, true
}

// metrics are those of a router whose breaker knows at once.
func (f *faulty) metrics(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	state := 0
	if f.down && f.fault != "has no breaker" {
		state = 2
	}
	fmt.Fprintf(w, "# TYPE strangler_breaker_state gauge\nstrangler_breaker_state{route=\"orders-get\",side=\"new\"} %d\n", state)
}

func (f *faulty) rest(w http.ResponseWriter, r *http.Request) {
	switch {
	case f.fault == "adds a header":
		w.Header().Set("Via", "1.1 router")
	case f.fault == "cuts uploads" && r.ContentLength > 1<<20:
		r.Body = io.NopCloser(io.LimitReader(r.Body, 1<<20))
		r.ContentLength = 1 << 20
	case f.hurts() && r.URL.Path == "/api/products" && r.Header.Get("X-User-Id") != "":
		w.WriteHeader(http.StatusBadGateway)
		return
	case f.fault == "loses a tick" && r.URL.Path == "/events":
		fmt.Fprint(w, "data: {\"n\":1}\n\ndata: {\"n\":3}\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		return
	case f.fault == "ends the feed" && r.URL.Path == "/events":
		fmt.Fprint(w, "data: {\"n\":1}\n\n")
		return
	case f.fault == "refuses streams" && r.URL.Path == "/ws":
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	f.legacy.ServeHTTP(w, r)
}

// stage opens both shops and the faulty router.
func stage(t *testing.T, fault string) demo.Place {
	t.Helper()
	books := demo.NewBooks()
	legacy, young := open(t, demo.Legacy, books), open(t, demo.New, books)
	f := &faulty{fault: fault, legacy: legacy.Config.Handler, new: young.Config.Handler}
	data := http.NewServeMux()
	data.HandleFunc("GET /api/orders/{id}", f.order)
	data.HandleFunc("/", f.rest)
	admin := http.NewServeMux()
	admin.HandleFunc("POST /api/v1/routes/{route}/{verb}", f.verb)
	admin.HandleFunc("GET /api/v1/routes/{route}/differences", f.differences)
	admin.HandleFunc("POST /api/v1/routes/{route}/rules", f.addRule)
	admin.HandleFunc("POST /api/v1/routes/{route}/rules/preview", f.previews)
	admin.HandleFunc("GET /api/v1/events", f.history)
	admin.HandleFunc("GET /api/v1/routes/{route}/gates", f.gates)
	admin.HandleFunc("GET /metrics", f.metrics)
	admin.HandleFunc("GET /api/v1/instances", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `[{"instance":"a","state":"silent","revision":0},{"instance":"b","state":"serving","revision":9}]`)
	})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.RequestURI, "..") { // a mux would clean it
			f.rest(w, r)
			return
		}
		data.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	control := httptest.NewServer(admin)
	t.Cleanup(control.Close)
	return demo.Place{Shop: front.URL, Admin: control.URL, Token: "secret", LegacyURL: legacy.URL, NewURL: young.URL, Outage: f, Bug: f}
}

func TestEveryStepOfTheScriptCanFail(t *testing.T) {
	for fault, says := range map[string]string{
		"adds a header":               "× everything passes through to legacy unchanged: HEAD /products/3: headers map[",
		"refuses streams":             "× a feed and a WebSocket are opened: the WebSocket does not open",
		"does not see the total":      "× shadow three routes: the two bugs of the new shop are found: $.total of orders-get: found {",
		"does not see the header":     "× shadow three routes: the two bugs of the new shop are found: header Vary of products: found {",
		"takes noise for a bug":       `× what differs by itself is told apart from them: $.generated_at is "real", want noise`,
		"takes a bug for noise":       `× what differs by itself is told apart from them: $.total is "noise", want real`,
		"does not see the foot":       "× a rule silences what is meant to differ: no page differs",
		"finds no use for a rule":     "× a rule silences what is meant to differ: the rule would hide 0 of 120 differences, want all",
		"does not go by rules":        "× a rule silences what is meant to differ: 120 of 120 pages still differ",
		"has no gates":                "× promote orders-get to 25 %: a gate refuses, because of the first bug: promote was not refused by a gate",
		"moves too many":              "% of 2000 users, want 25 ± 4 %",
		"splits requests, not users":  "× each of them stays where they are: user-",
		"moves users back":            "× promote orders-get to 50 %: nobody moves back: ",
		"does not fall back":          "× a drill, with the autopilot disarmed: the new shop crashes, its breaker opens, and nobody is worse off: user-",
		"has a second new shop":       " users were served by the new shop, which is down",
		"has no breaker":              `: strangler_breaker_state{route="orders-get",side="new"} is 0 (known: true), want 2`,
		"does not come back":          "× the new shop is back: the breaker closes by itself: the port is taken",
		"keeps the users on legacy":   "users are not on their sides again: new serves 0 of 30 users",
		"promotes while paused":       "× pause orders-get: nobody moves, and promote is refused: promote was not refused",
		"keeps serving new":           "× roll orders-get back: new serves nobody from then on: new still served ",
		"draws other users":           "× promote orders-get once more, and arm the autopilot: other users than before: ",
		"has no gate for the breaker": "× promote orders-get once more, and arm the autopilot: route orders-get has no gate breaker",
		"rolls back for the breaker":  `the autopilot takes the route back: it was rolled back by autopilot for the cause "guard" and the reason "errors`,
		"gives no reason":             `and the reason "", want the autopilot's`,
		"lets visitors see the bug":   "the autopilot takes the route back: client errors: ",
		"says so and serves new":      "the autopilot takes the route back: new still served ",
		"forgets pause":               `× the history tells it: it says ["promote" "promote" "promote" "autopilot_off" "rollback" "promote" "autopilot_off" "rollback"], want`,
		"cuts uploads":                "× an upload arrives whole: sent 8388608 bytes",
		"loses a tick":                "× the feed and the WebSocket have survived it all: the feed lost a tick: 3 came after 1",
		"ends the feed":               "× the feed and the WebSocket have survived it all: the feed has ended",
		"fails for visitors":          "× nobody in the shop has noticed: client errors: ",
	} {
		t.Run(fault, func(t *testing.T) {
			var out bytes.Buffer
			err := demo.Play(t.Context(), stage(t, fault), &out)
			if !errors.Is(err, demo.ErrScript) {
				t.Errorf("error %v", err)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if last := lines[len(lines)-1]; !strings.Contains(last, says) || !strings.HasPrefix(last, "× ") {
				t.Errorf("the script ends with\n%s\nwant %q", last, says)
			}
		})
	}
}

func TestScriptIsPlayedToItsEnd(t *testing.T) {
	var out bytes.Buffer
	if err := demo.Play(t.Context(), stage(t, ""), &out); err != nil {
		t.Errorf("%v in\n%s", err, out.String())
	}
	if steps := strings.Count(out.String(), "√ "); steps != 19 {
		t.Errorf("%d steps in\n%s", steps, out.String())
	}
}

func TestScriptEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	if err := demo.Play(ctx, stage(t, ""), &out); !errors.Is(err, context.Canceled) || !errors.Is(err, demo.ErrScript) {
		t.Errorf("error %v", err)
	}
}
