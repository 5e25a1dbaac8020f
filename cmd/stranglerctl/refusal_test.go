package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// answering is a server that gives one answer to everything.
func answering(t *testing.T, status int, kind, body string) map[string]string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return map[string]string{"STRANGLER_SERVER": server.URL, "STRANGLER_TOKEN": adminToken}
}

func TestEveryKindOfRefusalHasItsExitCode(t *testing.T) {
	for status, want := range map[int]exitCode{
		http.StatusBadRequest:           exitUsage,
		http.StatusUnauthorized:         exitNotAllowed,
		http.StatusForbidden:            exitNotAllowed,
		http.StatusNotFound:             exitNotFound,
		http.StatusConflict:             exitRefused,
		http.StatusPreconditionFailed:   exitConflict,
		http.StatusPreconditionRequired: exitConflict,
		http.StatusUnprocessableEntity:  exitFailure,
		http.StatusInternalServerError:  exitFailure,
		http.StatusServiceUnavailable:   exitFailure,
	} {
		env := answering(t, status, "application/problem+json",
			`{"type":"about:blank","title":"No.","status":`+strconv.Itoa(status)+`,"code":"x","detail":"it says why","hint":"do this"}`)
		code, stdout, stderr := invoke(t, env, "promote", "orders")
		if code != want || stdout != "" {
			t.Errorf("status %d: exit code %d, stdout %q; want %d and nothing", status, code, stdout, want)
		}
		wantHint := "hint: do this\n"
		if status == http.StatusUnauthorized {
			wantHint = "hint: the token that was sent is unknown, expired or revoked: make another with strangler token create beside the router\n"
		}
		if stderr != "error: it says why\n"+wantHint {
			t.Errorf("status %d: stderr %q", status, stderr)
		}
	}
}

func TestSomethingElseThanARouterIsNamed(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"a page":           answering(t, http.StatusOK, "text/html", "<html>welcome</html>"),
		"a page not found": answering(t, http.StatusNotFound, "text/html", "<html>?</html>"),
		"a broken problem": answering(t, http.StatusConflict, "application/problem+json", "{"),
	} {
		code, stdout, stderr := invoke(t, env, "status")
		if code != exitFailure || stdout != "" || !strings.HasPrefix(stderr, "error: "+env["STRANGLER_SERVER"]+" answered with ") ||
			!strings.HasSuffix(stderr, "hint: name the router's admin address with --server or STRANGLER_SERVER; where that listener speaks TLS, begin it with https://\n") {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", name, code, stdout, stderr)
		}
	}
}

func TestAListenerThatSpeaksTLSOtherwiseIsExplained(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	for _, c := range []struct{ server, hint string }{
		{"https" + strings.TrimPrefix(plain.URL, "http"), "that listener speaks plain HTTP: begin its address with http://"},
		{"http" + strings.TrimPrefix(secure.URL, "https"), "name the router's admin address with --server or STRANGLER_SERVER; where that listener speaks TLS, begin it with https://"},
		{secure.URL, "where its certificate is from your own authority, set SSL_CERT_FILE to the authority's certificate"},
	} {
		code, stdout, stderr := invoke(t, map[string]string{"STRANGLER_SERVER": c.server}, "status")
		if code != exitFailure || stdout != "" || !strings.HasSuffix(stderr, "\nhint: "+c.hint+"\n") {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", c.server, code, stdout, stderr)
		}
	}
}

func TestNoAnswerSaysWhetherSomethingWasChanged(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	hangsUp := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer hangsUp.Close()
	const named = "start a router with strangler serve, or name another with --server or STRANGLER_SERVER\n"
	for _, c := range []struct{ server, verb, hint string }{
		{closed.URL, "status", "hint: " + named},
		{closed.URL, "pause", "hint: nothing was changed; " + named},
		{hangsUp.URL, "pause", "hint: the change may have been made all the same: stranglerctl history tells\n"},
		{hangsUp.URL, "status", "hint: " + named},
	} {
		code, _, stderr := invoke(t, nil, c.verb, "orders", "--server", c.server)
		if code != exitFailure || !strings.HasPrefix(stderr, "error: no answer from the router at "+c.server+": ") || !strings.HasSuffix(stderr, c.hint) {
			t.Errorf("%s at %s: exit code %d, stderr %q, want the end %q", c.verb, c.server, code, stderr, c.hint)
		}
	}
}

