package main

import (
	"fmt"

	"github.com/stranglerfig/strangler/cmd/stranglerctl/internal/term"
	"github.com/stranglerfig/strangler/internal/api/wire"
)

// nothingCompared says why nothing was compared, and what to do about it.
func nothingCompared(d wire.RouteDifferences, route wire.RouteDetail) string {
	name := term.ShellWord(route.Name)
	switch reasons := mostFrequent(d.Skipped); {
	case route.New == "":
		return "nothing was compared: route " + route.Name + " has no side new; give it one: stranglerctl route set " + name + " --new BACKEND"
	case route.Stage == wire.StageRetired:
		return "nothing is compared any more: route " + route.Name + " is retired, and has no side legacy"
	case route.Stage == wire.StageLegacy:
		return "nothing was compared: in stage legacy nothing is shadowed; go on: stranglerctl promote " + name + " --to shadow"
	case d.ShareBp == 0:
		return fmt.Sprintf("nothing was compared: of route %s nothing is shadowed in stage %s; begin: stranglerctl shadow start %s --sample 10%%", route.Name, route.Stage, name)
	case len(reasons) > 0:
		return fmt.Sprintf("nothing was compared: all that was to be was skipped; most of all %s: %s", reasons[0], skipAdvice(reasons[0], name))
	}
	return fmt.Sprintf("nothing was compared yet, though %s is shadowed: no request came, or none is flushed, which takes some seconds",
		percent(d.ShareBp))
}

// skipAdvice says what a reason to skip means, and what can be done.
func skipAdvice(reason, route string) string {
	switch reason {
	case "method":
		return "copies of writes are made only where the definition says what they may do: shadow.writes, dry_run or sandbox"
	case "upgrade", "events", "grpc":
		return "such answers have no end that could be compared"
	case "conditional", "range":
		return "the answer depends on what the client has already"
	case "one_time":
		return "the query looks as if it took effect only once"
	case "loop":
		return "the requests are shadow requests themselves: is the backend this router?"
	case "no_backend":
		return "the other side has no endpoint to ask; see stranglerctl backend ls"
	case "breaker_open":
		return "the other side fails; see stranglerctl diff " + route + " --since 1h, and stranglerctl doctor"
	case "dropped":
		return "the other side is slower than requests come: raise shadow.at_once or shadow.queue, or sample less"
	case "memory":
		return "the router has no room for further copies: sample less, or lower shadow.max_body"
	case "too_large":
		return "bodies are larger than what is copied: raise shadow.max_body"
	case "no_proof":
		return "new has not shown that it honours the marker of a dry run; see stranglerctl doctor"
	case "not_sent":
		return "the other side cannot be reached; see stranglerctl doctor"
	case "fallback":
		return "legacy answered for new, so there is no answer of new to compare"
	case "fault":
		return "a fault is injected; see stranglerctl fault ls"
	case "primary":
		return "the clients did not get whole answers themselves; see stranglerctl status " + route
	case "stopped":
		return "the router, or the shadowing of the route, stopped before both sides had answered"
	case "internal":
		return "the router failed on it, which is a bug in it: its log shows where"
	case "over_budget", "bomb":
		return "the answers are too much to compare"
	case "undecodable":
		return "a body is damaged, or coded in a way that is not known"
	}
	return "see docs/shadow.md"
}
