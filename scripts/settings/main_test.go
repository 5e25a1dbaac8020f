package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestThePageIsAsTheSettingsAre(t *testing.T) {
	const page = "../../docs/configuration.md"
	before, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	written := filepath.Join(t.TempDir(), "configuration.md")
	if err := os.WriteFile(written, before, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(written, "../../internal/app/config.go"); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(written); err != nil || string(after) != string(before) {
		t.Errorf("docs/configuration.md is not what its settings make of it (%v): run make generate", err)
	}
}

// source declares two flags the way internal/app does.
const source = `package app
type Config struct {
	Listen string // unique on
	// a line
	Hosts []string
	Secret string
}
func (c *Config) BindServe(fs *pflag.FlagSet) {
	fs.StringVar(&c.Listen, "listen", ":1", "")
	fs.StringSliceVar(&c.Hosts, "host", nil, "")
}`

func someFlags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags.String("listen", ":1", "`address` to listen on | see --host")
	flags.StringSlice("host", nil, "further `names` (default <none>)")
	flags.Bool("loud", false, "say more")
	return flags
}

func TestATableIsMadeOfFlagsAndComments(t *testing.T) {
	details, err := comments(source)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tables("before\n<!-- settings: listen loud host -->\nold\n<!-- end of settings -->\nafter\n", someFlags(), details)
	want := "before\n<!-- settings: listen loud host -->\n" + heading +
		"| `--listen ADDRESS` | `STRANGLER_LISTEN` | `:1` | address to listen on \\| see `--host`. unique on |\n" +
		"| `--loud` | `STRANGLER_LOUD` | off | say more |\n" +
		"| `--host NAME,…` | `STRANGLER_HOST` | &lt;none> | further names. a line |\n" +
		"<!-- end of settings -->\nafter\n"
	if err != nil || got != want {
		t.Errorf("got, %v:\n%s\nwant:\n%s", err, got, want)
	}
	if again, err := tables(got, someFlags(), details); err != nil || again != got {
		t.Errorf("a second time, %v:\n%s", err, again)
	}
}

func TestNoFlagIsForgotten(t *testing.T) {
	_, err := tables("<!-- settings: listen listen speed -->\n<!-- end of settings -->\n", someFlags(), nil)
	for _, want := range []string{"--listen is no flag of serve, or is in two tables", "--speed is no flag", "--host is in no table", "--loud is in no table"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	if _, err := comments("no Go"); err == nil {
		t.Error("a source that is no Go was read")
	}
	if err := run("missing.md", "missing.go"); err == nil {
		t.Error("files that are not there were read")
	}
}
