package test_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// tutorial is the README's section that a new user follows.
const tutorial = "## Five minutes with your own monolith"

// TestTheREADMEsFiveMinutes runs the commands of the README as they stand there.
// Only addresses, the token and the building are put in their place.
func TestTheREADMEsFiveMinutes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	build, status, file, move, verbs := blocks(t, string(text))
	app, monolith := startNewApp(t), startMonolith(t)

	makeLine, serveLine, _ := strings.Cut(build, "\n")
	if said, err := exec.Command("make", "-n", "-C", root, strings.TrimPrefix(makeLine, "make ")).CombinedOutput(); err != nil ||
		!strings.Contains(string(said), "-o bin/") {
		t.Errorf("%s does not build into bin/: %v: %s", makeLine, err, said)
	}
	folder := t.TempDir()
	if err := os.Symlink(programs, filepath.Join(folder, "bin")); err != nil {
		t.Fatal(err)
	}
	r, token := serveFromREADME(t, folder, put(t, serveLine, "http://127.0.0.1:3000", monolith, ":8080", "127.0.0.1:0"))
	if page := fetch(t, "http://"+r.data+"/"); page != "<h1>The old shop</h1>\n" {
		t.Errorf("the working proxy shows %q", page)
	}

	export, command, _ := strings.Cut(put(t, status, "…", token), "\n")
	sh := func(script string) string { return shell(t, folder, r.admin, export+"\n"+script) }
	if said := sh(command); !strings.Contains(said, "catch-all") {
		t.Errorf("%s printed %q", command, said)
	}
	file = put(t, file, "http://127.0.0.1:3000", monolith, "http://127.0.0.1:4000", app.URL)
	if err := os.WriteFile(filepath.Join(folder, "definitions.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}

	if said := sh(move); !strings.Contains(said, "orders-get  shadow → 25%") || !strings.Contains(said, "√ 1/1 instances on ") {
		t.Errorf("the way to 25 %% printed %q", said)
	}
	if n := onNew(t, app, r); n < 150 || n > 350 { // the salt is random: a quarter of 1,000, and five times its deviation is 68
		t.Errorf("%d of 1,000 users are on new, want a quarter", n)
	}
	said := sh(verbs)
	for _, part := range []string{
		"orders-get  25% → 25%, paused", "orders-get  25%, paused → 25%", "orders-get  25% → 50%", "orders-get  50% → shadow, rolled back", "lunch",
	} {
		if !strings.Contains(said, part) {
			t.Errorf("the verbs printed %q, want %q in it", said, part)
		}
	}
	if n := onNew(t, app, r); n != 0 {
		t.Errorf("%d of 1,000 users are on new after the rollback", n)
	}
}

// blocks returns the code blocks of the tutorial, in their order.
func blocks(t *testing.T, readme string) (build, status, file, move, verbs string) {
	t.Helper()
	_, section, found := strings.Cut(readme, tutorial)
	if !found {
		t.Fatalf("README.md has no section %q", tutorial)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var texts []string
	for _, block := range regexp.MustCompile("(?s)```(?:sh|yaml)\n(.*?)\n```").FindAllStringSubmatch(section, -1) {
		texts = append(texts, block[1])
	}
	if len(texts) != 5 {
		t.Fatalf("the tutorial has %d blocks, want 5: %q", len(texts), texts)
	}
	return texts[0], texts[1], texts[2], texts[3], texts[4]
}

// put puts new texts in the place of old ones, each of which has to be there.
func put(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("%q does not contain %q", text, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// serveFromREADME runs the README's router at a terminal, where it shows its
// first token.
func serveFromREADME(t *testing.T, folder, line string) (r *router, token string) {
	t.Helper()
	tty, screen := openTerminal(t)
	words := strings.Fields(line)
	c := command(t, "strangler", append(words[1:], "--admin", "127.0.0.1:0")...)
	if words[0] != "./bin/strangler" {
		t.Fatalf("the README starts the router by %q", words[0])
	}
	c.Dir, c.Stderr = folder, tty
	r = &router{t: t, name: "README", process: launch(t, c)}
	r.stderr = screen
	eventually(t, "the router listens and shows its token", func() bool {
		said := strings.ReplaceAll(screen.String(), "\r\n", "\n")
		r.data, r.admin = listening(said, "data"), listening(said, "admin")
		if found := regexp.MustCompile(`export STRANGLER_TOKEN=(\S+)\n`).FindStringSubmatch(said); found != nil {
			token = found[1]
		}
		return r.data != "" && r.admin != "" && token != ""
	})
	eventually(t, "the router is ready", r.ready)
	return r, token
}

// shell runs a script as a user at a prompt would, and returns all it printed.
func shell(t *testing.T, folder, admin, script string) string {
	t.Helper()
	c := command(t, "strangler") // for its environment
	c.Path, c.Args, c.Dir = "/bin/sh", []string{"sh", "-e"}, folder
	c.Env = append(c.Env, "STRANGLER_SERVER=http://"+admin)
	c.Stdin = strings.NewReader(script)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	if code := launch(t, c).wait(); code != 0 {
		t.Fatalf("exit code %d\n%s\n%s", code, script, &said)
	}
	return said.String()
}

// onNew counts who of 1,000 users the new application serves.
func onNew(t *testing.T, app *newApp, r *router) (n int) {
	t.Helper()
	v := newVisitor(t, app, 1)
	for user := range 1000 {
		side, err := v.order(r.data, strconv.Itoa(user))
		if err != nil {
			t.Fatal(err)
		}
		if side == "new" {
			n++
		}
	}
	return n
}
