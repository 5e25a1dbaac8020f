package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// received is a request as a backend got it.
type received struct {
	Method, Target, Host, Body string
	Header                     http.Header
}

// pasted runs what diff curl prints in a shell, as a person who pastes it, and
// returns what the backend got.
func pasted(t *testing.T, request wire.ShadowedRequest, env ...string) (got []received, said string) {
	t.Helper()
	backend := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Header.Del("Content-Length")
		got = append(got, received{r.Method, r.RequestURI, r.Host, string(body), r.Header})
	}))
	defer backend.Close()
	command, err := newCurlCommand(request, backend.URL)
	if err != nil {
		t.Fatal(err)
	}
	lines := command.lines()
	for _, line := range lines {
		if term.Safe(line) != line {
			t.Errorf("a terminal may obey %q", line)
		}
	}
	shell := exec.CommandContext(t.Context(), "bash", "-c", strings.Join(lines, "\n"))
	shell.Dir, shell.Env = t.TempDir(), append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	out, err := shell.CombinedOutput()
	said = string(out)
	if err != nil {
		said += err.Error()
	}
	if left, _ := filepath.Glob(filepath.Join(shell.Dir, "*")); len(left) > 0 {
		t.Errorf("the shell did something else: %v", left)
	}
	return got, said
}

func TestWhatIsPastedSendsWhatWasSent(t *testing.T) {
	field := func(name, value string) wire.HeaderField { return wire.HeaderField{Name: name, Value: value} }
	agent, accept := field("User-Agent", "shop/1"), field("Accept", "*/*")
	for name, request := range map[string]wire.ShadowedRequest{
		"plain":              {Method: "GET", Target: "/orders/42", Headers: []wire.HeaderField{agent, accept}},
		"no usual headers":   {Method: "GET", Target: "/"},
		"quotes in a target": {Method: "GET", Target: "/it's/$(touch%20x)/`touch%20y`?a=$HOME&b=\"c\""},
		"globs and dots":     {Method: "GET", Target: "/a/../b/./{1,2}/[1-3]?x[]={}"},
		"a shell in headers": {Method: "GET", Target: "/", Headers: []wire.HeaderField{agent, accept, field("X-A", "'; touch x; '"), field("X-B", "$(touch y) \\"), field("X-C", "@file"), field("X-E", "")}},
		"a strange name":     {Method: "GET", Target: "/", Headers: []wire.HeaderField{field("X'`touch`$HOME", "v")}},
		"not printable":      {Method: "GET", Target: "/", Headers: []wire.HeaderField{field("X-A", "tab\tand \u202e and \u009b and größe")}},
		"a file as body":     {Method: "POST", Target: "/", Body: "@/etc/passwd", Headers: []wire.HeaderField{field("Content-Type", "text/plain")}},
		"JSON":               {Method: "PUT", Target: "/", Body: "{\"name\": \"it's 100% \\\\n\"}", Headers: []wire.HeaderField{field("Content-Type", "application/json")}},
		"lines":              {Method: "POST", Target: "/", Body: "a\r\nb\n'%s%n\\'\n"},
		"bytes":              {Method: "POST", Target: "/", BodyBase64: base64.StdEncoding.EncodeToString([]byte("\x00\x1b[31m\xff7\x007"))},
		"a GET with a body":  {Method: "GET", Target: "/search", Body: "q"},
		"another method":     {Method: "PROPFIND", Target: "/"},
	} {
		t.Run(name, func(t *testing.T) {
			request.Host = "shop.example:8443"
			want := received{Method: request.Method, Target: request.Target, Host: request.Host, Body: request.Body, Header: http.Header{}}
			if request.BodyBase64 != "" {
				body, _ := base64.StdEncoding.DecodeString(request.BodyBase64)
				want.Body = string(body)
			}
			for _, h := range request.Headers {
				want.Header.Add(h.Name, h.Value)
			}
			got, said := pasted(t, request)
			if diff := cmp.Diff([]received{want}, got); diff != "" {
				t.Errorf("the backend got something else: %s; the shell said %s", diff, said)
			}
		})
	}
}

func TestAHeadIsPastedAsAHead(t *testing.T) {
	got, said := pasted(t, wire.ShadowedRequest{Method: "HEAD", Target: "/x", Host: "h"})
	if len(got) != 1 || got[0].Method != "HEAD" || !strings.Contains(said, "200 OK") {
		t.Errorf("got %+v; %s", got, said)
	}
}

func TestAHiddenHeaderIsToBeFilledIn(t *testing.T) {
	request := wire.ShadowedRequest{
		Method: "GET", Target: "/", Host: "h",
		Headers: []wire.HeaderField{{Name: "X-Api.Key$HOME", Value: "hidden:00112233aabbccdd"}},
	}
	got, said := pasted(t, request)
	if len(got) != 0 || !strings.Contains(said, "X_API_KEY_HOME: was hidden, set it first") {
		t.Errorf("without its value %d requests were sent; %s", len(got), said)
	}
	got, said = pasted(t, request, "X_API_KEY_HOME=it's $(touch x)")
	if len(got) != 1 || got[0].Header.Get("X-Api.Key$HOME") != "it's $(touch x)" {
		t.Errorf("got %+v; %s", got, said)
	}
}

