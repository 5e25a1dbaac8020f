package deploy_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/stranglerfig/strangler/internal/app"
)

// directives are the values of one directive in a unit, in order.
func directives(t *testing.T, unit, name string) []string {
	t.Helper()
	text, err := os.ReadFile("systemd/" + unit)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, found := range regexp.MustCompile(`(?m)^`+name+`=(.*)$`).FindAllStringSubmatch(string(text), -1) {
		values = append(values, found[1])
	}
	return values
}

// serveSettings are the settings that a unit's command line makes.
func serveSettings(t *testing.T, unit string) app.Config {
	t.Helper()
	start := directives(t, unit, "ExecStart")
	if len(start) != 1 {
		t.Fatalf("%s starts %q", unit, start)
	}
	var config app.Config
	flags := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.BindServe(flags)
	flags.String("config", "", "")
	args, ok := strings.CutPrefix(start[0], "/usr/local/bin/strangler serve ")
	if err := flags.Parse(strings.Fields(args)); err != nil || !ok || flags.NArg() > 0 {
		t.Fatalf("%s: %q: %v", unit, start[0], err)
	}
	return config
}

// TestTheSocketUnitHoldsTheDefaultPorts, in the order in which the router takes them.
func TestTheSocketUnitHoldsTheDefaultPorts(t *testing.T) {
	config := serveSettings(t, "strangler.service")
	want := []string{strings.TrimPrefix(config.Listen, ":"), config.Admin}
	if got := directives(t, "strangler.socket", "ListenStream"); !slices.Equal(got, want) {
		t.Errorf("it listens on %q, want %q", got, want)
	}
	if names := directives(t, "strangler.socket", "FileDescriptorName"); names != nil {
		t.Errorf("both sockets have the name %q", names)
	}
}

func TestUnitsThatTakeTurns(t *testing.T) {
	one, turns := serveSettings(t, "strangler.service"), serveSettings(t, "strangler@.service")
	if one.ReusePort || !turns.ReusePort || turns.Instance != "%H-%i" || turns.StateDir == one.StateDir {
		t.Errorf("alone %+v, in turns %+v", one, turns)
	}
	for _, unit := range []string{"strangler.service", "strangler@.service"} {
		if got := directives(t, unit, "Type"); !slices.Equal(got, []string{"notify"}) {
			t.Errorf("%s is of type %q: nobody would know when it serves", unit, got)
		}
	}
	if got := directives(t, "strangler@.service", "User"); !slices.Equal(got, []string{"strangler"}) {
		t.Errorf("user %q: the kernel lets only one user's processes share a port", got)
	}
}
