package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// update rewrites the recorded help texts: go test ./cmd/stranglerctl -run Help -update.
var update = flag.Bool("update", false, "rewrite testdata/help")

func TestHelpOfEveryCommandIsAsRecorded(t *testing.T) {
	recorded, err := filepath.Glob("testdata/help/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	unseen := make(map[string]bool)
	for _, path := range recorded {
		unseen[path] = true
	}
	for _, words := range everyCommand() {
		path := filepath.Join("testdata", "help", strings.Join(append([]string{"stranglerctl"}, words...), "_")+".txt")
		delete(unseen, path)
		code, stdout, stderr := invoke(t, nil, append(words, "--help")...)
		if code != exitOK || stderr != "" {
			t.Errorf("%v --help ended with %d and said %q", words, code, stderr)
		}
		if *update {
			writeRecorded(t, path, stdout)
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v; -update records it", err)
		}
		if stdout != string(want) {
			t.Errorf("%v --help:\n%s\nrecorded in %s:\n%s", words, stdout, path, want)
		}
	}
	for path := range unseen {
		t.Errorf("%s is of no command", path)
	}
}

func TestEveryCommandSaysWhatItIsFor(t *testing.T) {
	walk(newRootCommand(&cli{}), func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: Short is %q", cmd.CommandPath(), cmd.Short)
		}
		for line := range strings.SplitSeq(cmd.Long+"\n"+cmd.Example, "\n") {
			if len(line) > 110 {
				t.Errorf("%s: a line of its help is %d characters long: %s", cmd.CommandPath(), len(line), line)
			}
		}
	})
}

func TestEveryCommandThatChangesSomethingCanBeToldNotToAsk(t *testing.T) {
	withoutReason := []string{"token create", "token revoke", "override revoke"}
	walk(newRootCommand(&cli{}), func(cmd *cobra.Command) {
		words := strings.TrimPrefix(cmd.CommandPath(), "stranglerctl ")
		changing := cmd.Flags().Lookup("reason") != nil || slices.Contains(withoutReason, words)
		if asks := cmd.Flags().Lookup("yes") != nil; asks != changing {
			t.Errorf("%s: it changes something: %t, and has -y: %t", cmd.CommandPath(), changing, asks)
		}
	})
}

// everyCommand is the words of every command, cobra's own included.
func everyCommand() [][]string {
	words := [][]string{nil, {"completion"}, {"completion", "bash"}}
	root := newRootCommand(&cli{})
	walk(root, func(cmd *cobra.Command) {
		if cmd != root {
			words = append(words, strings.Fields(cmd.CommandPath())[1:])
		}
	})
	return words
}

func walk(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, sub := range cmd.Commands() {
		walk(sub, visit)
	}
}

// invoke runs the program in this process, with no terminal and only env.
func invoke(t *testing.T, env map[string]string, args ...string) (code exitCode, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, func(key string) string { return env[key] }, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func writeRecorded(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
