package spec

import (
	"fmt"
	"strings"

	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/rollout/gate"
	"github.com/stranglerfig/strangler/internal/routing"
)

// maxCauses bounds what is written about a fallback.
const maxCauses = 32

// checkGuard checks each value of one side, and then all of them against each
// other, defaults included.
func (r Route) checkGuard(side routing.Side, found *findings) {
	written := r.sideGuard(side)
	if written == (SideGuard{}) {
		return // the defaults fit each other
	}
	path := fmt.Sprintf("guard.%s.", side)
	before := len(found.list)
	if written.Fallback != nil && side == routing.Legacy {
		found.add(path+partFallback, CodeGuard, "fallback leads from new to legacy: write it under guard.new")
	}
	var unused guard.Policy
	for _, part := range written.parts(side, &unused) {
		if part.name == partFallback {
			checkCauses(path, written.Fallback, found)
			continue
		}
		part.check(path, found)
	}
	if len(found.list) == before {
		r.checkPolicy(side, path, found)
	}
}

// check checks each value by itself.
func (p part) check(path string, found *findings) {
	for _, field := range p.fields {
		if field.text == "" {
			continue
		}
		if fault := field.value.set(field.text); fault != "" {
			found.add(path+p.name+"."+field.name, p.code(), "%s %s is %s", p.label(), field.name, fault)
		}
	}
}

// label is how messages call the part, those of package guard among them.
func (p part) label() string {
	if p.name == PartTimeouts {
		return "timeout"
	}
	return p.name
}

func (p part) code() string {
	switch p.name {
	case PartTimeouts:
		return CodeTimeout
	case partHealth:
		return CodeHealth
	case partShadow:
		return CodeShadow
	case partParity, partErrors, partSlowness, partFallbacks:
		return CodeGate
	default:
		return CodeGuard
	}
}

// checkCauses checks every cause by itself, so that each is reported where it stands.
func checkCauses(path string, written *Part[Fallback], found *findings) {
	fallback, _ := written.written()
	path += partFallback + ".on"
	if fallback.On != nil && len(fallback.On) == 0 {
		found.add(path, CodeGuard, "fallback on is empty: write fallback: off for no cause at all, or leave it out for the default")
	}
	if found.tooMany(path, CodeGuard, len(fallback.On), maxCauses) {
		return
	}
	before := len(found.list)
	for i, token := range fallback.On {
		if _, err := guard.ParseFallbackOn([]string{token}); err != nil {
			found.add(fmt.Sprintf("%s[%d]", path, i), CodeGuard, "%v", err)
		}
	}
	if len(found.list) > before {
		return
	}
	if _, err := guard.ParseFallbackOn(fallback.On); err != nil {
		found.add(path, CodeGuard, "%v", err)
	}
}

// checkPolicy checks what is in force on one side against itself.
func (r Route) checkPolicy(side routing.Side, path string, found *findings) {
	if where, code, err := contradiction(r.Policy(side)); err != nil {
		found.add(path+where, code, "side %s: %v%s", side, err, defaultsIn(err.Error(), r.Settings(side)))
	}
	written := r.sideGuard(side)
	if side == routing.Legacy {
		checkLimit(path+partBulkhead, written.Bulkhead, found)
		checkLimit(path+partStreams, written.Streams, found)
	}
	if set, _ := written.Breaker.written(); set.Slow != nil && set.Slow.Share != "" && set.Slow.Over == "" {
		found.add(path+partBreaker+".slow", CodeGuard, "breaker slow.share says nothing without slow.over: write what is slow, like over: 2s")
	}
}

// checkLimit finds a bulkhead of which everything is written but its limit,
// where there is none by default.
func checkLimit(path string, written *Part[Bulkhead], found *findings) {
	if set, off := written.written(); !off && set != (Bulkhead{}) && set.Concurrent == nil {
		found.add(path, CodeGuard, "%s has no limit by default here, so nothing ever waits: write concurrent as well", path)
	}
}

// contradiction returns the first thing that is wrong with a policy, and the
// part that it is reported at.
func contradiction(policy guard.Policy) (where, code string, err error) {
	for _, check := range []struct {
		where, code string
		err         error
	}{
		{PartTimeouts, CodeTimeout, policy.Timeouts.Validate()},
		{partRetry, CodeGuard, policy.Retry.Validate()},
		{partBreaker, CodeGuard, policy.Breaker.Validate()},
		{betweenParts(policy), CodeTimeout, policy.Validate()},
	} {
		if check.err != nil {
			return check.where, check.code, check.err
		}
	}
	return "", "", nil
}

// betweenParts is what a contradiction of two sound parts is reported at: one
// of the two values that have to fit the timeouts, and then are written.
func betweenParts(policy guard.Policy) string {
	if policy.Timeouts.Whole >= policy.Breaker.Window {
		return partBreaker + ".window"
	}
	return partBreaker + ".slow.over"
}

// defaultsIn says which of the values that a message names nobody has written.
func defaultsIn(message string, settings []Setting) string {
	var names []string
	for _, s := range settings {
		if s.From == FromDefault && strings.Contains(message, " "+s.Name+" ("+s.Value+")") {
			names = append(names, s.Name)
		}
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return "; the default of " + names[0] + " counts, because none is written"
	default:
		return "; the defaults of " + strings.Join(names, " and ") + " count, because none are written"
	}
}

// strange finds what this program does not know in the guards and gates of a file. What
// came as YAML has none: its reader has refused it.
func strange(file Definitions) []finding {
	var found findings
	for i, b := range file.Backends {
		found.object(KindBackend, b.Name, i)
		var unused guard.Policy
		found.strange("", b.bulkheadPart(&unused))
	}
	for i, r := range file.Routes {
		found.object(KindRoute, r.Name, i)
		var unused gate.Policy
		found.strange(partGates+".", r.Gates.parts(&unused)...)
		for _, side := range [...]routing.Side{routing.Legacy, routing.New} {
			var unused guard.Policy
			found.strange(fmt.Sprintf("guard.%s.", side), r.sideGuard(side).parts(side, &unused)...)
		}
	}
	return found.list
}

func (f *findings) strange(path string, parts ...part) {
	for _, part := range parts {
		if part.strange != "" {
			f.add(path+part.name, CodeUnknownKey, "%s%s: %s", path, part.name, part.strange)
		}
	}
}
