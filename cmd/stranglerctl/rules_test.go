package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// example is how one command is called on the router of ruledRouter.
type example struct {
	args    []string
	changes bool // it asks in a protected context
	lists   bool // it prints an array
	unasked bool // it never speaks to a router
}

// examples has every command that does something, by its words.
func examples(definitions string) map[string]example {
	return map[string]example{
		"apply":                 {args: []string{"-f", definitions}, changes: true},
		"autopilot":             {},
		"autopilot off":         {args: []string{"orders", "--disarm"}, changes: true},
		"autopilot on":          {args: []string{"orders"}, changes: true},
		"backend ls":            {lists: true},
		"backend drain":         {args: []string{"pair", "http://127.0.0.1:1"}, changes: true},
		"backend ready":         {args: []string{"pair"}, changes: true},
		"backend rm":            {args: []string{"spare"}, changes: true},
		"backend set":           {args: []string{"spare", "http://127.0.0.1:1"}, changes: true},
		"backend show":          {args: []string{"spare"}},
		"breaker ls":            {lists: true},
		"breaker reset":         {args: []string{"orders"}, changes: true},
		"fault ls":              {lists: true},
		"fault start":           {args: []string{"orders", "--side", "new", "--reset", "--for", "5m"}, changes: true},
		"fault stop":            {args: []string{"--all"}, changes: true},
		"context login":         {args: []string{"other"}, unasked: true},
		"context ls":            {lists: true, unasked: true},
		"context use":           {args: []string{"prod"}, unasked: true},
		"diff":                  {lists: true},
		"diff curl":             {args: []string{"0123456789abcdef"}},
		"diff replay":           {args: []string{"0123456789abcdef"}},
		"diff show":             {args: []string{"0123456789abcdef"}},
		"doctor":                {lists: true},
		"explain":               {args: []string{"GET", "/orders"}},
		"export":                {},
		"freeze":                {changes: true},
		"gate ls":               {lists: true},
		"group ls":              {lists: true},
		"group reshuffle":       {args: []string{"shop"}, changes: true},
		"group show":            {args: []string{"shop"}},
		"history":               {lists: true},
		"instance ls":           {lists: true},
		"notify ls":             {lists: true},
		"notify test":           {lists: true},
		"override":              {args: []string{"orders", "--side", "new", "--for", "1h"}, changes: true},
		"override revoke":       {args: []string{"abc"}, changes: true},
		"override rotate":       {changes: true},
		"pause":                 {args: []string{"orders"}, changes: true},
		"promote":               {args: []string{"orders"}, changes: true},
		"resume":                {args: []string{"orders"}, changes: true},
		"retire":                {args: []string{"orders", "--force", "--reason", "a test"}, changes: true},
		"rollback":              {args: []string{"orders"}, changes: true},
		"route ls":              {lists: true},
		"route rm":              {args: []string{"spare"}, changes: true},
		"route set":             {args: []string{"orders", "--priority", "1"}, changes: true},
		"route show":            {args: []string{"orders"}},
		"rule add":              {args: []string{"orders", "--ignore", "$.a", "--reason", "r"}, changes: true},
		"rule ls":               {args: []string{"orders"}},
		"rule preview":          {args: []string{"orders", "--ignore", "$.a"}},
		"rule rm":               {args: []string{"orders", "0123456789ab"}, changes: true},
		"shadow start":          {args: []string{"orders"}, changes: true},
		"shadow stop":           {args: []string{"orders"}, changes: true},
		"status":                {lists: true},
		"token create":          {args: []string{"ana"}, changes: true},
		"token ls":              {lists: true},
		"token revoke":          {args: []string{"abc"}, changes: true},
		"completion bash":       {unasked: true},
		"completion fish":       {unasked: true},
		"completion powershell": {unasked: true},
		"completion zsh":        {unasked: true},
		"undo":                  {args: []string{"orders"}, changes: true},
		"unfreeze":              {changes: true},
		"version":               {unasked: true},
	}
}

