package test_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// fromGuardPage returns the definitions and the commands of docs/guard.md.
func fromGuardPage(t *testing.T) (definitions, commands string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "guard.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, block := range regexp.MustCompile("(?s)```(sh|yaml)\n(.*?)\n```").FindAllStringSubmatch(string(text), -1) {
		found[block[1]] = append(found[block[1]], block[2])
	}
	if len(found["yaml"]) != 1 || len(found["sh"]) != 1 {
		t.Fatalf("docs/guard.md has other blocks than one of each: %q", found)
	}
	return found["yaml"][0], found["sh"][0]
}

// exercise is a router with the route of docs/guard.md, at 100 %.
type exercise struct {
	t       *testing.T
	r       *router
	c       ctl
	visitor *visitor
	pace    *time.Ticker // legacy has room for five fallbacks a second
	folder  string       // with the programs in bin/
}

const exerciseToken = "token-of-the-exercise"

func startExercise(t *testing.T, definitions string) *exercise {
	t.Helper()
	app, other, monolith := startNewApp(t), startNewApp(t), startMonolith(t)
	e := &exercise{t: t, folder: t.TempDir(), visitor: newVisitor(t, app, 1), pace: time.NewTicker(250 * time.Millisecond)}
	t.Cleanup(e.pace.Stop)
	if err := os.Symlink(programs, filepath.Join(e.folder, "bin")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(e.folder, "definitions.yaml")
	text := put(t, definitions, "http://127.0.0.1:3000", monolith, "http://127.0.0.1:4000", app.URL, "http://127.0.0.1:4001", other.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e.r = serve(t, "guarded", []string{"STRANGLER_ADMIN_TOKEN=" + exerciseToken}, "--database", "sqlite:"+filepath.Join(t.TempDir(), "s.db"))
	e.c = e.r.ctl(exerciseToken)
	e.c.must("apply", "-f", file)
	e.c.must("promote", "orders-get", "--full", "--wait")
	return e
}

// served asks once, at the pace, and returns the side that answered.
func (e *exercise) served() string {
	e.t.Helper()
	<-e.pace.C
	side, err := e.visitor.order(e.r.data, "7")
	if err != nil {
		e.t.Fatal(err)
	}
	return side
}

// open reports whether new's breaker is open.
func (e *exercise) open() bool {
	e.t.Helper()
	for _, b := range read[[]struct{ Route, Side, State string }](e.c, "breaker", "ls") {
		if b.Route == "orders-get" && b.Side == "new" && b.State == "open" {
			return true
		}
	}
	return false
}

// TestTheGuardsExercise does what docs/guard.md says one should try.
func TestTheGuardsExercise(t *testing.T) {
	definitions, commands := fromGuardPage(t)
	e := startExercise(t, definitions)
	said := shell(t, e.folder, e.r.admin, "export PATH=$PWD/bin:$PATH STRANGLER_TOKEN="+exerciseToken+"\n"+commands)
	if started, stopped := strings.Count(said, " started: "), strings.Count(said, " stopped: "); started != 3 || stopped != 3 {
		t.Errorf("%d faults were started and %d stopped, want 3:\n%s", started, stopped, said)
	}
	if side := e.served(); side != "new" {
		t.Errorf("before the outage %s serves", side)
	}
	e.c.must("fault", "start", "orders-get", "--side", "new", "--status", "503", "--for", "2m", "--wait")
	eventually(t, "the breaker opens", func() bool {
		if side := e.served(); side != "legacy" {
			t.Errorf("during the outage %s serves", side)
		}
		return e.open()
	})
	e.c.must("fault", "stop", "--all", "--wait")
	eventually(t, "new serves again", func() bool { return e.served() == "new" })
	if e.open() {
		t.Error("new serves, and the breaker is open")
	}
}
