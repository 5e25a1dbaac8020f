package main

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recording is a server that notes what it was sent and lists no routes.
func recording(t *testing.T) (url string, seen *[]string) {
	t.Helper()
	seen = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = append(*seen, r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "[]")
	}))
	t.Cleanup(server.Close)
	return server.URL, seen
}

func writeConfig(t *testing.T, text string, mode os.FileMode) (home string) {
	t.Helper()
	home = t.TempDir()
	folder := filepath.Join(home, "strangler")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return home
}

func TestAFlagWinsOverTheEnvironmentAndThatOverTheFile(t *testing.T) {
	url, seen := recording(t)
	home := writeConfig(t, "server: "+url+"\ntoken: from-file\n", 0o600)
	for _, c := range []struct {
		env  map[string]string
		args []string
		want string
	}{
		{map[string]string{"XDG_CONFIG_HOME": home}, nil, "Bearer from-file"},
		{map[string]string{"XDG_CONFIG_HOME": home, "STRANGLER_TOKEN": "from-env"}, nil, "Bearer from-env"},
		{map[string]string{"XDG_CONFIG_HOME": home, "STRANGLER_TOKEN": "from-env"}, []string{"--token", "from-flag"}, "Bearer from-flag"},
		{map[string]string{"STRANGLER_SERVER": url}, nil, ""},
		{map[string]string{"STRANGLER_SERVER": "http://127.0.0.1:1"}, []string{"--server", url}, ""},
	} {
		*seen = nil
		code, _, stderr := invoke(t, c.env, append([]string{"route", "ls"}, c.args...)...)
		if code != exitOK || len(*seen) != 1 || (*seen)[0] != c.want {
			t.Errorf("%v %v: exit code %d, sent %q, want %q; %s", c.env, c.args, code, *seen, c.want, stderr)
		}
	}
}

func TestAContextsTokenGoesToItsOwnServerOnly(t *testing.T) {
	url, seen := recording(t)
	other, seenByOther := recording(t)
	home := writeConfig(t, "current: a\ncontexts:\n  a: {server: "+url+"/, token: of-a}\n  b: {server: "+other+", token: of-b}\n", 0o600)
	for _, c := range []struct {
		env           map[string]string
		args          []string
		first, second string // what each server is sent; - for no request
	}{
		{nil, nil, "Bearer of-a", "-"},
		{nil, []string{"--context", "b"}, "-", "Bearer of-b"},
		{nil, []string{"--server", url}, "Bearer of-a", "-"},
		{nil, []string{"--server", other}, "-", ""},
		{map[string]string{"STRANGLER_SERVER": other}, nil, "-", ""},
		{map[string]string{"STRANGLER_SERVER": other}, []string{"--context", "a"}, "Bearer of-a", "-"},
		{map[string]string{"STRANGLER_TOKEN": "of-env"}, nil, "Bearer of-env", "-"},
		{map[string]string{"STRANGLER_TOKEN": "of-env"}, []string{"--context", "b"}, "-", "Bearer of-b"},
		{map[string]string{"STRANGLER_CONTEXT": "b"}, nil, "-", "Bearer of-b"},
		{map[string]string{"STRANGLER_CONTEXT": "b"}, []string{"--token", "of-flag"}, "-", "Bearer of-flag"},
		{map[string]string{"STRANGLER_CONTEXT": "b", "STRANGLER_SERVER": url}, nil, "", "-"},
	} {
		*seen, *seenByOther = nil, nil
		env := map[string]string{"XDG_CONFIG_HOME": home}
		maps.Copy(env, c.env)
		code, _, stderr := invoke(t, env, append([]string{"route", "ls"}, c.args...)...)
		if first, second := only(*seen), only(*seenByOther); code != exitOK || first != c.first || second != c.second {
			t.Errorf("%v %v: exit code %d, sent %q and %q, want %q and %q; %s", c.env, c.args, code, first, second, c.first, c.second, stderr)
		}
	}
}

// only is the single element of a list, and - for an empty list.
func only(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, " and ")
}