// ruledRouter starts a router with something of everything, and returns the
// file that says so and an environment that leads there.
func ruledRouter(t *testing.T) (definitions string, env map[string]string) {
	t.Helper()
	env = routerFor(t)
	definitions = filepath.Join(t.TempDir(), "definitions.yaml")
	text := `
backends:
  - {name: monolith, endpoints: ["http://127.0.0.1:1"]}
  - {name: next, endpoints: ["http://127.0.0.1:1"]}
  - {name: spare, endpoints: ["http://127.0.0.1:1"]}
  - {name: pair, endpoints: ["http://127.0.0.1:1", "http://127.0.0.1:2"]}
groups:
  - {name: shop, keys: [mint]}
routes:
  - {name: orders, match: {prefix: /orders}, legacy: monolith, new: next, group: shop}
  - {name: spare, match: {prefix: /}, legacy: monolith, new: next}
`
	if err := os.WriteFile(definitions, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	mustInvoke(t, env, "apply", "-f", definitions, "--wait")
	mustInvoke(t, env, "promote", "orders", "--full", "--wait")
	return definitions, env
}

func TestEveryCommandHasAnExample(t *testing.T) {
	known := examples("")
	walk(newRootCommand(&cli{}), func(cmd *cobra.Command) {
		words := strings.TrimPrefix(cmd.CommandPath(), "stranglerctl ")
		found, ok := known[words]
		if !ok && cmd.HasSubCommands() && cmd.Example == "" {
			return // it only holds others
		}
		if !ok {
			t.Errorf("%s has no example", words)
		}
		if asks := cmd.Flags().Lookup("yes") != nil; asks != found.changes && words != "doctor" {
			t.Errorf("%s: its example changes something: %t, it has -y: %t", words, found.changes, asks)
		}
		delete(known, words)
	})
	for words := range known {
		t.Errorf("there is no command %s", words)
	}
}

func TestEveryListIsAnArrayAlsoWhenItIsEmpty(t *testing.T) {
	env := routerFor(t)
	env["XDG_CONFIG_HOME"] = t.TempDir()
	for words, e := range examples("") {
		if !e.lists {
			continue
		}
		_, stdout, stderr := invoke(t, env, append(strings.Fields(words), "-o", "json")...)
		var list []json.RawMessage
		if err := json.Unmarshal([]byte(stdout), &list); err != nil || list == nil {
			t.Errorf("%s prints %q; %s", words, stdout, stderr)
		}
	}
}

func TestWithoutATerminalNothingPromptsAndAProtectedRouterIsNotChanged(t *testing.T) {
	definitions, env := ruledRouter(t)
	env["XDG_CONFIG_HOME"] = writeConfig(t, "contexts: {prod: {server: "+env["STRANGLER_SERVER"]+", protected: true}}", 0o600)
	_, before, _ := invoke(t, env, "history", "-o", "json")
	waiting, never, err := os.Pipe() // a stdin on which nothing ever comes
	if err != nil {
		t.Fatal(err)
	}
	defer never.Close()
	defer waiting.Close()
	for words, e := range examples(definitions) {
		if e.unasked {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		var stdout, stderr bytes.Buffer
		code := run(ctx, append(strings.Fields(words), e.args...), func(key string) string { return env[key] }, waiting, &stdout, &stderr)
		cancel()
		if strings.Contains(stderr.String(), "[y/N]") || code == exitInterrupted {
			t.Errorf("%s waits for an answer: %s", words, stderr.String())
		}
		declined := strings.Contains(stderr.String(), "asks first, and there is no terminal to ask on; nothing was changed\nhint: to do it without being asked, add -y\n")
		if e.changes && (code != exitDeclined || stdout.Len() > 0 || !declined) {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", words, code, stdout.String(), stderr.String())
		}
	}
	if _, after, _ := invoke(t, env, "history", "-o", "json"); after != before {
		t.Errorf("the history was\n%s\nand is\n%s", before, after)
	}
}

func TestColourIsWhereItIsWanted(t *testing.T) {
	definitions, env := ruledRouter(t)
	for words, e := range examples(definitions) {
		if e.changes || words == "context login" {
			continue
		}
		args := append(strings.Fields(words), e.args...)
		for name, c := range map[string]struct {
			env  map[string]string
			args []string
		}{
			"a pipe":            {},
			"NO_COLOR":          {env: map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}},
			"--no-color":        {env: map[string]string{"CLICOLOR_FORCE": "1"}, args: []string{"--no-color"}},
			"a dumb terminal":   {env: map[string]string{"TERM": "dumb"}},
			"colour is no data": {env: map[string]string{"CLICOLOR_FORCE": "1"}, args: []string{"-o", "json"}},
		} {
			with := maps.Clone(env)
			maps.Copy(with, c.env)
			_, stdout, stderr := invoke(t, with, append(args, c.args...)...)
			if name == "colour is no data" {
				stderr = "" // hints may have colour
			}
			if strings.Contains(stdout+stderr, "\x1b") {
				t.Errorf("%s, %s: %q %q", words, name, stdout, stderr)
			}
		}
	}
	with := maps.Clone(env)
	with["CLICOLOR_FORCE"] = "1"
	if _, stdout, _ := invoke(t, with, "status"); !strings.Contains(stdout, "\x1b[") {
		t.Errorf("CLICOLOR_FORCE: %q", stdout)
	}
}