func TestCtrlCEndsWith130(t *testing.T) {
	for verb, want := range map[string]string{
		"status": "interrupted\n",
		"pause":  "interrupted; the change may have been made all the same: stranglerctl history tells\n",
	} {
		ctx, interrupt := context.WithCancel(context.Background())
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // until then the server does not notice who leaves
			interrupt()
			<-r.Context().Done()
		}))
		var stdout, stderr bytes.Buffer
		code := run(ctx, []string{verb, "orders", "--server", server.URL}, func(string) string { return "" }, strings.NewReader(""), &stdout, &stderr)
		if code != exitInterrupted || stdout.Len() > 0 || stderr.String() != want {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", verb, code, stdout.String(), stderr.String())
		}
		server.Close()
	}
}

// hostile is a list of routes as nobody should be able to define them.
const hostile = `[{"name":"a\u001b]0;owned\u0007","stage":"canary","weight_bp":2500,
	"hold":{"kind":"paused","reason":"two\r\nlines \u001b[2J\u202e"},"revision":7,
	"match":"GET /\u009b31m","legacy":"l\u0000","new":"n","group":"","step":1,"steps":6,
	"changed_by":"<img onerror=alert(1)>\u001b[8m","changed_at":"2026-01-02T03:04:05Z",
	"invalid":{"code":"tie","field":"match","message":"with \u001b[5mb"}}]`

func TestTextFromTheServerIsShownAndNeverObeyed(t *testing.T) {
	env := answering(t, http.StatusOK, "application/json", hostile)
	for _, args := range [][]string{{"route", "ls"}, {"route", "ls", "-o", "wide"}, {"route", "ls", "-o", "name"}, {"route", "ls", "-o", "json"}, {"route", "ls", "-o", "yaml"}} {
		code, stdout, stderr := invoke(t, env, args...)
		if code != exitOK || stderr != "" {
			t.Errorf("%v: exit code %d, stderr %q", args, code, stderr)
		}
		for _, r := range stdout {
			if (r < ' ' && r != '\n') || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0x202e {
				t.Errorf("%v prints %U: %q", args, r, stdout)
			}
		}
	}
	if _, stdout, _ := invoke(t, env, "route", "ls", "-o", "name"); stdout != "a\\x1b]0;owned\\a\n" {
		t.Errorf("the name is shown as %q", stdout)
	}
}

func TestARefusalIsShownAndNeverObeyed(t *testing.T) {
	env := answering(t, http.StatusUnprocessableEntity, "application/problem+json",
		`{"title":"t","detail":"d\u001b[2J","hint":"h\u001b[2J","problems":[{"message":"m\u001b[2J","path":"p","file":"f","line":3,"column":4}]}`)
	code, _, stderr := invoke(t, env, "status")
	if want := "error: 1 fault in the definitions; nothing was changed\nf:3:4: m\\x1b[2J\nhint: h\\x1b[2J\n"; code != exitFailure || stderr != want {
		t.Errorf("exit code %d, stderr %q, want %q", code, stderr, want)
	}
}

func TestAnAnswerThatIsNotFromTheStoreIsMarked(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Strangler-Stale", "75")
		_, _ = io.WriteString(w, "[]")
	}))
	defer server.Close()
	code, _, stderr := invoke(t, nil, "route", "ls", "--server", server.URL)
	if want := "‼ the store is away: this is what the router knew 1m ago\n"; code != exitOK || stderr != want {
		t.Errorf("exit code %d, stderr %q, want %q", code, stderr, want)
	}
}
