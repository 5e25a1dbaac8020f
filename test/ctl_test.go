package test_test

import (
	"encoding/json"
	"testing"
)

// ctl runs stranglerctl against one router.
type ctl struct {
	t      testing.TB
	server string // URL of the admin API
	token  string
}

// result is how a program ended, and what it said.
type result struct {
	stdout, stderr string
	code           int
}

func (c ctl) run(args ...string) result {
	c.t.Helper()
	command := command(c.t, "stranglerctl", args...)
	command.Env = append(command.Env, "STRANGLER_SERVER="+c.server, "STRANGLER_TOKEN="+c.token)
	p := launch(c.t, command)
	code := p.wait()
	return result{p.stdout.String(), p.stderr.String(), code}
}

// must runs a command that has to succeed, and returns what it printed.
func (c ctl) must(args ...string) string {
	c.t.Helper()
	got := c.run(args...)
	if got.code != 0 {
		c.t.Fatalf("stranglerctl %q: exit code %d\n%s%s", args, got.code, got.stdout, got.stderr)
	}
	return got.stdout
}

// refused runs a command that has to end with an exit code and without a word
// on stdout, and returns what it said on stderr.
func (c ctl) refused(code int, args ...string) string {
	c.t.Helper()
	got := c.run(args...)
	if got.code != code || got.stdout != "" {
		c.t.Fatalf("stranglerctl %q: exit code %d, want %d and an empty stdout\n%s%s", args, got.code, code, got.stdout, got.stderr)
	}
	return got.stderr
}

// state is where a route stands, as -o json writes it.
type state struct {
	Name     string
	Stage    string
	WeightBp int `json:"weight_bp"`
	Revision int64
}

// event is one row of the history, as -o json writes it.
type event struct {
	ID            int64
	Revision      int64
	Verb          string
	Subject       string
	Actor         string
	Cause         string
	Reason        string
	Evidence      json.RawMessage
	Before, After struct {
		Stage    string
		WeightBp int `json:"weight_bp"`
	}
}

// instance is one router of the fleet, as -o json writes it.
type instance struct {
	Instance string
	Revision int64
	State    string
	AgeS     float64 `json:"age_s"`
}

// read runs a command with -o json and reads its answer.
func read[T any](c ctl, args ...string) T {
	c.t.Helper()
	text := c.must(append(args, "-o", "json")...)
	var value T
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		c.t.Fatalf("stranglerctl %q printed %q: %v", args, text, err)
	}
	return value
}
