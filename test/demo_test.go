package test_test

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// demoCtl is how the demo's text calls stranglerctl, from a clone.
const demoCtl = "go run ./cmd/stranglerctl"

func TestTheDemoAndItsCommands(t *testing.T) {
	c := command(t, "strangler", "demo")
	demo := launch(t, c)
	eventually(t, "the demo introduces itself", func() bool {
		if !demo.running() {
			t.Fatalf("the demo has ended: %s", demo.stderr)
		}
		return strings.Contains(demo.stdout.String(), "Ctrl-C ends everything")
	})
	introduction := demo.stdout.String()
	find := func(pattern string) string {
		t.Helper()
		found := regexp.MustCompile(pattern).FindStringSubmatch(introduction)
		if found == nil {
			t.Fatalf("the demo does not say %s:\n%s", pattern, introduction)
		}
		return found[1]
	}
	shop, server, token := find(`(?m)^  shop +(http://127\.0\.0\.1:\d+) `), find(`(?m)^  admin API +(http://127\.0\.0\.1:\d+)$`), find(`(?m)^  token +(\S+)$`)
	if export := find(`(?m)^  export (.*)$`); export != "STRANGLER_SERVER="+server+" STRANGLER_TOKEN="+token {
		t.Errorf("the demo says: export %s", export)
	}
	if page := fetch(t, shop); !strings.Contains(page, "<html") {
		t.Errorf("the shop shows %q", page)
	}

	commands := regexp.MustCompile(`(?m)^  `+regexp.QuoteMeta(demoCtl)+` (.*)$`).FindAllStringSubmatch(introduction, -1)
	said := make([]string, len(commands))
	shopkeeper := ctl{t: t, server: server, token: token}
	for i, command := range commands {
		args := strings.Fields(command[1])
		if args[0] == "diff" { // it says itself that this takes some seconds
			eventually(t, "diff has found something", func() bool {
				said[i] = shopkeeper.must(args...)
				return strings.Contains(said[i], "COUNT")
			})
			continue
		}
		said[i] = shopkeeper.must(args...)
	}
	wants := []string{
		`(?m)^orders-get +legacy +0% `,
		`^orders-get  legacy → shadow  \(step \d of \d, revision \d → \d, by admin-token\)\n$`,
		`(?m)^ +\d+  \$\.total +type +`,
		`(?m)^orders-get  shadow  `,
		`^orders-get  shadow → 25%  \(step \d of \d, revision \d → \d, by admin-token\)\n$`,
		`^orders-get  side new: fault \d+ started: 503, 100% of the tries, 1m left  \(revision \d → \d, by admin-token\)\n$`,
		`(?m)promote.*known.bug`,
	}
	if len(said) != len(wants) {
		t.Fatalf("the demo shows %d commands, want %d:\n%s", len(said), len(wants), introduction)
	}
	for i, want := range wants {
		if !regexp.MustCompile(want).MatchString(said[i]) {
			t.Errorf("stranglerctl %s printed %q, want %s", commands[i][1], said[i], want)
		}
	}

	demo.signal(syscall.SIGINT)
	if code := demo.wait(); code != 0 {
		t.Errorf("Ctrl-C ends the demo with exit code %d: %s", code, demo.stderr)
	}
	left, err := os.ReadDir(c.Dir) // its TMPDIR, too
	if err != nil || len(left) != 0 {
		t.Errorf("the demo leaves behind %v, %v", left, err)
	}
	if _, err := http.Get(shop); err == nil {
		t.Error("the shop still answers")
	}
}

func TestTheDemosScript(t *testing.T) {
	demo := launch(t, command(t, "strangler", "demo", "--script"))
	if code := demo.wait(); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, demo.stdout, demo.stderr)
	}
}

// fetch reads a page by curl.
func fetch(t *testing.T, url string) string {
	t.Helper()
	page, err := exec.Command("curl", "--silent", "--show-error", "--fail", "--max-time", "30", url).Output()
	if err != nil {
		t.Fatalf("curl %s: %v", url, err)
	}
	return string(page)
}
