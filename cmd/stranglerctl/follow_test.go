package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// gatedFile writes definitions of routes that have nothing to wait for but their
// bake time.
func gatedFile(t *testing.T, bake string, routes ...string) string {
	t.Helper()
	text := "backends:\n  - name: old\n    endpoints: [http://127.0.0.1:1]\n  - name: fresh\n    endpoints: [http://127.0.0.1:1]\n" +
		"groups:\n  - {name: shop, keys: [mint]}\nroutes:\n"
	for _, name := range routes {
		text += "  - {name: " + name + ", match: {prefix: /" + name + "}, legacy: old, new: fresh, group: shop, plan: {steps: [5%, 50%, 100%], bake: " + bake +
			"}, gates: {parity: off, errors: off, slowness: off, fallbacks: off}}\n"
	}
	path := filepath.Join(t.TempDir(), "definitions.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// expectFollowing reads what follow shows of orders at 5% first, while its bake
// time has not passed.
func expectFollowing(t *testing.T, follow *background) {
	t.Helper()
	expect(t, follow.stdout, `^orders  legacy → 5%  \(step 1 of 3, `)
	expect(t, follow.stdout, `^orders  5%  its gates are being asked$|^orders  5%  … insufficient  \(step 1 of 3, next 50%, autopilot off\)$`)
}

func expectCode(t *testing.T, follow *background, want exitCode) {
	t.Helper()
	if code := <-follow.code; code != want {
		t.Errorf("exit code %d, want %d", code, want)
	}
}

// last is what was printed last.
func last(lines <-chan string) (line string) {
	for next := range lines {
		line = next
	}
	return line
}

// documents are the JSON documents that follow each other in text.
func documents(t *testing.T, text string) []any {
	t.Helper()
	var all []any
	for decoder := json.NewDecoder(strings.NewReader(text)); decoder.More(); {
		var document any
		if err := decoder.Decode(&document); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		all = append(all, document)
	}
	return all
}

func TestFollowEndsWhenEveryGatePasses(t *testing.T) {
	env := routerFor(t)
	mustInvoke(t, env, "apply", "-f", gatedFile(t, "1s", "orders"), "--wait")
	follow := start(t, env, "promote", "orders", "--follow", "--wait")
	expect(t, follow.stdout, `^orders  legacy → 5%  \(step 1 of 3, revision 1 → 2, by admin-token\)$`)
	expectCode(t, follow, exitOK)
	if got, want := last(follow.stdout), "√ orders  every gate passes at 5%"; got != want {
		t.Errorf("it ends with %q, want %q", got, want)
	}
	if got, want := last(follow.stderr), "next: stranglerctl promote orders    undo: stranglerctl rollback orders"; got != want {
		t.Errorf("it ends with %q, want %q", got, want)
	}
}

func TestFollowOfAGroupWaitsForAllOfIt(t *testing.T) {
	env := routerFor(t)
	mustInvoke(t, env, "apply", "-f", gatedFile(t, "1s", "orders", "users"), "--wait")
	follow := start(t, env, "promote", "--group", "shop", "--follow", "-q")
	expect(t, follow.stdout, `^orders  legacy → 5%  `)
	expect(t, follow.stdout, `^users  legacy → 5%  `)
	expectCode(t, follow, exitOK)
	if got, want := last(follow.stdout), "√ users  every gate passes at 5%"; got != want {
		t.Errorf("it ends with %q, want %q", got, want)
	}
}

func TestFollowEndsWhenSomebodyMovesTheRoute(t *testing.T) {
	for _, c := range []struct {
		name   string
		moved  []string
		code   exitCode
		stdout string
		stderr string
	}{
		{
			"on",
			[]string{"promote", "orders", "--to", "50"},
			exitOK, `^√ orders  has gone on to 50%  \(revision 3, by admin-token\)$`, "",
		},
		{
			"back",
			[]string{"rollback", "orders", "--reason", "5xx"},
			exitRefused, "", `^error: route orders was rolled back by admin-token: 5xx$`,
		},
		{
			"down",
			[]string{"promote", "orders", "--to", "1"},
			exitRefused, "", `^error: route orders was taken back to 1% by admin-token$`,
		},
		{
			"nowhere, but a gate fails",
			[]string{"freeze", "--reason", "the sale"},
			exitRefused, "", `^error: route orders stands at 5%, and a gate fails: freeze: frozen since .* by admin-token: the sale$`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := routerFor(t)
			mustInvoke(t, env, "apply", "-f", gatedFile(t, "1h", "orders"), "--wait")
			follow := start(t, env, "promote", "orders", "--follow", "-q")
			expectFollowing(t, follow)
			mustInvoke(t, env, c.moved...)
			expectCode(t, follow, c.code)
			if c.stderr != "" {
				expect(t, follow.stderr, c.stderr)
				return
			}
			if got := last(follow.stdout); !regexp.MustCompile(c.stdout).MatchString(got) {
				t.Errorf("it ends with %q, want %s", got, c.stdout)
			}
		})
	}
}

func TestFollowGoesOnWhereAGateWasForced(t *testing.T) {
	env := routerFor(t)
	mustInvoke(t, env, "apply", "-f", gatedFile(t, "1s", "orders"), "--wait")
	mustInvoke(t, env, "freeze", "--wait")
	follow := start(t, env, "promote", "orders", "--force", "--reason", "it has to be", "--follow", "-q")
	expect(t, follow.stdout, `^orders  legacy → 5%  `)
	expectCode(t, follow, exitOK)
	if got, want := last(follow.stdout), "√ orders  every gate passes at 5%, but for those that were forced"; got != want {
		t.Errorf("it ends with %q, want %q", got, want)
	}
}

func TestFollowIsInterruptedAndThePromotionStays(t *testing.T) {
	env := routerFor(t)
	mustInvoke(t, env, "apply", "-f", gatedFile(t, "1h", "orders"), "--wait")
	follow := start(t, env, "promote", "orders", "--follow", "-q")
	expectFollowing(t, follow)
	follow.interrupt()
	expectCode(t, follow, exitInterrupted)
	expect(t, follow.stderr, `^interrupted; what was promoted stays as revision 2: stranglerctl gate ls goes on$`)
}

func TestFollowPrintsForProgramsWhatTheGatesSay(t *testing.T) {
	env := routerFor(t)
	mustInvoke(t, env, "apply", "-f", gatedFile(t, "1s", "orders"), "--wait")
	code, stdout, _ := invoke(t, env, "promote", "orders", "--follow", "--wait", "-o", "json")
	if code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	said := documents(t, stdout)
	if _, isMove := said[0].(map[string]any); !isMove || len(said) < 2 {
		t.Fatalf("the promotion and what the gates say of it: %v", said)
	}
	gates, _ := said[len(said)-1].([]any)
	if len(gates) != 1 || gates[0].(map[string]any)["verdict"] != "pass" {
		t.Errorf("last it said %v", gates)
	}
}
