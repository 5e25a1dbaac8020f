package main

import (
	"maps"
	"strings"
	"sync"
	"testing"
)

// operator is a person with a token of their own.
type operator struct {
	name string
	env  map[string]string
}

// operators are two people with tokens for the same router, who see the route
// at the same revision.
func operators(t *testing.T, admin map[string]string) [2]operator {
	t.Helper()
	var both [2]operator
	for i, name := range []string{"ana", "bob"} {
		env := maps.Clone(admin)
		env["STRANGLER_TOKEN"] = strings.TrimSpace(mustInvoke(t, admin, "token", "create", name, "--role", "operator"))
		both[i] = operator{name: name, env: env}
	}
	return both
}

// atOnce runs one command for each of two people at the same time.
func atOnce(t *testing.T, both [2]operator, args func(i int) []string) (codes [2]exitCode, stderr [2]string) {
	t.Helper()
	var racing sync.WaitGroup
	start := make(chan struct{})
	for i, who := range both {
		racing.Go(func() {
			<-start
			codes[i], _, stderr[i] = invoke(t, who.env, args(i)...)
		})
	}
	close(start)
	racing.Wait()
	return codes, stderr
}

func TestOfTwoWhoRaceOnARouteOneIsToldWhoWasFaster(t *testing.T) {
	admin := routerFor(t)
	mustInvoke(t, admin, "apply", "-f", definitionsFile(t, "orders"))
	both := operators(t, admin)
	codes, stderr := atOnce(t, both, func(int) []string {
		return []string{"promote", "orders", "--to", "5", "--if-revision", "1"}
	})
	winner, loser := 0, 1
	if codes[1] == exitOK {
		winner, loser = 1, 0
	}
	if codes[winner] != exitOK || codes[loser] != exitConflict {
		t.Fatalf("exit codes %v, want one %d and one %d; %q", codes, exitOK, exitConflict, stderr)
	}
	if want := ": " + both[winner].name + " changed it at "; !strings.Contains(stderr[loser], want) {
		t.Errorf("%s is told %q, want %q in it", both[loser].name, stderr[loser], want)
	}
}

func TestTwoOnDifferentRoutesDoNotMeet(t *testing.T) {
	admin := routerFor(t)
	mustInvoke(t, admin, "apply", "-f", definitionsFile(t, "orders", "users"))
	codes, stderr := atOnce(t, operators(t, admin), func(i int) []string {
		return []string{"promote", []string{"orders", "users"}[i], "--to", "5", "--if-revision", "1"}
	})
	if codes != [2]exitCode{} {
		t.Errorf("exit codes %v; %q", codes, stderr)
	}
}
