package test_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/routing"
)

// The storm: how large the table is, how much of it moves, and how often.
const (
	stormRoutes = 10_000
	stormMoving = 4
	stormEvery  = time.Second / 100
	stormFor    = 10 * time.Second
)

// TestAStormOfPromotions changes weights as often as it can while visitors ask,
// and compares what the access log says of each exchange with the history.
func TestAStormOfPromotions(t *testing.T) {
	if testing.Short() {
		t.Skip("ten seconds of load; run without -short")
	}
	folder := t.TempDir()
	log := filepath.Join(folder, "access.log")
	app := startNewApp(t)
	const token = "storm"
	r := serve(t, "a", []string{"STRANGLER_ADMIN_TOKEN=" + token},
		"--database", "sqlite:"+filepath.Join(folder, "strangler.db"), "--access-log", log)
	ctl := r.ctl(token)
	ctl.must("apply", "-f", manyRoutes(t, startMonolith(t), app.URL), "--wait")

	v := newVisitor(t, app, 8)
	c := gather(t, 4, func(n int64) error {
		user := strconv.FormatInt(n%visitors, 10)
		_, err := v.ask(r.data, fmt.Sprintf("/r%d/items/%s", n%stormMoving, user), user)
		return err
	})
	c.more(100)
	made := storm(t, r.api(token))
	c.more(100)
	c.content()
	r.signal(syscall.SIGTERM)
	if code := r.wait(); code != 0 {
		t.Errorf("the router ended with exit code %d", code)
	}
	if made < 1 {
		t.Fatal("no promotion was made: the test has shown nothing")
	}

	r.start() // to read the history
	checkAccessLog(t, log, weightsOverTime(ctl), c.asked.Load())
}

// manyRoutes writes definitions of stormRoutes routes and returns the file.
func manyRoutes(t *testing.T, monolith, app string) string {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "backends:\n  - {name: monolith, endpoints: [%q]}\n  - {name: app, endpoints: [%q]}\n", monolith, app)
	fmt.Fprintf(&text, "groups:\n  - {name: shop, keys: [{header: X-User-Id}], salt: %s}\nroutes:\n", salt)
	for i := range stormRoutes {
		fmt.Fprintf(&text, "  - {name: r%d, match: {path: \"/r%d/items/{id}\"}, legacy: monolith, new: app, group: shop}\n", i, i)
	}
	file := filepath.Join(t.TempDir(), "definitions.yaml")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// storm promotes each moving route for itself, all of them together every
// stormEvery, or as often as the router can. It returns how many promotions were made.
func storm(t *testing.T, api api) int64 {
	t.Helper()
	var made atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for route := range stormMoving {
		group.Go(func() {
			for n := 0; time.Since(began) < stormFor; n++ {
				due := began.Add(time.Duration(n*stormMoving+route) * stormEvery)
				time.Sleep(time.Until(due)) // the pace; who is late hurries
				percent := 1 + (n*37+route)%99
				if api.promote(t.Context(), fmt.Sprintf("r%d", route), strconv.Itoa(percent)) > 0 {
					made.Add(1)
				}
			}
		})
	}
	group.Wait()
	took := time.Since(began)
	t.Logf("%d promotions in %s: %.0f a second on a table of %d routes", made.Load(), took.Round(time.Millisecond),
		float64(made.Load())/took.Seconds(), stormRoutes)
	return made.Load()
}

// weight is a route's weight from a revision on.
type weight struct {
	since int64
	bp    int
}

// weightsOverTime reads the whole history of the routes that moved.
func weightsOverTime(ctl ctl) map[string][]weight {
	ctl.t.Helper()
	weights := map[string][]weight{}
	for i := range stormMoving {
		route := fmt.Sprintf("r%d", i)
		for before := int64(0); ; {
			page := read[[]event](ctl, "history", route, "-n", "1000", "--before", strconv.FormatInt(before, 10))
			for _, e := range page { // newest first
				weights[route] = append(weights[route], weight{e.Revision, e.After.WeightBp})
				before = e.ID
			}
			if len(page) < 1000 {
				break
			}
		}
		sort.Slice(weights[route], func(a, b int) bool { return weights[route][a].since < weights[route][b].since })
	}
	return weights
}

// logged is one line of the access log.
type logged struct {
	Msg      string
	Dropped  int64
	Path     string `json:"url.path"`
	Route    string `json:"strangler.route"`
	Side     string `json:"strangler.side"`
	Revision int64  `json:"strangler.revision"`
	WeightBp int    `json:"strangler.weight_bp"`
}

// checkAccessLog has every exchange agree with the weight of its revision.
func checkAccessLog(t *testing.T, path string, weights map[string][]weight, visits int64) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines, dropped int64
	revisions, wrong := map[int64]bool{}, 0
	for scanner := bufio.NewScanner(bytes.NewReader(text)); scanner.Scan(); {
		var x logged
		if err := json.Unmarshal(scanner.Bytes(), &x); err != nil {
			t.Fatalf("%q: %v", scanner.Text(), err)
		}
		if x.Msg != "exchange" {
			dropped += x.Dropped
			continue
		}
		lines++
		revisions[x.Revision] = true
		if complaint := x.contradiction(weights); complaint != "" && wrong < 10 {
			wrong++
			t.Errorf("%s: %s", complaint, scanner.Text())
		}
	}
	t.Logf("%d exchanges by %d revisions", lines, len(revisions))
	if lines+dropped != visits {
		t.Errorf("the access log has %d exchanges and dropped %d; there were %d visits", lines, dropped, visits)
	}
	if len(revisions) < 3 {
		t.Errorf("exchanges by %d revisions only: the test has shown nothing", len(revisions))
	}
}

// contradiction says what in a line disagrees with the history; empty: nothing.
func (x logged) contradiction(weights map[string][]weight) string {
	history := weights[x.Route]
	next := sort.Search(len(history), func(i int) bool { return history[i].since > x.Revision })
	if next == 0 {
		return "a revision before the route was there"
	}
	inForce := history[next-1].bp
	if x.WeightBp != inForce {
		return fmt.Sprintf("the weight at revision %d was %d", x.Revision, inForce)
	}
	user := x.Path[strings.LastIndexByte(x.Path, '/')+1:]
	want := routing.Legacy
	if routing.Point(salt, user) < inForce {
		want = routing.New
	}
	if x.Side != want.String() {
		return "at that weight the side is " + want.String()
	}
	return ""
}
