package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/shadow/redact"
	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// What a shadow section may hold at most. Requests under way and waiting keep
// their copies in memory all the while.
const (
	maxAtOnce        = 1000
	maxQueue         = 10_000
	maxShadowTimeout = 5 * time.Minute
	maxNames         = 100 // of headers, of sensitive names, and of places to reveal
)

// checkShadow checks each value by itself, and then what they say together.
func (r Route) checkShadow(found *findings) {
	if r.Shadow == nil {
		return
	}
	before := len(found.list)
	var unused shadow.Policy
	r.Shadow.part(&unused).check("", found)
	switch says := r.Shadow.says(); {
	case says && r.New == "":
		found.add("shadow", CodeShadow, "it has no new backend, so there is no other side to ask: name new, or leave shadow out")
		return
	case says && len(found.list) == before:
		r.checkSampled(found)
		r.checkWrites(found)
	}
	checkFields(r.Shadow.Headers, found)
	checkSensitive(r.Shadow.Sensitive, found)
	checkReveal(r.Shadow.Reveal, found)
	checkRules(r.Shadow.Rules, found)
}

// checkSampled finds noise that nobody can find out, and requests that last too
// long. Noise beside sample: off is right: shadowing stops for a while, and what
// is written about it stays for when it goes on.
func (r Route) checkSampled(found *findings) {
	policy := r.ShadowPolicy()
	if policy.Noise > 0 && !r.reads() {
		found.add("shadow.noise", CodeShadow, "noise is found by asking legacy twice, which only GET and HEAD allow, and its methods are %s: leave noise out",
			strings.Join(r.Match.Methods, ", "))
	}
	if policy.Timeout > maxShadowTimeout {
		found.add("shadow.timeout", CodeShadow, "shadow timeout is %s: at most %s are allowed, because copies stay in memory so long", r.Shadow.Timeout, maxShadowTimeout)
	}
}

// checkWrites finds copies that nobody has allowed, and permissions without
// copies.
func (r Route) checkWrites(found *findings) {
	policy := r.ShadowPolicy()
	if r.Sandbox() != "" && policy.Writes != shadow.WritesSandbox {
		found.add("shadow.sandbox", CodeShadow, "sandbox is asked with writes: sandbox alone, and writes is %s: write sandbox there, or leave sandbox out", policy.Writes)
	}
	if r.Sandbox() == "" && policy.Writes == shadow.WritesSandbox {
		found.add("shadow.writes", CodeShadow, "writes is sandbox, and no sandbox is named: write sandbox: BACKEND as well")
	}
	methods := strings.Join(r.Match.Methods, ", ")
	switch off := policy.Sampled && policy.Sample == 0; {
	case policy.Writes != shadow.WritesOff && !r.writes():
		found.add("shadow.writes", CodeShadow, "writes is %s, and its methods (%s) have none of POST, PUT, PATCH and DELETE: leave writes out", policy.Writes, methods)
	case policy.Writes == shadow.WritesOff && !r.reads() && !off && r.writes():
		found.add("shadow", CodeShadow, "its methods (%s) may change something, so copies are sent only to where that does no harm: "+
			"write writes: dry_run where new honours the header %s, or writes: sandbox with a backend of its own, or sample: off", methods, "Strangler-Shadow")
	case !r.reads() && !r.writes():
		found.add("shadow", CodeShadow, "requests with its methods (%s) are never shadowed: leave shadow out", methods)
	}
}

// checkSandbox refuses a sandbox that users are served by.
func checkSandbox(backend string, routes []string, found *findings) {
	if len(routes) > 0 {
		found.add("shadow.sandbox", CodeShadow, "the backend %q serves the users of %s, so copies of writes would change what they have: name one that no route has as a side",
			backend, list(routes))
	}
}

func checkFields(names []string, found *findings) {
	if tooManyNames("shadow.headers", names, found) {
		return
	}
	for i, name := range names {
		at := fmt.Sprintf("shadow.headers[%d]", i)
		if canonicalField(name) == "" {
			found.add(at, CodeShadow, "%q is no name of a header field", name)
		} else if slices.ContainsFunc(names[:i], func(earlier string) bool { return strings.EqualFold(earlier, name) }) {
			found.add(at, CodeDuplicate, "the header field %s occurs twice: write it once", canonicalField(name))
		}
	}
}

// tooManyNames notes a list that is too long, or has been left empty.
func tooManyNames(field string, names []string, found *findings) bool {
	if names != nil && len(names) == 0 {
		found.add(field, CodeShadow, "%s is empty: leave it out for the default", field)
	}
	return found.tooMany(field, CodeShadow, len(names), maxNames)
}

func checkSensitive(names []string, found *findings) {
	if tooManyNames("shadow.sensitive", names, found) {
		return
	}
	for i, name := range names {
		at := fmt.Sprintf("shadow.sensitive[%d]", i)
		switch {
		case strings.TrimSpace(name) == "" || strings.ContainsFunc(name, unprintable):
			found.add(at, CodeShadow, "%q is no name: write one as it stands in a body, a query or a header, like iban", name)
		default:
			if err := redact.CheckSensitive(name); err != nil {
				found.add(at, CodeShadow, "%v", err)
			}
		}
	}
}

func checkReveal(places []string, found *findings) {
	if tooManyNames("shadow.reveal", places, found) {
		return
	}
	for i, place := range places {
		at := fmt.Sprintf("shadow.reveal[%d]", i)
		if err := redact.CheckReveal(place); err != nil {
			found.add(at, CodeShadow, "%v", err)
		}
	}
}

// canonicalField is the canonical form of a header field's name; empty: it is none.
func canonicalField(name string) string {
	target, err := rule.ParseTarget("header " + name)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(target.String(), "header ")
}

// checkTrust checks what shadowing must know of a backend.
func (b Backend) checkTrust(found *findings) {
	if b.Trust != "" {
		if fault := nameFault(b.Trust); fault != "" {
			found.add("trust", CodeTrust, "trust is %q: %s", b.Trust, fault)
		}
	}
	switch field := canonicalField(b.BuildHeader); {
	case b.BuildHeader == "":
	case field == "":
		found.add("build_header", CodeTrust, "build_header is %q, which is no name of a header field: write one like X-Build", b.BuildHeader)
	case redact.CheckReveal("header "+field) != nil:
		found.add("build_header", CodeTrust, "build_header is %s, and whoever may look sees what a build is: name a field that signs nobody in, like X-Build", field)
	}
}
