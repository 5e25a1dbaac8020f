package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const playbookPath = "../../docs/playbook.md"

// session is what the playbook is played on: real processes on free ports,
// which the page calls by the ports that people would use.
type session struct {
	folder  string
	env     []string
	toReal  *strings.Replacer
	toPaper *strings.Replacer
	signed  string // the override that was made last
}

// What is secret, or long and different each time, is not on the page.
var (
	secrets   = regexp.MustCompile(`strangler_[a-z2-7]{8}_[a-z2-7]{26}`)
	overrides = regexp.MustCompile(`v1\.[A-Za-z0-9._-]+`)
)

const overrideOnPaper = "v1.…"

func TestThePlaybookIsWhatHappens(t *testing.T) {
	page, err := os.ReadFile(playbookPath)
	if err != nil {
		t.Fatal(err)
	}
	s := startSession(t)
	photographs := 0
	block := regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```(?:\n\n!\\[([^]]+)\\]\\(([^)]+)\\))?")
	text := block.ReplaceAllStringFunc(string(page), func(found string) string {
		parts := block.FindStringSubmatch(found)
		switch kind, body := parts[1], parts[2]; kind {
		case "yaml":
			s.keep(t, body)
		case "console":
			played, transcript := s.play(t, body)
			if title, image := parts[3], parts[4]; image != "" {
				photographs++
				photograph(t, image, transcript, title)
			}
			return strings.Replace(found, body, played, 1)
		}
		return found
	})
	if photographs == 0 {
		t.Error("no screenshot was found: they come right after a block")
	}
	if *update {
		if err := os.WriteFile(playbookPath, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// startSession starts the monolith, the new service and a router before them.
func startSession(t *testing.T) *session {
	t.Helper()
	answering := func(who string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.URL.Path+", from "+who+"\n")
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	monolith, orders, folder := answering("the monolith"), answering("the orders service"), t.TempDir()
	router, err := newRouterBefore(monolith, folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := router.stop(); err != nil {
			t.Error("the router ended with", err)
		}
	})
	if err := os.WriteFile(filepath.Join(folder, "token"), []byte(adminToken), 0o600); err != nil {
		t.Fatal(err)
	}
	addresses := [][2]string{
		{"http://127.0.0.1:3000", monolith},
		{"http://127.0.0.1:4000", orders},
		{"http://127.0.0.1:8080", router.data},
		{"http://127.0.0.1:9900", router.url},
	}
	var there, back []string
	for _, address := range addresses {
		there = append(there, address[0], address[1])
		back = append(back, address[1], address[0])
	}
	return &session{
		folder:  folder,
		env:     []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "CLICOLOR_FORCE=1"},
		toReal:  strings.NewReplacer(there...),
		toPaper: strings.NewReplacer(back...),
	}
}

// keep writes the file that a block shows; its first line is its name.
func (s *session) keep(t *testing.T, body string) {
	t.Helper()
	first, _, _ := strings.Cut(body, "\n")
	name, ok := strings.CutPrefix(first, "# ")
	if !ok {
		return
	}
	if err := os.WriteFile(filepath.Join(s.folder, filepath.Base(name)), []byte(s.toReal.Replace(body)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// play runs the commands of a block, and returns the block as it should be:
// where only what differs between runs differs, as it is. The transcript is
// the block with the colours of this run.
func (s *session) play(t *testing.T, body string) (block, transcript string) {
	t.Helper()
	var played, coloured strings.Builder
	for _, part := range regexp.MustCompile(`(?m)^\$ `).Split(body, -1)[1:] {
		command, shown := splitCommand(part)
		said, err := s.run(t, command)
		painted := said
		said = plain(said)
		if tidied(said) == tidied(shown) {
			said = shown
		} else if !*update {
			t.Errorf("$ %ssays:\n%s\ndocs/playbook.md says:\n%s\n-update writes it there; %v", command, said, shown, err)
		}
		fmt.Fprintf(&played, "$ %s%s", command, said)
		fmt.Fprintf(&coloured, "\x1b[2m$\x1b[0m \x1b[1m%s%s", strings.Replace(command, "\n", "\x1b[0m\n", 1), repainted(painted, said))
	}
	return played.String(), coloured.String()
}

// splitCommand parts a command, which goes on after a line that ends in \,
// from what it printed.
func splitCommand(text string) (command, printed string) {
	for {
		line, rest, _ := strings.Cut(text, "\n")
		command, text = command+line+"\n", rest
		if !strings.HasSuffix(line, `\`) {
			return command, text
		}
	}
}

// run runs a command in a shell, and returns what a terminal would show.
func (s *session) run(t *testing.T, command string) (string, error) {
	t.Helper()
	command = strings.ReplaceAll(s.toReal.Replace(command), overrideOnPaper, s.signed)
	shell := exec.CommandContext(t.Context(), "sh", "-c", command)
	shell.Dir, shell.Env = s.folder, s.env
	said, err := shell.CombinedOutput()
	if value := overrides.Find(said); value != nil {
		s.signed = string(value)
	}
	paper := secrets.ReplaceAllString(s.toPaper.Replace(string(said)), "strangler_…")
	return overrides.ReplaceAllString(paper, overrideOnPaper), err
}