func TestWhatCannotBeSentIsSaidAndLeftOut(t *testing.T) {
	request := wire.ShadowedRequest{
		Method: "GET", Target: "/?token=hidden:00112233aabbccdd", Host: "h", Body: "hidden:00112233aabbccdd",
		Headers: []wire.HeaderField{
			{Name: "X-A", Value: "1\r\nX-B: 2"},
			{Name: "X-E", Value: "\x1b]0;title\a"},
			{Name: "X\ntouch x", Value: "v"},
			{Name: "@/etc/passwd", Value: "v"},
			{Name: "Connection", Value: "close"},
			{Name: "Content-Length", Value: "9"},
			{Name: "Transfer-Encoding", Value: "chunked"},
		},
	}
	got, said := pasted(t, request)
	if len(got) != 1 || len(got[0].Header) != 0 {
		t.Errorf("got %+v; %s", got, said)
	}
	command, err := newCurlCommand(request, "http://127.0.0.1:1/")
	if err != nil {
		t.Fatal(err)
	}
	comments := slices.DeleteFunc(command.lines(), func(line string) bool { return !strings.HasPrefix(line, "#") })
	want := []string{
		"# the target holds hidden values: put the real ones in place of hidden:…",
		"# the body holds hidden values: put the real ones in place of hidden:…",
		"# left out, since it cannot be sent: header X-A",
		"# left out, since it cannot be sent: header X-E",
		`# left out, since it cannot be sent: header X\ntouch x`,
		"# left out, since it cannot be sent: header @/etc/passwd",
	}
	if diff := cmp.Diff(want, comments); diff != "" {
		t.Error(diff)
	}
}

func TestABodyThatIsNoBase64IsRefused(t *testing.T) {
	if _, err := newCurlCommand(wire.ShadowedRequest{BodyBase64: "!"}, "http://h"); err == nil {
		t.Error("it was taken")
	}
}

func TestASideGetsTheHeadersThatTheRouteGivesIt(t *testing.T) {
	command, err := newCurlCommand(wire.ShadowedRequest{
		Method: "DELETE", Target: "/o/1", Host: "shop.example",
		Headers: []wire.HeaderField{{Name: "Cookie", Value: "a=1"}, {Name: "x-tenant", Value: "other"}},
	}, "https://10.0.0.7:8443")
	if err != nil {
		t.Fatal(err)
	}
	command.rewrite(wire.SideRewrite{SetHeaders: map[string]string{"X-Tenant": "acme"}, RemoveHeaders: []string{"cookie"}})
	command.warnOfBackend(wire.Backend{Protocol: "h2c", TLS: wire.BackendTLS{Ca: "/etc/ca.pem", ServerName: "orders"}})
	command.markWrite(wire.SideNew)
	want := `# the routers reach it with ca /etc/ca.pem, server_name orders
# this is a DELETE: a backend changes nothing only if it honours the marker
curl --silent --show-error --include --globoff --path-as-is --http2-prior-knowledge --request DELETE --header User-Agent: --header Accept: \
  --header 'Host: shop.example' \
  --header 'X-Tenant: acme' \
  --header 'Strangler-Shadow: 1' \
  https://10.0.0.7:8443/o/1`
	if diff := cmp.Diff(strings.Split(want, "\n"), command.lines()); diff != "" {
		t.Error(diff)
	}
}

func FuzzWhatIsPastedStaysOneCommand(f *testing.F) {
	f.Add("/a?b=c", "X-A", "v", []byte("body"))
	f.Add("/'$(id)`id`\n\\", "X'", "\x1b]0;\a\r\n", []byte("\x00%s'\\"))
	f.Fuzz(func(t *testing.T, target, name, value string, body []byte) {
		command, err := newCurlCommand(wire.ShadowedRequest{
			Method: "POST", Target: target, Host: value, Headers: []wire.HeaderField{{Name: name, Value: value}},
			BodyBase64: base64.StdEncoding.EncodeToString(body),
		}, "http://127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		var script bytes.Buffer
		script.WriteString("curl() { printf called; }\n")
		for _, line := range command.lines() {
			if term.Safe(line) != line {
				t.Fatalf("a terminal may obey %q", line)
			}
			script.WriteString(line + "\n")
		}
		shell := exec.CommandContext(t.Context(), "bash", "-r")
		shell.Stdin = &script
		out, err := shell.CombinedOutput()
		if hidden := strings.Contains(value, hiddenPrefix); !hidden && (err != nil || string(out) != "called") {
			t.Errorf("%s\nsays %q, %v", script.String(), out, err)
		}
	})
}
