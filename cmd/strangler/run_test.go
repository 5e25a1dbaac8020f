package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// invoke runs the program without an environment.
func invoke(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(args, nil, &out, &errs)
	return code, out.String(), errs.String()
}

func TestWrongWordsAreAUsageError(t *testing.T) {
	for words, want := range map[string]string{
		"bogus":                          `unknown argument "bogus"; see strangler --help`,
		"serv":                           `unknown command "serv" (did you mean serve?); see strangler --help`,
		"serve bogus":                    `unknown argument "bogus"; see strangler serve --help`,
		"serve --bogus":                  `unknown flag: --bogus; see strangler serve --help`,
		"health a b":                     `unknown argument "b"; see strangler health --help`,
		"serve --drain-delay 5":          `--drain-delay: "5" is no duration: write it with its unit, like 90s, 30m or 48h; see strangler serve --help`,
		"serve --admin-insecure=perhaps": `--admin-insecure: "perhaps" is neither on nor off: write --admin-insecure, --admin-insecure=true or --admin-insecure=false; see strangler serve --help`,
		"token create":                   `--name is missing: say who will hold the token; see strangler token create --help`,
		"token revoke":                   `ID is missing: strangler token ls shows it; see strangler token revoke --help`,
		"demo shop --side x":             `--side: there is no "x" shop: want "legacy" or "new"; see strangler demo shop --help`,
	} {
		code, stdout, stderr := invoke(t, strings.Fields(words)...)
		if code != exitUsage || stdout != "" || stderr != "strangler: "+want+"\n" {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", words, code, stdout, stderr)
		}
	}
}

func TestATokenFromMakingToRevoking(t *testing.T) {
	database := "sqlite:" + filepath.Join(t.TempDir(), "s.db")
	if code, _, stderr := invoke(t, "migrate", "up", "--database", database); code != exitOK {
		t.Fatalf("migrate up: exit code %d, stderr %q", code, stderr)
	}
	code, secret, note := invoke(t, "token", "create", "--name", "ana", "--role", "viewer", "--database", database)
	made := regexp.MustCompile(`^strangler_([a-z2-7]{8})_[a-z2-7]{26}\n$`).FindStringSubmatch(secret)
	if code != exitOK || made == nil {
		t.Fatalf("exit code %d, stdout %q, stderr %q", code, secret, note)
	}
	id := made[1]
	if want := "token " + id + " for ana in " + database + ": role viewer, never expires; shown this once\n"; note != want {
		t.Errorf("stderr %q, want %q", note, want)
	}
	if code, out, stderr := invoke(t, "token", "revoke", id, "--database", database); code != exitOK || !strings.Contains(out, id+" is revoked") {
		t.Errorf("revoke: exit code %d, stdout %q, stderr %q", code, out, stderr)
	}
	if code, out, stderr := invoke(t, "token", "ls", "--database", database); code != exitOK || !strings.Contains(out, id+"  ana   viewer  ") {
		t.Errorf("ls: exit code %d, stdout %q, stderr %q", code, out, stderr)
	}
	if code, _, stderr := invoke(t, "token", "revoke", "nosuch", "--database", database); code != exitFailure || stderr != "strangler: no such token: \"nosuch\"; nothing was changed\n" {
		t.Errorf("of no token: exit code %d, stderr %q", code, stderr)
	}
}