func TestAServerIsKnownByHoweverItIsSpelt(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"https://Router.example", "https://router.example:443/", true},
		{"http://router.example", "http://router.example:80", true},
		{"http://router.example", "https://router.example", false},
		{"https://router.example:9900", "https://router.example", false},
		{"https://router.example/eu", "https://router.example/us", false},
		{"%", "%", true},
	} {
		if got := sameServer(c.a, c.b); got != c.want {
			t.Errorf("sameServer(%q, %q) = %t", c.a, c.b, got)
		}
	}
}

func TestConfigIsAlsoFoundUnderHome(t *testing.T) {
	url, seen := recording(t)
	home := t.TempDir()
	if err := os.Rename(writeConfig(t, "server: "+url+"\ntoken: abc\n", 0o400), filepath.Join(home, ".config")); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := invoke(t, map[string]string{"HOME": home}, "route", "ls")
	if code != exitOK || len(*seen) != 1 || (*seen)[0] != "Bearer abc" {
		t.Errorf("exit code %d, sent %q; %s", code, *seen, stderr)
	}
}

func TestAConfigFileThatCannotBeUsedIsRefusedWithoutQuotingIt(t *testing.T) {
	const secret = "strangler_ab12_very-secret"
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string // in the message
	}{
		"readable by the group": {"token: " + secret, 0o640, "has mode 0640: others may read the token in it\nhint: chmod 600 "},
		"readable by all":       {"token: " + secret, 0o604, "has mode 0604"},
		"unknown key":           {"server: http://127.0.0.1:1\ntokn: " + secret, 0o600, `config.yaml:2:1: unknown field "tokn"`},
		"a list for a token":    {"token: [" + secret + "]", 0o600, "config.yaml:1:8: not the YAML it should be"},
		"broken":                {"token: \"" + secret, 0o600, "config.yaml:1:8: not the YAML it should be"},
	} {
		home := writeConfig(t, c.text, c.mode)
		code, stdout, stderr := invoke(t, map[string]string{"XDG_CONFIG_HOME": home}, "status")
		if code != exitFailure || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit code %d, stderr %q, want %q in it", name, code, stderr, c.want)
		}
		if strings.Contains(stderr, "secret") {
			t.Errorf("%s: the token is in %q", name, stderr)
		}
	}
}

func TestAServerThatIsNoURLIsRefused(t *testing.T) {
	for server, want := range map[string]string{
		"127.0.0.1:9900":              `error: server "127.0.0.1:9900" is not a URL of a router's admin API: write it like http://127.0.0.1:9900`,
		"ftp://127.0.0.1":             `error: server "ftp://127.0.0.1" is not a URL of a router's admin API: write it like http://127.0.0.1:9900`,
		"http://":                     `error: server "http://" is not a URL of a router's admin API: write it like http://127.0.0.1:9900`,
		"http://ana:pw@127.0.0.1:990": `error: server "http://ana:xxxxx@127.0.0.1:990" carries a user name: the router knows tokens only, see --token`,
	} {
		code, _, stderr := invoke(t, nil, "status", "--server", server)
		if code != exitUsage || !strings.HasPrefix(stderr, want+"\n") {
			t.Errorf("%s: exit code %d, stderr %q", server, code, stderr)
		}
	}
}

func TestATokenIsNeverPrinted(t *testing.T) {
	const secret = "strangler_ab12_very-secret"
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	problem := answering(t, http.StatusUnauthorized, "application/problem+json", `{"title":"no","status":401,"code":"x"}`)
	for _, args := range [][]string{
		{"status", "--server", closed.URL},
		{"status", "--server", problem["STRANGLER_SERVER"]},
		{"status", "--server", "nonsense"},
		{"nonsense"},
		{"promote"},
		{"version", "-o", "json"},
		{"help"},
	} {
		_, stdout, stderr := invoke(t, map[string]string{"STRANGLER_TOKEN": secret}, args...)
		_, stdout2, stderr2 := invoke(t, nil, append(args, "--token", secret)...)
		if strings.Contains(stdout+stderr+stdout2+stderr2, "secret") {
			t.Errorf("%v prints the token: %q %q %q %q", args, stdout, stderr, stdout2, stderr2)
		}
	}
}
